"""A Gaussian process on architectures: alike are those that chose alike, or the same as often.

    k(a, b) = v exp(-sum_g w_g differing_g(a, b) - w_c |counts(a) - counts(b)|^2 / 2)

`differing_g`: decisions of group g that differ, one that does not exist differs from every choice
(the Hamming distance). `counts`: how often each choice of a kind occurs: networks whose layers
stand in another order are alike. Noise is added on the diagonal. The weights w and the noise's
share of v are the most likely ones, under wide priors, on a grid of factors of two, walked one at a
time from where the last fit ended, v in closed form: no gradients, so that round-off seldom moves
them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from heliostat_methods.pnag.spaces.space import ABSENT, Archs, SearchSpace

Matrix = NDArray[np.float64]
MOST_GROUPS = 24
LEAST_WEIGHT, MOST_WEIGHT = 2.0**-8, 2.0**4
LEAST_NOISE, MOST_NOISE = 2.0**-16, 1.0
USUAL_WEIGHT, WEIGHT_DOUBLINGS = 2.0**-2, 2.0
USUAL_NOISE, NOISE_DOUBLINGS = 2.0**-7, 4.0
"""Mean and standard deviation, in factors of two, of the priors: with few architectures known the
likelihood alone would drop decisions that matter."""
GAIN = 1e-3
"""By how much the negative log posterior has to fall for a step on the grid."""


@dataclass(frozen=True)
class Hyperparameters:
    """Weights of the groups and, last, of the counts; the noise's variance over the signal's."""

    weights: tuple[float, ...]
    noise: float = USUAL_NOISE


class HammingFeatures:
    """What the kernel compares: one column for each choice of each decision, and the counts.

    Decisions that stand alone have a weight of their own; those of one kind under one parent share
    one, and all of one kind where that would be more than `MOST_GROUPS`.
    """

    def __init__(self, space: SearchSpace) -> None:
        decisions = space.decisions
        fine = [str(place) if d.parent is None else f"{d.parent} {d.kind}"
                for place, d in enumerate(decisions)]  # fmt: skip
        names = fine if len(set(fine)) <= MOST_GROUPS else [d.kind for d in decisions]
        self._sizes = [len(d.choices) + 1 for d in decisions]
        self._starts = np.cumsum([0, *self._sizes[:-1]])
        groups = {name: place for place, name in enumerate(dict.fromkeys(names))}
        kinds = list(dict.fromkeys(d.kind for d in decisions))
        widest = max(self._sizes)
        kind = np.array([kinds.index(d.kind) for d in decisions])
        self._count_starts = kind * widest
        self._counts = len(kinds) * widest
        self.groups = len(groups) + 1
        columns = np.repeat([groups[name] for name in names], self._sizes)
        self._group_of_column = np.concatenate([columns, np.full(self._counts, len(groups))])

    def __call__(self, archs: Archs) -> NDArray[np.float32]:
        """Return the features (n, columns), unweighted; those that do not exist have a column."""
        chosen = np.where(archs == ABSENT, np.array(self._sizes) - 1, archs)
        total = int(sum(self._sizes))
        features = np.zeros((len(archs), total + self._counts), np.float32)
        rows = np.arange(len(archs))
        for place in range(archs.shape[1]):
            features[rows, self._starts[place] + chosen[:, place]] = 1
            there = archs[:, place] != ABSENT
            column = total + self._count_starts[place] + archs[:, place]
            features[rows[there], column[there]] += 1
        return features

    def distances(self, features: NDArray[np.float32]) -> Matrix:
        """Return what each weight is multiplied with, (groups, n, n)."""
        wide = features.astype(np.float64)
        return np.stack([
            _half_squares(part, part)
            for group in range(self.groups)
            for part in [wide[:, self._group_of_column == group]]
        ])  # fmt: skip

    def weighted(
        self, features: NDArray[np.float32], weights: tuple[float, ...]
    ) -> NDArray[np.float32]:
        """Return features whose half squared distance is the kernel's exponent."""
        scale = np.sqrt(np.array(weights))[self._group_of_column]
        columns: NDArray[np.float32] = features * scale.astype(np.float32)
        return columns


def _half_squares(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None]
    halves: NDArray[Any] = np.maximum(squares / 2 - a @ b.T, 0)
    return halves


def fitted(start: Hyperparameters, distances: Matrix, values: NDArray[np.float64],
           sweeps: int = 1) -> Hyperparameters:  # fmt: skip
    """Return the most likely hyper-parameters for values (n,) that one reaches from `start`."""
    best, least = start, _loss(start, distances, values)
    for _ in range(sweeps):
        for place in range(len(start.weights) + 1):
            for factor in (0.5, 2.0):
                while (step := _stepped(best, place, factor)) is not None:
                    loss = _loss(step, distances, values)
                    if loss >= least - GAIN:
                        break
                    best, least = step, loss
    return best


def _stepped(at: Hyperparameters, place: int, factor: float) -> Hyperparameters | None:
    if place == len(at.weights):
        noise = at.noise * factor**2
        return replace(at, noise=noise) if LEAST_NOISE <= noise <= MOST_NOISE else None
    weight = at.weights[place] * factor
    if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
        return None
    return replace(at, weights=(*at.weights[:place], weight, *at.weights[place + 1 :]))


def _loss(at: Hyperparameters, distances: Matrix, values: NDArray[np.float64]) -> float:
    """Return the negative log posterior, but for a constant, at the best signal variance."""
    exponent = np.tensordot(np.array(at.weights), distances, axes=1)
    kernel = np.exp(-exponent)
    kernel[np.diag_indices_from(kernel)] += at.noise
    try:
        lower = np.linalg.cholesky(kernel)
    except np.linalg.LinAlgError:
        return math.inf
    white = solve_triangular(lower, values, lower=True, check_finite=False)
    variance = max(float(white @ white) / len(values), 1e-12)
    likely = 0.5 * len(values) * math.log(variance) + float(np.log(np.diag(lower)).sum())
    return likely + _unusual(at)


def _unusual(at: Hyperparameters) -> float:
    """Return the prior's negative logarithm: normal in the logarithms, wide."""
    weights = np.log2(np.array(at.weights) / USUAL_WEIGHT) / WEIGHT_DOUBLINGS
    noise = math.log2(at.noise / USUAL_NOISE) / NOISE_DOUBLINGS
    return float(weights @ weights + noise * noise) / 2


class Posterior:
    """What the process says of candidates, given architectures and values of mean about 0.

    Observations are added in blocks: the factor of the kernel's matrix and the candidates' rows
    grow, nothing is factored again. What concerns candidates is single precision.
    """

    def __init__(
        self,
        features: HammingFeatures,
        at: Hyperparameters,
        candidates: NDArray[np.float32],
    ) -> None:
        self.at = at
        self._features = features
        self._candidates = features.weighted(candidates, at.weights)
        self._norms = (self._candidates * self._candidates).sum(axis=1) / 2
        self._seen = np.empty((0, candidates.shape[1]), np.float32)
        self._lower = np.empty((0, 0))
        self._rows = np.empty((0, len(candidates)), np.float32)
        self._explained = np.zeros(len(candidates), np.float32)

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, observed: NDArray[np.float32]) -> None:
        """Take in where was observed, features (n, columns)."""
        new = self._features.weighted(observed, self.at.weights)
        wide, old = new.astype(np.float64), self._seen.astype(np.float64)
        across = np.exp(-_half_squares(old, wide))
        corner = np.exp(-_half_squares(wide, wide))
        corner[np.diag_indices_from(corner)] += self.at.noise
        left = solve_triangular(self._lower, across, lower=True).T if len(old) else across.T
        lower = np.linalg.cholesky(corner - left @ left.T)
        count = len(old)
        grown = np.zeros((count + len(new),) * 2)
        grown[:count, :count], grown[count:, :count], grown[count:, count:] = (
            self._lower, left, lower)  # fmt: skip
        covered = self._covered(new)
        covered -= left.astype(np.float32) @ self._rows
        # a product with the block's inverse: many times faster than solving for every candidate
        inverse = solve_triangular(lower, np.eye(len(new)), lower=True, check_finite=False)
        rows = inverse.astype(np.float32) @ covered
        self._lower, self._seen = grown, np.concatenate([self._seen, new])
        self._rows = np.concatenate([self._rows, rows])
        self._explained += (rows * rows).sum(axis=0)

    def _covered(self, new: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the kernel between observations and candidates, (observations, candidates)."""
        exponent = new @ self._candidates.T
        exponent -= (new * new).sum(axis=1)[:, None] / 2
        exponent -= self._norms
        np.minimum(exponent, 0, out=exponent)
        covered: NDArray[np.float32] = np.exp(exponent, out=exponent)
        return covered

    def predict(self, values: NDArray[np.float64]) -> tuple[Matrix, Matrix]:
        """Return mean and variance at the candidates, (n,) each, given the values observed."""
        white = solve_triangular(self._lower, values, lower=True, check_finite=False)
        self.variance = max(float(white @ white) / len(values), 1e-12)
        mean = white.astype(np.float32) @ self._rows
        left = np.maximum(1 - self._explained, 1e-6)
        return mean.astype(np.float64), self.variance * left.astype(np.float64)

    def restricted(self, places: NDArray[np.int64], unit: float = 1.0) -> Covariance:
        """Return how the candidates at some places vary together, after `predict`."""
        variance = self.variance * unit**2
        return Covariance(self._candidates[places], self._rows[:, places], variance)


class Covariance:
    """How some candidates vary together, worked out one against all."""

    def __init__(
        self, features: NDArray[np.float32], rows: NDArray[np.float32], variance: float
    ) -> None:
        self._features, self._rows, self._variance = features, rows, variance

    def __call__(self, place: int) -> Matrix:
        """Return the covariance (n,) of the one at `place` with all."""
        near = np.exp(-_half_squares(self._features[place][None], self._features))[0]
        near -= self._rows[:, place] @ self._rows
        covariance: Matrix = self._variance * near.astype(np.float64)
        return covariance
