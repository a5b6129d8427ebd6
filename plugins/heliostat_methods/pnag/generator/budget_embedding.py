"""Any budget as a vector: learnt at knots, interpolated between them.

Guo et al. 2022 (arXiv 2210.07634): g(B) = xi b_j + (1 - xi) b_(j+1) for B_j <= B <= B_(j+1) with
xi = (B_(j+1) - B) / (B_(j+1) - B_j).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from heliostat.errors import ConfigError, did_you_mean
from heliostat_methods.pnag.descent.perceptron import uniform

Extrapolate = Literal["error", "clamp"]
Interpolation = Literal["linear", "nearest"]
Draw = Literal["continuous", "knots"]
BOUND = 0.1
"""Of the uniform law that vectors are drawn from at first (the authors' code)."""


class BudgetEmbedding(nn.Module):
    """Vectors (knots, size), float32, and what lies between them.

    `interpolation = "nearest"` takes the vector of the nearest knot (the cheaper of two equally
    near). A budget outside the knots is an error, or with `extrapolate = "clamp"` taken for the
    knot at that end. The knots travel with `state_dict`.
    """

    def __init__(
        self,
        knots: ArrayLike,
        size: int,
        rng: np.random.Generator,
        extrapolate: Extrapolate = "error",
        interpolation: Interpolation = "linear",
        bound: float = BOUND,
    ) -> None:
        super().__init__()
        one_of("extrapolate", extrapolate, ("error", "clamp"))
        one_of("interpolation", interpolation, ("linear", "nearest"))
        self.knots = increasing(knots)
        self.extrapolate, self.interpolation = extrapolate, interpolation
        self.vectors = nn.Parameter(uniform((len(self.knots), size), bound, rng))

    def forward(self, budgets: ArrayLike) -> Tensor:
        """Return (n, size) of budgets (n,); raises ConfigError for one outside the knots."""
        weights = torch.from_numpy(self.weights(budgets)).to(self.vectors)
        return weights @ self.vectors

    def weights(self, budgets: ArrayLike) -> NDArray[np.float64]:
        """Return how much of each knot's vector each budget takes, (n, knots); rows sum to 1."""
        values = self._inside(np.atleast_1d(np.asarray(budgets, dtype=np.float64)))
        upper = np.clip(np.searchsorted(self.knots, values), 1, len(self.knots) - 1)
        low, high = self.knots[upper - 1], self.knots[upper]
        share = (high - values) / (high - low)
        if self.interpolation == "nearest":
            share = np.where(values - low <= high - values, 1.0, 0.0)
        weights = np.zeros((len(values), len(self.knots)))
        rows = np.arange(len(values))
        weights[rows, upper - 1], weights[rows, upper] = share, 1 - share
        return weights

    @torch.no_grad()
    def move(self, knots: ArrayLike) -> None:
        """Put as many knots elsewhere, with the vectors that stood there before.

        Beyond the old knots stands the vector of the nearer end, so what was learnt is kept.
        """
        new = increasing(knots)
        if len(new) != len(self.knots):
            raise ConfigError("knots", new.tolist(), f"{len(self.knots)} knots, as before")
        within = np.clip(new, self.knots[0], self.knots[-1])
        self.vectors.copy_(self(within))
        self.knots = new

    def get_extra_state(self) -> Tensor:
        """Return the knots."""
        return torch.from_numpy(self.knots.copy())

    def set_extra_state(self, state: Tensor) -> None:
        """Take the knots of a state_dict."""
        self.knots = increasing(state.cpu().numpy())

    def _inside(self, budgets: NDArray[np.float64]) -> NDArray[np.float64]:
        lowest, highest = self.knots[0], self.knots[-1]
        outside = ~((budgets >= lowest) & (budgets <= highest))
        if self.extrapolate == "clamp":
            outside = ~np.isfinite(budgets)
        if outside.any():
            raise ConfigError(
                "budget",
                float(budgets[outside][0]),
                f"a number from {lowest:g} to {highest:g}, the range of the knots",
                'extrapolate = "clamp" takes the nearest knot beyond them',
            )
        return np.clip(budgets, lowest, highest)


def increasing(knots: ArrayLike) -> NDArray[np.float64]:
    """Return knots as float64; raises ConfigError unless two or more, finite and increasing."""
    values = np.array(knots, dtype=np.float64)
    usable = values.ndim == 1 and len(values) >= 2 and bool(np.all(np.isfinite(values)))
    if not usable or np.any(np.diff(values) <= 0) or values[0] <= 0:
        raise ConfigError(
            "knots", values.tolist(), "two or more budgets above 0, each larger than the one before"
        )
    return values


def draw_budgets(
    knots: NDArray[np.float64], count: int, rng: np.random.Generator, draw: Draw = "continuous"
) -> NDArray[np.float64]:
    """Return random budgets, (count,).

    "continuous": a uniform place between two neighbouring knots, all pairs equally likely, which is
    U(B_1, B_K) for evenly spaced knots. "knots": one of the knots.
    """
    one_of("draw", draw, ("continuous", "knots"))
    if draw == "knots":
        return knots[rng.integers(0, len(knots), count)]
    places = rng.random(count) * (len(knots) - 1)
    return np.interp(places, np.arange(len(knots)), knots)


def one_of(field: str, got: str, choices: Sequence[str]) -> None:
    """Raise ConfigError, naming the nearest, unless `got` is one of the choices."""
    if got not in choices:
        raise ConfigError(field, got, " or ".join(choices), did_you_mean(str(got), choices))


def log_spaced(lowest: float, highest: float, count: int) -> NDArray[np.float64]:
    """Return budgets evenly spaced in their logarithm, both ends exact."""
    values = np.exp(np.linspace(math.log(lowest), math.log(highest), count))
    values[0], values[-1] = lowest, highest
    return values
