"""Two Gaussian processes that say of candidates what they cost and how often they err.

Cost is learned in its logarithm, or taken as it is where it is known beforehand. Both are scaled to
mean 0 and deviation 1 of what is known; errors beyond the worst of the front are compressed first, since
bad architectures lie far out and say little of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.pnag.searchers.acquisition import staircase
from heliostat_methods.pnag.searchers.hamming_gp import (
    Covariance,
    HammingFeatures,
    Hyperparameters,
    Posterior,
    fitted,
)
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Cost
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

Column = NDArray[np.float64]
REFIT = 1.125
"""Growth of what is known after which hyper-parameters are fitted again."""


@dataclass(frozen=True)
class Prediction:
    """Of n candidates: mean and deviation of one objective (n,)."""

    mean: Column
    deviation: Column
    posterior: Posterior | None

    def among(self, places: NDArray[np.int64]) -> Covariance | None:
        """Return how candidates at some places vary together, None where nothing varies."""
        return None if self.posterior is None else self.posterior.restricted(places)

    @property
    def noise(self) -> float:
        """The variance of the noise."""
        return 0.0 if self.posterior is None else self.posterior.variance * self.posterior.at.noise


class Process:
    """A process of one objective: hyper-parameters that are kept, and its posterior."""

    def __init__(self, features: HammingFeatures) -> None:
        self._features = features
        self._at = Hyperparameters((0.25,) * features.groups)
        self._posterior: Posterior | None = None

    def fit(self, distances: NDArray[np.float64], values: Column, sweeps: int) -> None:
        """Look for likelier hyper-parameters; the posterior has to be made anew."""
        self._at = fitted(self._at, distances, values, sweeps)
        self._posterior = None

    def predict(
        self, observed: NDArray[np.float32], values: Column, candidates: NDArray[np.float32],
        same: bool,
    ) -> Prediction:  # fmt: skip
        """Return the prediction at candidates; `same` says that they are those of the last time."""
        if self._posterior is None or not same:
            self._posterior = Posterior(self._features, self._at, candidates)
        posterior = self._posterior
        if len(posterior) < len(observed):
            posterior.add(observed[len(posterior) :])
        mean, variance = posterior.predict(values)
        return Prediction(mean, np.sqrt(variance), posterior)


class Surrogate:
    """What is known of a space, carried to candidates.

    Hyper-parameters are fitted again when what is known has grown by an eighth.
    """

    def __init__(self, space: SearchSpace, cost: Cost | None = None) -> None:
        self._features = HammingFeatures(space)
        self._processes = Process(self._features), Process(self._features)
        self._cost = cost
        self._candidates: Archs | None = None
        self._columns = np.empty((0, 0), np.float32)
        self._fitted = 0

    def predict(self, memory: Memory, candidates: Archs) -> tuple[Prediction, Prediction, Column]:
        """Return predictions of cost and error of candidates, and the known points (n, 2).

        All scaled alike. Of the same array of candidates only what is new is worked out.
        """
        same = candidates is self._candidates
        if not same:
            self._candidates, self._columns = candidates, self._features(candidates)
        observed = self._features(memory.known.archs)
        points, middle, scale = scaled(memory.points)
        learned = (1,) if self._cost is not None else (0, 1)
        if len(observed) >= self._fitted * REFIT or not self._fitted:
            distances = self._features.distances(observed)
            for axis in learned:
                self._processes[axis].fit(distances, points[:, axis], 1 if self._fitted else 2)
            self._fitted = len(observed)
        cost, error = (
            self._processes[axis].predict(observed, points[:, axis], self._columns, same)
            if axis in learned
            else self._sure(candidates, middle[axis], scale[axis])
            for axis in (0, 1)
        )
        return cost, error, points

    def _sure(self, candidates: Archs, middle: float, scale: float) -> Prediction:
        assert self._cost is not None
        mean = (np.log10(self._cost(candidates)) - middle) / scale
        return Prediction(mean, np.zeros(len(mean)), None)


def scaled(points: Column) -> tuple[Column, Column, Column]:
    """Return points (n, 2) of log cost and error, compressed and scaled; middle and scale (2,)."""
    shaped = np.stack([points[:, 0], compressed(points)], axis=1)
    middle, scale = shaped.mean(axis=0), shaped.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    return (shaped - middle) / scale, middle, scale


def compressed(points: Column) -> Column:
    """Return errors (n,) of which those above all of the front grow with their logarithm only.

    The order stays; below, where gains are measured, nothing changes.
    """
    errors = points[:, 1]
    front = staircase(points)[:, 1]
    worst, spread = float(front[0]), float(front[0] - front[-1])
    if spread <= 0:
        return errors
    beyond = np.maximum(errors - worst, 0)
    return np.minimum(errors, worst) + spread * np.log1p(beyond / spread)
