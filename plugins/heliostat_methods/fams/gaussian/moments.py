"""What the upper level needs of many posteriors: 3 P numbers, merged without loss of digits.

W = sum w_a; mean = sum w_a m_a / W; M2 = sum w_a [(m_a - mean)^2 + s_a^2]; S = sum w_a s_a, in
float64. Merged by Chan, Golub and LeVeque's formula (1983): raw sums of squares of float32 means
would lose every digit of a small spread beside a large mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.gaussian.compilation import compiled
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """`weight` W, and `mean`, `m2`, `sum_sigma` (P,) float64, of any number of posteriors."""

    weight: float
    mean: Vector
    m2: Vector
    sum_sigma: Vector

    @classmethod
    def none(cls, parameters: int) -> Moments:
        """Return those of no posterior."""
        return cls(0.0, np.zeros(parameters), np.zeros(parameters), np.zeros(parameters))

    @classmethod
    def of(cls, posteriors: GaussianMLP, weights: ArrayLike | None = None) -> Moments:
        """Return those of posteriors with weights (A,), all 1 if not given."""
        given = checked_weights(weights, len(posteriors))
        means, spreads = posteriors.arrays()
        total = cls.none(means.shape[1])
        weight, same = 0.0, np.zeros(means.shape[1])
        for mean, spread, one in zip(means, spreads, given, strict=True):
            gather(mean, spread, one, weight, total.mean, total.m2, total.sum_sigma, 0, same, same,
                   same)  # fmt: skip
            weight += one
        return cls(weight, total.mean, total.m2, total.sum_sigma)

    def merged(self, other: Moments) -> Moments:
        """Return those of both together."""
        if not other.weight > 0:
            return self
        if not self.weight > 0:
            return other
        weight = self.weight + other.weight
        apart = other.mean - self.mean
        return Moments(
            weight,
            self.mean + apart * (other.weight / weight),
            self.m2 + other.m2 + apart**2 * (self.weight * other.weight / weight),
            self.sum_sigma + other.sum_sigma,
        )


def merge_moments(parts: Iterable[Moments]) -> Moments:
    """Return the moments of all parts, merged in their order; raises ArrayError for none."""
    total: Moments | None = None
    for part in parts:
        total = part if total is None else total.merged(part)
    if total is None:
        raise ArrayError("parts is empty")
    return total


def checked_weights(weights: ArrayLike | None, count: int, argument: str = "weights") -> Vector:
    """Return weights (A,), not negative and not all 0; raises ArrayError naming the first bad."""
    if weights is None:
        return np.ones(count)
    try:
        given = np.asarray(weights, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(argument, weights, f"{count} numbers") from None
    if given.shape != (count,):
        raise ArrayError(f"{argument} has shape {given.shape}, expected ({count},)")
    bad = np.flatnonzero(~(np.isfinite(given) & (given >= 0)))
    if len(bad):
        raise ArrayError(f"{argument}[{bad[0]}] is {given[bad[0]]}, expected a number, 0 or more")
    if not given.sum() > 0:
        raise ArrayError(f"{argument} is 0 everywhere, expected a positive sum")
    return given


@compiled
def gather(m: Any, r: Any, w: float, weight: float, mean: Any, m2: Any, sum_sigma: Any,
           kind: int, q_mean: Any, q_r: Any, q_sigma: Any) -> float:  # fmt: skip
    """Add a posterior of weight w to sums of weight `weight`, and return its divergence.

    `kind` 0: none is wanted; 1: W2; 2: KL. Sums and the prior's numbers are float64.
    """
    total = weight + w
    share = w / total if total > 0.0 else 0.0
    between = weight * share
    found = 0.0
    for j in range(m.shape[0]):
        s = math.exp(0.5 * r[j])
        apart = m[j] - mean[j]
        mean[j] += apart * share
        m2[j] += w * s * s + apart * apart * between
        sum_sigma[j] += w * s
        if kind == 1:
            found += (m[j] - q_mean[j]) ** 2 + (s - q_sigma[j]) ** 2
        elif kind == 2:
            ratio = s / q_sigma[j]
            off = (m[j] - q_mean[j]) / q_sigma[j]
            found += 0.5 * (ratio * ratio - 1.0 - (r[j] - q_r[j]) + off * off)
    return found
