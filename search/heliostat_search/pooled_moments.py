"""Moments of weighted rows that were cut into blocks, merged as if they had never been apart.

A block of rows becomes its total weight, the mean of each column and the variance about it, which
merge exactly by the pairwise formula of Chan, Golub and LeVeque 1983. Raw moments (sums of x and
of x^2) would not do: where a mean is 5 and the spread 1e-3, their difference has no digit left in
single precision. The size does not grow with the number of rows, and columns are taken one by one;
`montecarlo.Moments` has the products of columns as well.

    total = PooledMoments.of(rows, weights)
    total = total.merge(PooledMoments.of(more_rows, more_weights))

Rows may be means of distributions, whose variances are then given as `within`: the pool is the
mean and variance of their mixture, and so the diagonal Gaussian closest to them in
Kullback-Leibler divergence. `PooledMean` is for columns whose spread nobody asks for.

All is computed in double precision, in an order that no library decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat import stored
from heliostat.errors import DataError

Vector = NDArray[np.floating]
Doubles = NDArray[np.float64]
V = TypeVar("V", bound=Vector)


@stored("search.pooledmean")
@dataclass(frozen=True)
class PooledMean:
    """Total weight of some rows, and the means (k,) of their columns."""

    weight: float
    mean: Vector

    @classmethod
    def of(cls, values: ArrayLike, weights: ArrayLike | None = None) -> PooledMean:
        """Return the means of values (rows, k), weights (rows,) above 0, 1 by default.

        Raises DataError naming the argument, row and column of what is no finite number.
        """
        x = _rows(values)
        total, shares = _shares(weights, len(x))
        return cls(total, _mean(x, shares))

    def merge(self, other: PooledMean) -> PooledMean:
        """Return the means of both sets of rows; not commutative in its last bits.

        Raises DataError for means of another number of columns.
        """
        if self.mean.shape != other.mean.shape:
            raise DataError(f"means of {len(self.mean)} and {len(other.mean)} columns")
        total, share = _joined(self.weight, other.weight)
        return PooledMean(total, _between(self.mean, other.mean, share))

    def single(self) -> PooledMean:
        """Return the same in single precision, half as large to send and to keep."""
        return PooledMean(self.weight, _single(self.mean))


@stored("search.pooledmoments")
@dataclass(frozen=True)
class PooledMoments:
    """Total weight of some rows, and means and variances (k,) of their columns.

    Variances have the total weight as divisor: those of the rows as a distribution.
    """

    weight: float
    mean: Vector
    variance: Vector

    @classmethod
    def of(
        cls, values: ArrayLike, weights: ArrayLike | None = None, within: ArrayLike | None = None
    ) -> PooledMoments:
        """Return the moments of values (rows, k), weights (rows,) above 0, 1 by default.

        `within` (rows, k): variances about the values, where each is the mean of a distribution.
        Raises DataError naming the argument, row and column of what is no finite number.
        """
        x = _rows(values)
        total, shares = _shares(weights, len(x))
        inner = None if within is None else _variances(within, x.shape)
        mean = _mean(x, shares)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = (x - mean) ** 2
            squares = squares if inner is None else squares + inner
            variance = (shares[:, None] * squares).sum(axis=0)
        return cls(total, mean, _held(variance))

    def merge(self, other: PooledMoments) -> PooledMoments:
        """Return the moments of both sets of rows; not commutative in its last bits.

        Raises DataError for moments of another number of columns.
        """
        if self.mean.shape != other.mean.shape:
            raise DataError(f"moments of {len(self.mean)} and {len(other.mean)} columns")
        total, share = _joined(self.weight, other.weight)
        rest = self.weight / total
        with np.errstate(over="ignore", invalid="ignore"):
            apart = other.mean.astype(np.float64) - self.mean
            within = rest * self.variance.astype(np.float64) + share * other.variance
            variance = within + rest * share * apart**2
        return PooledMoments(total, _between(self.mean, other.mean, share), _held(variance))

    def single(self) -> PooledMoments:
        """Return the same in single precision, half as large to send and to keep.

        A merge goes on in double precision; what was never merged stays single. What is lost is
        6e-8 of each mean: where the spread is no larger, send differences from a common value.
        """
        return PooledMoments(self.weight, _single(self.mean), _single(self.variance))


def _rows(values: ArrayLike) -> Doubles:
    x = _numbers("values", values)
    if x.ndim != 2 or len(x) == 0:
        raise DataError(
            f"values: expected an array (rows, columns) with at least one row, got shape {x.shape}"
        )
    return _checked("values", x, np.isfinite(x), "finite numbers")


def _variances(within: ArrayLike, shape: tuple[int, ...]) -> Doubles:
    v = _numbers("within", within)
    if v.shape != shape:
        raise DataError(f"within: expected shape {shape}, got {v.shape}")
    return _checked("within", v, np.isfinite(v) & (v >= 0), "finite numbers of 0 or more")


def _shares(weights: ArrayLike | None, rows: int) -> tuple[float, Doubles]:
    """Return the total weight and each row's share of it."""
    w = np.ones(rows) if weights is None else _numbers("weights", weights)
    if w.shape != (rows,):
        raise DataError(f"weights: expected shape {(rows,)}, got {w.shape}")
    _checked("weights", w, np.isfinite(w) & (w > 0), "finite numbers above 0")
    total = _total(w.tolist())
    return total, w / total


def _joined(weight: float, other: float) -> tuple[float, float]:
    """Return the weight of both and the share of the second."""
    total = _total([weight, other])
    return total, other / total


def _total(weights: list[float]) -> float:
    try:
        total = float(math.fsum(weights))
    except OverflowError:
        total = math.inf
    if total == math.inf:
        raise DataError("weights: their total overflows; divide all by a common number")
    return total


def _mean(x: Doubles, shares: Doubles) -> Doubles:
    """Return the weighted means of columns, the second pass taking out the rounding of the first.

    Rows are added one after the other: a matrix product's order is the library's affair.
    """
    weighted = shares[:, None]
    first = (weighted * x).sum(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        return _held(first + (weighted * (x - first)).sum(axis=0))


def _between(mean: Vector, other: Vector, share: float) -> Doubles:
    with np.errstate(over="ignore", invalid="ignore"):
        start = mean.astype(np.float64)
        return _held(start + (other - start) * share)


def _single(column: Vector) -> NDArray[np.float32]:
    with np.errstate(over="ignore", under="ignore"):
        small = column.astype(np.float32)
    return _held(small)


def _held(found: V) -> V:
    """Return moments that their type can hold; raises DataError where one overflowed."""
    bad = np.flatnonzero(~np.isfinite(found))
    if len(bad):
        raise DataError(f"values: the moments of column {bad[0]} overflow; scale them first")
    return found


def _numbers(name: str, values: ArrayLike) -> Doubles:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        raise DataError(f"{name}: expected an array, got rows of different lengths") from None
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name}: expected numbers, got an array of {array.dtype}")
    return np.ascontiguousarray(array, np.float64)


def _checked(name: str, array: Doubles, good: NDArray[np.bool_], expected: str) -> Doubles:
    if not good.all():
        at = np.argwhere(~good)[0]
        place = ", column ".join(map(str, at))
        raise DataError(f"{name}: {array[tuple(at)]} in row {place}; expected {expected}")
    return array
