"""Two Gaussian processes that say of candidates what they cost and how often they err.

Of the logarithm of the cost what does not add up is learned, or the cost is taken as it is where it
is known beforehand. Both are scaled to mean 0 and deviation 1 of what is known; errors beyond
the worst of the front are compressed first, since bad architectures say little of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.pnag.searchers.acquisition import staircase
from heliostat_methods.pnag.searchers.additive_cost import additive_log_cost, additive_weights
from heliostat_methods.pnag.searchers.hamming_gp import (
    USUAL_WEIGHT,
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
TINY = 1e-9
"""Deviation of log costs below which they are taken for explained."""
BEND = 0.3
"""Part of the front's range of errors within which the compression beyond it sets in."""
REFIT = 1.125
"""Growth of what is known after which hyper-parameters are fitted again."""


@dataclass(frozen=True)
class Prediction:
    """Of n candidates: mean and deviation of one objective (n,).

    `unit`: what a deviation of 1 of the process amounts to here.
    """

    mean: Column
    deviation: Column
    posterior: Posterior | None
    unit: float = 1.0

    def among(self, places: NDArray[np.int64]) -> Covariance | None:
        """Return how candidates at some places vary together, None where nothing varies."""
        return None if self.posterior is None else self.posterior.restricted(places, self.unit)

    @property
    def noise(self) -> float:
        """The variance of the noise."""
        if self.posterior is None:
            return 0.0
        return self.posterior.variance * self.posterior.at.noise * self.unit**2


class _Seen:
    """What one prediction is made from: features of what is known, and of the candidates."""

    def __init__(
        self, memory: Memory, observed: NDArray[np.float32], candidates: NDArray[np.float32],
        same: bool,
    ) -> None:  # fmt: skip
        self.memory, self.observed, self.candidates, self.same = memory, observed, candidates, same
        self.distances = np.empty((0, 0, 0))


class Process:
    """A process of one objective: hyper-parameters that are kept, and its posterior."""

    def __init__(self, features: HammingFeatures) -> None:
        self._features = features
        self._at = Hyperparameters((USUAL_WEIGHT,) * features.groups)
        self._posterior: Posterior | None = None

    def predict(self, seen: _Seen, values: Column, sweeps: int) -> Prediction:
        """Return the prediction from values (n,); likelier hyper-parameters are looked for first.

        In so many sweeps; with none, and the same candidates, the posterior only grows.
        """
        if sweeps:
            self._at = fitted(self._at, seen.distances, values, sweeps)
        if self._posterior is None or sweeps or not seen.same:
            self._posterior = Posterior(self._features, self._at, seen.candidates)
        posterior = self._posterior
        if len(posterior) < len(seen.observed):
            posterior.add(seen.observed[len(posterior) :])
        mean, variance = posterior.predict(values)
        return Prediction(mean, np.sqrt(variance), posterior)


class Surrogate:
    """What is known of a space, carried to candidates.

    Hyper-parameters are fitted again when what is known has grown by an eighth.
    """

    def __init__(self, space: SearchSpace, cost: Cost | None = None) -> None:
        self._features = HammingFeatures(space)
        self._of_cost, self._of_error = Process(self._features), Process(self._features)
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
        seen = _Seen(memory, self._features(memory.known.archs), self._columns, same)
        if len(memory) >= self._fitted * REFIT or not self._fitted:
            sweeps, self._fitted = 1 if self._fitted else 2, len(memory)
            seen.distances = self._features.distances(seen.observed)
        else:
            sweeps = 0
        points, middle, scale = scaled(memory.points)
        error = self._of_error.predict(seen, points[:, 1], sweeps)
        if self._cost is not None:
            mean = (np.log10(self._cost(candidates)) - middle[0]) / scale[0]
            return Prediction(mean, np.zeros(len(mean)), None), error, points
        return self._additive(seen, middle[0], scale[0], sweeps), error, points

    def _additive(self, seen: _Seen, middle: float, scale: float, sweeps: int) -> Prediction:
        """Return the prediction of log cost: what adds up, and the process of the rest."""
        cost = seen.memory.known.cost
        weights = additive_weights(seen.observed, cost)
        rest = np.log10(cost) - additive_log_cost(seen.observed, weights, cost)
        shift, unit = float(rest.mean()), float(rest.std())
        unit = unit if unit > TINY else 1.0
        found = self._of_cost.predict(seen, (rest - shift) / unit, sweeps)
        base = additive_log_cost(seen.candidates, weights, cost)
        return Prediction(
            (base + shift + unit * found.mean - middle) / scale,
            found.deviation * unit / scale, found.posterior, unit / scale,
        )  # fmt: skip


class Means:
    """Predicted accuracy and cost of any architectures, from what is known now."""

    def __init__(self, space: SearchSpace, memory: Memory, cost: Cost | None) -> None:
        self._surrogate = Surrogate(space, cost)
        self._memory = memory
        # hyper-parameters once; then every question is new candidates under them
        self._surrogate.predict(memory, memory.known.archs)

    def accuracy(self, archs: Archs) -> Column:
        """Return accuracies in [0, 1], (n,)."""
        error = self._in_units(archs)[:, 1]
        return 1 - np.clip(error, 0, 1)

    def cost(self, archs: Archs) -> Column:
        """Return costs above 0, (n,), no farther than a factor of 10 from known ones."""
        low, high = np.log10([self._memory.known.cost.min(), self._memory.known.cost.max()])
        costs: Column = 10 ** np.clip(self._in_units(archs)[:, 0], low - 1, high + 1)
        return costs

    def _in_units(self, archs: Archs) -> Column:
        cost, error, _ = self._surrogate.predict(self._memory, archs)
        _, middle, scale = scaled(self._memory.points)
        means: Column = np.stack([cost.mean, error.mean], axis=1) * scale + middle
        return means


def scaled(points: Column) -> tuple[Column, Column, Column]:
    """Return points (n, 2) of log cost and error, compressed and scaled; middle and scale (2,)."""
    shaped = np.stack([points[:, 0], compressed(points)], axis=1)
    middle, scale = shaped.mean(axis=0), shaped.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    return (shaped - middle) / scale, middle, scale


def compressed(points: Column) -> Column:
    """Return errors (n,) of which those above all of the front grow with their logarithm only.

    The order stays, and so do the errors that the front has, where gains are measured.
    """
    errors = points[:, 1]
    front = staircase(points)[:, 1]
    worst, unit = float(front[0]), BEND * float(front[0] - front[-1])
    if unit <= 0:
        return errors
    return np.minimum(errors, worst) + unit * np.log1p(np.maximum(errors - worst, 0) / unit)
