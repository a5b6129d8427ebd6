"""The modules that an extracted subnet is made of, which no other file of this package needs."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """Adds its input to what it does."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        out: Tensor = x + self.body(x)
        return out


class SqueezeExcite(nn.Module):
    """Scales channels by gates in [0, 1] made of their means over places."""

    def __init__(self, squeeze: nn.Module, excite: nn.Module) -> None:
        super().__init__()
        self.squeeze, self.excite = squeeze, excite
        self.mean, self.relu, self.gate = nn.AdaptiveAvgPool2d(1), nn.ReLU(), nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled channels."""
        out: Tensor = x * self.gate(self.excite(self.relu(self.squeeze(self.mean(x)))))
        return out


def convolution(
    weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0, groups: int = 1
) -> nn.Module:
    """Return a convolution with copies of given weights."""
    outputs, inputs, size, _ = weight.shape
    made: nn.Module = nn.utils.skip_init(  # type: ignore[no-untyped-call]
        nn.Conv2d, inputs * groups, outputs, size, stride=stride, padding=padding, groups=groups,
        bias=bias is not None,
    )  # fmt: skip
    return _filled(made, weight, bias)


def linear(weight: Tensor, bias: Tensor | None) -> nn.Module:
    """Return a linear layer with copies of given weights."""
    outputs, inputs = weight.shape
    made: nn.Module = nn.utils.skip_init(  # type: ignore[no-untyped-call]
        nn.Linear, inputs, outputs, bias=bias is not None
    )
    return _filled(made, weight, bias)


@torch.no_grad()
def _filled(module: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    module.get_parameter("weight").copy_(weight)
    if bias is not None:
        module.get_parameter("bias").copy_(bias)
    return module
