"""What a comparison over seeds may claim: intervals of means, paired tests, Holm's correction.

Values of one seed in one column, values of two methods paired by seed. Intervals are Student's t.
One value gives no interval (its bounds are NaN) and no evidence (p = 1): a report with one seed
shows a number, and claims nothing.

A t-interval cannot see that one method explodes: a difference of 8,000 beside differences of 1
widens it until it holds 0. The signed-rank test sees only that the difference is the largest, so it
stands beside, and takes infinite values as well.

Values of several splits of one data set are not independent, since their training parts share rows:
the variance of their mean is more than 1/n of their own. ``overlap``, rows tested over rows trained
on, is added to 1/n (the corrected resampled t-test: Nadeau and Bengio 2003, equation 14).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import ConfigError, DataError


@dataclass(frozen=True)
class MeanInterval:
    """Mean of `n` values and its two-sided interval; `deviation` is the sample's (n - 1)."""

    n: int
    mean: float
    deviation: float
    low: float
    high: float
    confidence: float

    @property
    def half_width(self) -> float:
        """Half of the interval's length, for "mean +- half_width"; NaN for one value."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class PairedComparison:
    """Differences a - b over pairs: their mean and interval, and two tests of "no difference".

    `t_p`: paired t-test. `wilcoxon_p`: signed-rank test, zero differences left out (`signed_rank`).
    Both are two-sided.
    """

    difference: MeanInterval
    t: float
    t_p: float
    wilcoxon_p: float

    @property
    def n(self) -> int:
        """Number of pairs."""
        return self.difference.n


@dataclass(frozen=True)
class RankTest:
    """Wilcoxon's signed-rank test of `n` differences other than 0; `p` is two-sided.

    `sign` says which side has the larger sum of ranks: 1 where a is above b, -1 below, 0 neither.
    """

    n: int
    p: float
    sign: int


def mean_interval(
    values: ArrayLike, confidence: float = 0.95, overlap: float = 0.0
) -> MeanInterval:
    """Return the mean of values (n,) with its t-interval; `overlap` as the module says.

    Raises DataError for NaN, inf or no value, ConfigError for a confidence outside (0, 1) and an
    overlap below 0.
    """
    return _interval(_column("values", values), confidence, overlap)


def paired(
    a: ArrayLike, b: ArrayLike, confidence: float = 0.95, overlap: float = 0.0
) -> PairedComparison:
    """Return the comparison of a (n,) with b (n,), where a[i] and b[i] share a seed or a split.

    Differences that are all zero, or a single pair, give p = 1. Equal differences other than zero
    give t = +-inf and p = 0, the limit of the t-test; the rank test stays finite. `overlap` as the
    module says. Raises DataError for columns of other lengths, NaN, inf or no value, ConfigError
    for a confidence outside (0, 1) and an overlap below 0.
    """
    left, right = _pairs(a, b)
    differences = left - right
    interval = _interval(differences, confidence, overlap)
    if len(differences) < 2 or not np.any(differences):
        return PairedComparison(interval, 0.0 if not np.any(differences) else math.nan, 1.0, 1.0)
    from scipy import stats

    if interval.deviation == 0:
        t, t_p = math.copysign(math.inf, interval.mean), 0.0
    else:
        t = interval.mean / (interval.deviation * math.sqrt(1 / interval.n + overlap))
        t_p = 2 * float(stats.t.sf(abs(t), interval.n - 1))
    return PairedComparison(interval, t, t_p, _ranked(differences).p)


def signed_rank(a: ArrayLike, b: ArrayLike) -> RankTest:
    """Return the signed-rank test of a (n,) against b (n,), where a[i] and b[i] share a seed.

    An infinite value is farther than any finite one; two infinite ones of a pair are equal. Exact
    for at most 50 differences, also where some have one size; normal beyond. Raises DataError for
    columns of other lengths, NaN or no value.
    """
    left, right = _pairs(a, b, finite=False)
    with np.errstate(invalid="ignore"):
        differences = np.where(left == right, 0.0, left - right)
    return _ranked(differences)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for testing them all, in the same order (Holm 1979, step-down).

    Comparing them with a level keeps the chance of any false claim below that level. Raises
    DataError for a number outside [0, 1].
    """
    for position, p in enumerate(p_values):
        if not 0 <= p <= 1:
            raise DataError(f"p-values from 0 to 1 needed, got {p} at position {position}")
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


_EXACT = 50  # differences; beyond, the normal distribution is right to two digits of p


def _ranked(differences: NDArray[np.float64]) -> RankTest:
    differences = differences[differences != 0]
    n = len(differences)
    if n == 0:
        return RankTest(0, 1.0, 0)
    from scipy import stats

    # Doubled, so that the mean rank of differences of one size is a whole number too.
    ranks = np.rint(2 * stats.rankdata(np.abs(differences))).astype(np.int64)
    above, total = int(ranks[differences > 0].sum()), int(ranks.sum())
    sign = (2 * above > total) - (2 * above < total)
    least = min(above, total - above)
    if n > _EXACT:
        deviation = math.sqrt(float((ranks.astype(np.float64) ** 2).sum()) / 4)
        return RankTest(
            n, min(1.0, 2 * float(stats.norm.cdf((least - total / 2) / deviation))), sign
        )
    # How many of the 2^n patterns of signs give each sum of ranks.
    patterns = np.zeros(total + 1)
    patterns[0] = 1
    for rank in ranks:
        patterns[rank:] += patterns[:-rank].copy()
    return RankTest(n, min(1.0, 2 * float(patterns[: least + 1].sum()) / 2.0**n), sign)


def _pairs(
    a: ArrayLike, b: ArrayLike, *, finite: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, right = _column("a", a, finite), _column("b", b, finite)
    if len(left) != len(right):
        raise DataError(f"pairs needed: a has {len(left)} values, b has {len(right)}")
    return left, right


def _interval(values: NDArray[np.float64], confidence: float, overlap: float) -> MeanInterval:
    if not 0 < confidence < 1:
        raise ConfigError("confidence", confidence, "a number between 0 and 1, such as 0.95")
    if not 0 <= overlap < math.inf:
        raise ConfigError("overlap", overlap, "rows tested over rows trained on, 0 or more")
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return MeanInterval(n, mean, math.nan, math.nan, math.nan, confidence)
    if np.all(values == values[0]):
        # The rounding of the mean must not make equal values differ from it.
        value = float(values[0])
        return MeanInterval(n, value, 0.0, value, value, confidence)
    from scipy import stats

    deviation = float(np.std(values, ddof=1))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * deviation * math.sqrt(1 / n + overlap)
    return MeanInterval(n, mean, deviation, mean - half, mean + half, confidence)


def _column(name: str, values: ArrayLike, finite: bool = True) -> NDArray[np.float64]:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or len(column) == 0:
        raise DataError(f"{name}: at least one value in one column needed, got {column.shape}")
    bad = np.flatnonzero(~np.isfinite(column) if finite else np.isnan(column))
    if len(bad):
        kind = "finite values" if finite else "numbers"
        raise DataError(f"{name}: {kind} needed, got {column[bad[0]]} at position {bad[0]}")
    return column
