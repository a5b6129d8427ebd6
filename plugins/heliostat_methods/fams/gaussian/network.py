"""Stacks of Gaussian networks: mean and log-variance of every weight, one network a group.

A network with `dims` (features, hidden ..., 1) is flat: layer after layer a matrix (out, in + 1),
row after row, whose last column is the bias. So divergence, barycentre, Adagrad and merging are one
pass over memory; `layers` gives views with the usual names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError

MOST_LAYERS = 200
INITIAL_LOG_VARIANCE = (0.01, 0.01)
"""Mean and standard deviation of initial log-variances (the authors' configurations)."""


class Layer(NamedTuple):
    """Views of one layer of a stack: weights (A, out, in), biases (A, out)."""

    weight_mean: Tensor
    weight_log_variance: Tensor
    bias_mean: Tensor
    bias_log_variance: Tensor


def parameters(dims: Sequence[int]) -> int:
    """Return P, the number of weights and biases; raises ArgumentError for other than dims."""
    usable = 2 <= len(dims) <= MOST_LAYERS + 1 and all(
        isinstance(width, (int, np.integer)) and width >= 1 for width in dims
    )
    if not usable or dims[-1] != 1:
        raise ArgumentError("dims", tuple(dims), "features, hidden widths and a last 1, each >= 1")
    return sum((i + 1) * o for i, o in pairwise(dims))


@dataclass(frozen=True, eq=False)
class GaussianMLP:
    """A networks: `mean` and `log_variance`, (A, P) of one float type and device; A = 1 for Q."""

    dims: tuple[int, ...]
    mean: Tensor
    log_variance: Tensor

    def __post_init__(self) -> None:
        expected = parameters(self.dims)
        for name in ("mean", "log_variance"):
            shape = tuple(getattr(self, name).shape)
            if len(shape) != 2 or shape[1] != expected or shape[0] < 1:
                raise ArrayError(f"{name} has shape {shape}, expected (networks >= 1, {expected})")
        if self.mean.shape != self.log_variance.shape:
            raise ArrayError("mean and log_variance are of different numbers of networks")

    def __len__(self) -> int:
        """Return A, the number of networks."""
        return self.mean.shape[0]

    @classmethod
    def initial(
        cls,
        dims: Sequence[int],
        seed: int = 0,
        groups: Sequence[int] = (0,),
        log_variance: tuple[float, float] = INITIAL_LOG_VARIANCE,
    ) -> Self:
        """Return one network for each number in `groups`, drawn from (seed, number) alone.

        Means are uniform within 1 / sqrt(in), log-variances normal: the authors' layer.
        """
        size = parameters(dims)
        means, variances = np.empty((2, len(groups), size), np.float32)
        for at, group in enumerate(groups):
            stream = np.random.Generator(np.random.Philox(key=[seed, group]))
            parts = [stream.uniform(-(i**-0.5), i**-0.5, (i + 1) * o) for i, o in pairwise(dims)]
            means[at] = np.concatenate(parts)
            variances[at] = stream.normal(*log_variance, size)
        return cls.from_arrays(dims, means, variances)

    @classmethod
    def from_arrays(
        cls, dims: Sequence[int], mean: NDArray[Any], log_variance: NDArray[Any]
    ) -> Self:
        """Return the networks of arrays (A, P) or (P,), which are shared and keep their type."""
        mean, log_variance = np.atleast_2d(mean), np.atleast_2d(log_variance)
        return cls(tuple(dims), torch.from_numpy(mean), torch.from_numpy(log_variance))

    def arrays(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return mean and log-variance as numpy arrays; on the CPU they share memory."""
        return self.mean.detach().cpu().numpy(), self.log_variance.detach().cpu().numpy()

    def at(self, which: Any) -> GaussianMLP:
        """Return some of the networks, by index list or slice."""
        return GaussianMLP(self.dims, self.mean[which], self.log_variance[which])

    def to(self, device: str | torch.device) -> GaussianMLP:
        """Return the networks on a device."""
        return GaussianMLP(self.dims, self.mean.to(device), self.log_variance.to(device))

    def layers(self) -> list[Layer]:
        """Return views of all layers; writing to them writes to the networks."""
        found, begin, count = [], 0, len(self)
        for i, o in pairwise(self.dims):
            end = begin + (i + 1) * o
            mean = self.mean[:, begin:end].view(count, o, i + 1)
            spread = self.log_variance[:, begin:end].view(count, o, i + 1)
            found.append(Layer(mean[..., :-1], spread[..., :-1], mean[..., -1], spread[..., -1]))
            begin = end
        return found

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies by name: ``layers.0.weight_mean`` (A, out, in) and so on."""
        return {
            f"layers.{at}.{name}": view.clone()
            for at, layer in enumerate(self.layers())
            for name, view in layer._asdict().items()
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Tensor]) -> Self:
        """Return the networks of a state_dict, also of one `StochasticMLP`, without axis A.

        Raises ArrayError naming the entry that is missing or has another shape.
        """
        rows: list[tuple[Tensor, Tensor]] = []
        dims: list[int] = []
        while f"layers.{len(rows)}.weight_mean" in state:
            mean, spread = (_matrix(state, len(rows), kind) for kind in ("mean", "log_variance"))
            if dims and mean.shape[2] - 1 != dims[-1]:
                raise ArrayError(f"layers.{len(rows)}.weight_mean does not fit the layer before it")
            dims = [*(dims or [mean.shape[2] - 1]), mean.shape[1]]
            rows.append((mean.flatten(1), spread.flatten(1)))
        if not rows:
            raise ArrayError("state_dict has no entry layers.0.weight_mean")
        mean, spread = (torch.cat(parts, 1) for parts in zip(*rows, strict=True))
        return cls(tuple(dims), mean, spread)


def _matrix(state: Mapping[str, Tensor], layer: int, kind: str) -> Tensor:
    """Return weights and bias side by side, (A, out, in + 1)."""
    names = [f"layers.{layer}.{part}_{kind}" for part in ("weight", "bias")]
    for name in names:
        if name not in state:
            raise ArrayError(f"state_dict has no entry {name}")
    weight, bias = (state[name].detach() for name in names)
    if weight.dim() == 2:
        weight, bias = weight[None], bias[None]
    if weight.dim() != 3 or bias.shape != weight.shape[:2]:
        raise ArrayError(f"{names[1]} does not fit {names[0]}")
    return torch.cat((weight, bias[..., None]), 2)
