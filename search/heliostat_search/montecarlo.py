"""Monte Carlo as a fold: moments of blocks, merged in key order, stopped at fixed rounds.

A block of samples becomes (n, mean, co-moments) and is forgotten; blocks merge exactly, by the
pairwise formula of Chan, Golub and LeVeque 1983. Folded in the order of their keys they give the
same bits on any number of workers. Whether to stop is asked only at block counts fixed beforehand,
on the merged moments, so the answer cannot depend on who was faster.

Control variates: coefficients come from a pilot whose samples are not used again, which keeps the
estimate unbiased; `Controls.none()` leaves the first column as it is. A control whose sample mean
misses its exact mean by much has not been sampled: `missed` names it, `without` drops it.

A standard error rests on the samples that carry it. Where k of them do, it is off by 1 / sqrt(k)
and the tail is that of a count: `held` widens it, and with no such sample 3 / n takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat import stored
from heliostat.errors import ConfigError, DataError

Vector = NDArray[np.float64]


@stored("search.moments")
@dataclass(frozen=True)
class Moments:
    """Count, means (k,) and sums of products of deviations (k, k) of k columns."""

    n: int
    mean: Vector
    products: Vector

    @classmethod
    def of(cls, columns: ArrayLike) -> Moments:
        """Return the moments of samples (k, n); every sum has a fixed order.

        Raises DataError for another shape and for no sample.
        """
        x = np.ascontiguousarray(columns, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] == 0:
            raise DataError(f"columns of at least one sample needed, got shape {x.shape}")
        k, n = x.shape
        mean = np.array([row.sum() for row in x]) / n
        deviations = x - mean[:, None]
        products = np.empty((k, k))
        for i in range(k):
            for j in range(i + 1):
                # not a matrix product: its order of summation is the library's affair
                products[i, j] = products[j, i] = (deviations[i] * deviations[j]).sum()
        return cls(n, mean, products)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets of samples; not commutative in its last bits.

        Raises DataError for moments of another number of columns.
        """
        if self.mean.shape != other.mean.shape:
            raise DataError(f"moments of {len(self.mean)} and {len(other.mean)} columns")
        n = self.n + other.n
        d = other.mean - self.mean
        mean = self.mean + d * (other.n / n)
        products = self.products + other.products + np.outer(d, d) * (self.n * other.n / n)
        return Moments(n, mean, products)

    def select(self, columns: Sequence[int]) -> Moments:
        """Return the moments of some columns, in the order given."""
        at = list(columns)
        return Moments(self.n, self.mean[at], self.products[np.ix_(at, at)])

    def beside(self, other: Moments) -> Moments:
        """Return the moments of the columns of both, with no products between the two.

        Raises DataError for moments of another number of samples.
        """
        if self.n != other.n:
            raise DataError(f"moments of {self.n} and {other.n} samples")
        k = len(self.mean)
        products = np.zeros((k + len(other.mean),) * 2)
        products[:k, :k], products[k:, k:] = self.products, other.products
        return Moments(self.n, np.concatenate([self.mean, other.mean]), products)

    def carriers(self, column: int) -> float:
        """Return how many samples carry the mean of a column: (sum x)^2 / sum x^2, 0 if all are 0.

        Of squares about a centre it is how many carry the variance there.
        """
        mean = float(self.mean[column])
        second = float(self.products[column, column]) / self.n + mean * mean
        return self.n * mean * mean / second if second > 0 else 0.0

    @property
    def covariance(self) -> Vector:
        """The sample covariance (k, k); NaN for a single sample."""
        return self.products / (self.n - 1) if self.n > 1 else self.products * math.nan


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error."""

    value: float
    error: float
    n: int


FEW = 9.0
"""A count k below its mean by 4.5 of sqrt(k + FEW) is one in 30,000, for any mean."""


def held(error: float, carriers: float) -> float:
    """Return a standard error that holds where so many samples carry the variance."""
    return error * math.sqrt(1 + FEW / carriers) if carriers > 0 else error


@stored("search.controls")
@dataclass(frozen=True)
class Controls:
    """Control variates: columns 1, 2, ... with known means, and frozen coefficients."""

    means: tuple[float, ...]
    coefficients: tuple[float, ...]

    @classmethod
    def none(cls) -> Controls:
        """Return the empty set."""
        return cls((), ())

    @classmethod
    def fit(cls, pilot: Moments, means: Sequence[float]) -> Controls:
        """Return least-squares coefficients of column 0 on columns 1..len(means) of a pilot."""
        k = len(means)
        if k == 0:
            return cls.none()
        covariance = pilot.covariance
        scale = np.sqrt(np.diag(covariance)[1 : k + 1])
        # what varies by round-off alone explains nothing
        live = np.flatnonzero(scale > 1e-12 * np.abs(pilot.mean[1 : k + 1]))
        coefficients = np.zeros(k)
        if len(live):
            # correlations: columns may differ by orders of magnitude
            inner = covariance[np.ix_(live + 1, live + 1)] / np.outer(scale[live], scale[live])
            kept = _independent(inner)
            chosen = live[kept]
            right = covariance[0, chosen + 1] / scale[chosen]
            solved = np.linalg.lstsq(inner[np.ix_(kept, kept)], right, rcond=1e-10)[0]
            coefficients[chosen] = solved / scale[chosen]
        return cls(tuple(float(m) for m in means), tuple(float(c) for c in coefficients))

    def missed(self, moments: Moments, sigmas: float = 5.0) -> dict[int, float]:
        """Return the controls whose sample mean is off by more than so many standard errors.

        By their numbers, 0 for the first control, the standard errors that they are off.
        """
        found: dict[int, float] = {}
        for i, (mean, coefficient) in enumerate(zip(self.means, self.coefficients, strict=True)):
            variance = float(moments.products[i + 1, i + 1]) / max(moments.n - 1, 1) / moments.n
            off = abs(float(moments.mean[i + 1]) - mean)
            # exact means are known to round-off
            if coefficient != 0 and off > sigmas * math.sqrt(variance) + 1e-11 * abs(mean):
                found[i] = off / math.sqrt(variance) if variance > 0 else math.inf
        return found

    def without(self, dropped: Iterable[int]) -> Controls:
        """Return the controls with the coefficients of some set to zero."""
        gone = set(dropped)
        kept = (0.0 if i in gone else c for i, c in enumerate(self.coefficients))
        return Controls(self.means, tuple(kept))

    def residual(self, columns: Vector) -> Vector:
        """Return samples (n,) of column 0 less what the controls explain, of columns (k, n)."""
        found = np.array(columns[0])
        for i, (mean, coefficient) in enumerate(zip(self.means, self.coefficients, strict=True)):
            if coefficient != 0:
                found -= coefficient * (columns[i + 1] - mean)
        return found

    def estimate(self, moments: Moments) -> Estimate:
        """Return the controlled mean of column 0."""
        k = len(self.means)
        a = np.zeros(len(moments.mean))
        a[0] = 1.0
        a[1 : k + 1] -= self.coefficients
        known = sum(c * m for c, m in zip(self.coefficients, self.means, strict=True))
        value = float(sum(x * m for x, m in zip(a, moments.mean, strict=True))) + known
        variance = float((a[:, None] * a[None, :] * moments.covariance).sum())
        return Estimate(value, math.sqrt(max(variance, 0.0) / moments.n), moments.n)


def _independent(correlation: Vector) -> list[int]:
    """Return columns that those before them do not explain: of equal ones the first is kept.

    Sharing a coefficient between two would leave what tells them apart, which no sample has shown.
    """
    kept: list[int] = []
    for i in range(len(correlation)):
        rest = 1.0
        if kept:
            inner, right = correlation[np.ix_(kept, kept)], correlation[kept, i]
            rest -= float(right @ np.linalg.lstsq(inner, right, rcond=1e-10)[0])
        if rest > 1e-6:
            kept.append(i)
    return kept


@stored("search.rounds")
@dataclass(frozen=True)
class Rounds:
    """At which numbers of blocks a run may stop: first, first * growth, ... and at most `most`."""

    first: int = 4
    growth: int = 2
    most: int = 1 << 14

    def __post_init__(self) -> None:
        if self.first < 1 or self.growth < 2 or self.most < 1:
            raise ConfigError("rounds", (self.first, self.growth, self.most), ">= 1, >= 2, >= 1")

    def ends(self, blocks: int) -> bool:
        """Whether a round ends after so many blocks."""
        if blocks >= self.most:
            return True
        end = self.first
        while end < blocks:
            end *= self.growth
        return end == blocks


def fold(
    blocks: Iterable[Moments],
    finished: Callable[[Moments], bool],
    each: Callable[[Moments], None] = lambda total: None,
) -> Moments:
    """Merge blocks in their order until `finished(total)`; `blocks` is then left early.

    `each` sees every merged state (for progress). Raises DataError when there is no block.
    """
    total: Moments | None = None
    for block in blocks:
        total = block if total is None else total.merge(block)
        each(total)
        if finished(total):
            break
    if total is None:
        raise DataError("no block of samples to fold")
    return total
