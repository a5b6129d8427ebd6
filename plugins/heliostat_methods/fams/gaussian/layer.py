"""The stochastic layer, and a network of such layers, as torch modules with gradients by autograd.

Local reparametrisation (the authors' layer): for inputs h, out = m + eps z sqrt(v) with
m = W_mean h + b_mean and v = e^W_log_variance h^2 + e^b_log_variance, z a standard normal of its
own for each row and output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, linear

from heliostat_methods.fams.gaussian.descent import LEAST, MOST
from heliostat_methods.fams.gaussian.network import INITIAL_LOG_VARIANCE, GaussianMLP, parameters
from heliostat_methods.fams.gaussian.settings import at_least_zero

Noise = Callable[[int, torch.Size], Tensor]
"""noise(layer, shape) -> standard normals of that shape."""


class StochasticLinear(nn.Module):
    """A dense layer with normal weights: inputs (..., in) to outputs (..., out).

    Means start uniform within 1 / sqrt(in), log-variances N(0.01, 0.01^2), drawn from `generator`.
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        eps: float = 0.08,
        generator: torch.Generator | None = None,
        log_variance: tuple[float, float] = INITIAL_LOG_VARIANCE,
    ) -> None:
        super().__init__()
        at_least_zero("eps", eps)
        self.eps = eps
        shape, bound = (fan_out, fan_in), fan_in**-0.5

        def uniform(*size: int) -> nn.Parameter:
            return nn.Parameter((torch.rand(size, generator=generator) * 2 - 1) * bound)

        def normal(*size: int) -> nn.Parameter:
            drawn = torch.randn(size, generator=generator)
            return nn.Parameter(drawn * log_variance[1] + log_variance[0])

        self.weight_mean, self.weight_log_variance = uniform(*shape), normal(*shape)
        self.bias_mean, self.bias_log_variance = uniform(fan_out), normal(fan_out)

    def forward(
        self, inputs: Tensor, noise: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return one draw of the outputs; `noise` (..., out) is drawn if not given."""
        m = linear(inputs, self.weight_mean, self.bias_mean)
        if not self.eps > 0:
            return m
        variances = (
            x.clamp(LEAST, MOST).exp() for x in (self.weight_log_variance, self.bias_log_variance)
        )
        v = linear(inputs.square(), *variances)
        if noise is None:
            # drawn on the CPU, so that a device changes no number
            noise = torch.randn(m.shape, generator=generator, dtype=m.dtype).to(m.device)
        return m + self.eps * noise * v.sqrt()


class StochasticMLP(nn.Module):
    """Stochastic layers with ELU between them: inputs (rows, dims[0]) to logits (rows,)."""

    def __init__(
        self,
        dims: Sequence[int],
        eps: float = 0.08,
        generator: torch.Generator | None = None,
        log_variance: tuple[float, float] = INITIAL_LOG_VARIANCE,
    ) -> None:
        super().__init__()
        parameters(dims)
        self.layers = nn.ModuleList(
            StochasticLinear(i, o, eps, generator, log_variance) for i, o in pairwise(dims)
        )

    def forward(
        self, inputs: Tensor, noise: Noise | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return the logits of one draw; `noise(layer, shape)` gives what would be drawn."""
        h = inputs
        for at, layer in enumerate(self.layers):
            shape = (*h.shape[:-1], layer.get_parameter("bias_mean").shape[0])
            given = None if noise is None else noise(at, torch.Size(shape))
            h = layer(h, given, generator)
            if at < len(self.layers) - 1:
                h = elu(h)
        return h[..., 0]

    @classmethod
    def of(cls, stack: GaussianMLP, which: int = 0, eps: float = 0.08) -> StochasticMLP:
        """Return a copy of one network of a stack."""
        made = cls(stack.dims, eps)
        with torch.no_grad():
            for layer, views in zip(made.layers, stack.layers(), strict=True):
                for name, view in views._asdict().items():
                    layer.get_parameter(name).copy_(view[which])
        return made

    def stacked(self) -> GaussianMLP:
        """Return a copy as a stack of one."""
        return GaussianMLP.from_state_dict(self.state_dict())
