"""The predictor of all estimators: linear layers with ELU between them and one logit at the end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn
from torch.nn.functional import linear

from heliostat_methods.fams.estimators.scaling import Scaling

ROWS_AT_ONCE = 16384
"""Rows that one product takes when a network predicts; it bounds memory."""


def mlp(inputs: int, hidden: Sequence[int], draws: np.random.Generator) -> nn.Sequential:
    """Return a network with freshly drawn weights; (rows, inputs) to (rows, 1)."""
    layers: list[nn.Module] = []
    widths = (inputs, *hidden, 1)
    for before, after in pairwise(widths):
        layers += [Linear(before, after, draws), nn.ELU()]
    return nn.Sequential(*layers[:-1])


class Linear(nn.Module):
    """A layer with weights and biases from U(-1/sqrt(before), 1/sqrt(before)), drawn from `draws`.

    `nn.Linear` would draw from torch's global generator first.
    """

    def __init__(self, before: int, after: int, draws: np.random.Generator) -> None:
        super().__init__()
        self.weight = nn.Parameter(uniform((after, before), before, draws))
        self.bias = nn.Parameter(uniform((after,), before, draws))

    def forward(self, h: Tensor) -> Tensor:
        """Return (rows, after) of (rows, before)."""
        return linear(h, self.weight, self.bias)


def uniform(shape: tuple[int, ...], inputs: int, draws: np.random.Generator) -> Tensor:
    """Return float32 numbers from U(-1/sqrt(inputs), 1/sqrt(inputs))."""
    bound = 1 / math.sqrt(inputs)
    return torch.from_numpy(draws.uniform(-bound, bound, shape).astype(np.float32))


def elu(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x where positive, else exp(x) - 1."""
    found: NDArray[np.float64] = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    return found


def slices(rows: int) -> Iterator[slice]:
    """Yield the slices of rows that go through a network at once."""
    for at in range(0, rows, ROWS_AT_ONCE):
        yield slice(at, at + ROWS_AT_ONCE)


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A trained network as arrays: it predicts in double precision and needs no torch.

    `layers`: weights (out, in) and biases (out,) from the input on.
    """

    scaling: Scaling
    layers: tuple[tuple[NDArray[Any], NDArray[Any]], ...]

    @classmethod
    def of(cls, scaling: Scaling, modules: Sequence[nn.Module]) -> FittedNetwork:
        """Return the linear layers among trained modules."""
        return cls(
            scaling,
            tuple(
                (array(one.weight), array(one.bias)) for one in modules if isinstance(one, Linear)
            ),
        )

    def logits(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logit of each row, (rows,)."""
        found = np.empty(len(inputs))
        for rows in slices(len(inputs)):
            found[rows] = self.standardised_logits(self.scaling(inputs[rows]))
        return found

    def standardised_logits(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits of rows that are standardised already, (rows,)."""
        at = inputs
        for depth, (weight, bias) in enumerate(self.layers):
            at = (elu(at) if depth else at) @ weight.T.astype(np.float64) + bias
        return at[:, 0]

    def scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of the second class, (rows,)."""
        found: NDArray[np.float64] = expit(self.logits(inputs))
        return found


def array(parameter: Any) -> NDArray[Any]:
    """Return a parameter's values as an array of its own."""
    values: NDArray[Any] = parameter.detach().cpu().numpy().copy()
    return values
