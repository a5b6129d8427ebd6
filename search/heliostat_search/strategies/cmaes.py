"""CMA-ES: minimise a function of n numbers that may be rugged, noisy or without a gradient.

The evolution strategy with covariance matrix adaptation, (mu/mu_w, lambda), with rank-one and
rank-mu updates and cumulative step-size control (Hansen, "The CMA Evolution Strategy: A Tutorial",
arXiv 1604.00772, its defaults without negative weights). Candidates are drawn from
``N(mean, step_size^2 covariance)``; the better half of them moves the mean, and the way that the
mean took bends the covariance and sets the step size. Only the order of the values matters.

    strategy = CMAES(dimension=8)
    state = strategy.start(np.zeros(8), step_size=1.2)
    for generation in range(50):
        points = strategy.ask(state, rng)
        state = strategy.tell(state, points, [function(x) for x in points])

The state is plain arrays and numbers, and nothing hides beside it: written down and read back, it
goes on bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat import stored
from heliostat.errors import ConfigError

Vector = NDArray[np.float64]
_WORST_CONDITION = 1e14
"""Ratio of the longest to the shortest squared axis beyond which a double has no digits left."""


@stored("search.cmaesstate")
@dataclass(frozen=True)
class CMAESState:
    """Where the strategy stands: its distribution, the two paths that led there, and how long.

    ``mean``, ``step_path`` and ``covariance_path``: (n,); ``covariance``: (n, n), symmetric.
    """

    mean: Vector
    step_size: float
    covariance: Vector
    step_path: Vector
    covariance_path: Vector
    generation: int = 0


@dataclass(frozen=True)
class CMAES:
    """The strategy for ``dimension`` numbers with ``population`` candidates a generation.

    ``population`` 0 means the default, ``4 + floor(3 ln n)``. Raises ConfigError for a dimension
    below 1 and a population below 2.
    """

    dimension: int
    population: int = 0

    def __post_init__(self) -> None:
        if self.dimension < 1:
            raise ConfigError("dimension", self.dimension, "an integer of at least 1")
        if self.population == 0:
            object.__setattr__(self, "population", 4 + int(3 * math.log(self.dimension)))
        if self.population < 2:
            raise ConfigError("population", self.population, "at least 2, or 0 for the default")

    @cached_property
    def weights(self) -> Vector:
        """Shares of the parents in the new mean, best first, (population // 2,)."""
        parents = self.population // 2
        raw = math.log(parents + 0.5) - np.log(np.arange(1, parents + 1))
        shares: Vector = raw / raw.sum()
        return shares

    @cached_property
    def _rates(self) -> _Rates:
        n, mass = self.dimension, float(1.0 / np.sum(self.weights**2))
        step = (mass + 2.0) / (n + mass + 3.0)
        rank_one = 2.0 / ((n + 1.3) ** 2 + mass)
        rank_mu = 2.0 * (mass - 2.0 + 1.0 / mass) / ((n + 2.0) ** 2 + mass)
        return _Rates(
            mass=mass,
            step=step,
            damping=1.0 + 2.0 * max(0.0, math.sqrt((mass - 1.0) / (n + 1.0)) - 1.0) + step,
            path=4.0 / (n + 4.0),
            rank_one=rank_one,
            rank_mu=min(1.0 - rank_one, rank_mu),
            length=math.sqrt(n) * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n**2)),
        )

    def start(self, mean: ArrayLike, step_size: float) -> CMAESState:
        """Return the state before the first generation; ``mean``: (n,), round about it."""
        centre = np.array(mean, np.float64)
        if centre.shape != (self.dimension,) or not np.all(np.isfinite(centre)):
            raise ConfigError("mean", mean, f"{self.dimension} finite numbers")
        if not (math.isfinite(step_size) and step_size > 0):
            raise ConfigError("step_size", step_size, "a finite number above 0")
        n = self.dimension
        return CMAESState(centre, float(step_size), np.eye(n), np.zeros(n), np.zeros(n))

    def ask(self, state: CMAESState, rng: np.random.Generator) -> Vector:
        """Return one generation of candidates, (population, n)."""
        normal = rng.standard_normal((self.population, self.dimension))
        axes, lengths = _axes(state.covariance)
        # The symmetric root: neither the signs of the axes nor their choice within equal lengths,
        # which linear algebra libraries decide differently, change what is drawn.
        root = (axes * lengths) @ axes.T
        points: Vector = state.mean + state.step_size * (normal @ root)
        return points

    def tell(self, state: CMAESState, points: ArrayLike, values: ArrayLike) -> CMAESState:
        """Return the state after a generation: ``points`` (population, n) and a value for each.

        A value that is not finite ranks last; equal ones rank in the order given. Raises
        ConfigError for other shapes and for points that are not finite.
        """
        shape = (self.population, self.dimension)
        x, f = np.asarray(points, np.float64), np.asarray(values, np.float64)
        if x.shape != shape or not np.all(np.isfinite(x)):
            raise ConfigError("points", _shape(x), f"finite numbers of shape {shape}")
        if f.shape != shape[:1]:
            raise ConfigError("values", _shape(f), f"one value for each of {shape[0]} points")
        rates, weights = self._rates, self.weights
        order = np.argsort(np.where(np.isfinite(f), f, np.inf), kind="stable")
        steps = (x[order[: len(weights)]] - state.mean) / state.step_size
        move = weights @ steps
        axes, lengths = _axes(state.covariance)
        white = axes @ ((axes.T @ move) / lengths)
        step_path = (1.0 - rates.step) * state.step_path
        step_path = step_path + math.sqrt(rates.step * (2.0 - rates.step) * rates.mass) * white
        # How long the path is against one of independent steps tells whether the step is too short.
        length = float(np.linalg.norm(step_path)) / rates.length
        seen = 1.0 - (1.0 - rates.step) ** (2.0 * (state.generation + 1))
        stalled = length / math.sqrt(seen) >= 1.4 + 2.0 / (self.dimension + 1.0)
        keep = rates.path * (2.0 - rates.path)
        covariance_path = (1.0 - rates.path) * state.covariance_path
        if not stalled:
            covariance_path = covariance_path + math.sqrt(keep * rates.mass) * move
        decay = 1.0 - rates.rank_one - rates.rank_mu + stalled * rates.rank_one * keep
        covariance = (
            decay * state.covariance
            + rates.rank_one * np.outer(covariance_path, covariance_path)
            + rates.rank_mu * ((weights * steps.T) @ steps)
        )
        return CMAESState(
            mean=state.mean + state.step_size * move,
            step_size=state.step_size * math.exp((length - 1.0) * rates.step / rates.damping),
            covariance=(covariance + covariance.T) / 2.0,
            step_path=step_path,
            covariance_path=covariance_path,
            generation=state.generation + 1,
        )


@dataclass(frozen=True)
class _Rates:
    """Constants of the update; the tutorial's mu_eff, c_s, d_s, c_c, c_1, c_mu and chi_n."""

    mass: float
    step: float
    damping: float
    path: float
    rank_one: float
    rank_mu: float
    length: float


def _axes(covariance: Vector) -> tuple[Vector, Vector]:
    """Return the principal axes as columns and the standard deviation along each."""
    squares, axes = np.linalg.eigh(covariance)
    # Rounding may push the least square to zero or below once the axes differ this much.
    return axes, np.sqrt(np.maximum(squares, squares[-1] / _WORST_CONDITION))


def _shape(array: Vector) -> str:
    return f"an array of shape {array.shape}"
