"""What a comparison over seeds may claim: intervals of means, paired tests, Holm's correction.

Values of one seed in one column, values of two methods paired by seed. Intervals are Student's t.
One value gives no interval (its bounds are NaN) and no evidence (p = 1): a report with one seed
shows a number, and claims nothing.
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

    `t_p`: paired t-test. `wilcoxon_p`: signed-rank test, zero differences left out. Both are
    two-sided.
    """

    difference: MeanInterval
    t: float
    t_p: float
    wilcoxon_p: float

    @property
    def n(self) -> int:
        """Number of pairs."""
        return self.difference.n


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> MeanInterval:
    """Return the mean of values (n,) with its t-interval.

    Raises DataError for NaN, inf or no value, ConfigError for a confidence outside (0, 1).
    """
    return _interval(_column("values", values), confidence)


def paired(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> PairedComparison:
    """Return the comparison of a (n,) with b (n,), where a[i] and b[i] share a seed.

    Differences that are all zero, or a single pair, give p = 1. Equal differences other than zero
    give t = +-inf and p = 0, the limit of the t-test; the rank test stays finite. Raises DataError
    for columns of other lengths, NaN, inf or no value, ConfigError for a confidence outside (0, 1).
    """
    left, right = _column("a", a), _column("b", b)
    if len(left) != len(right):
        raise DataError(f"pairs needed: a has {len(left)} values, b has {len(right)}")
    differences = left - right
    interval = _interval(differences, confidence)
    if len(differences) < 2 or not np.any(differences):
        return PairedComparison(interval, 0.0 if not np.any(differences) else math.nan, 1.0, 1.0)
    from scipy import stats

    if interval.deviation == 0:
        t, t_p = math.copysign(math.inf, interval.mean), 0.0
    else:
        t = interval.mean / (interval.deviation / math.sqrt(interval.n))
        t_p = 2 * float(stats.t.sf(abs(t), interval.n - 1))
    rank = stats.wilcoxon(differences[differences != 0])
    return PairedComparison(interval, t, t_p, float(rank.pvalue))


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


def _interval(values: NDArray[np.float64], confidence: float) -> MeanInterval:
    if not 0 < confidence < 1:
        raise ConfigError("confidence", confidence, "a number between 0 and 1, such as 0.95")
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return MeanInterval(n, mean, math.nan, math.nan, math.nan, confidence)
    if np.all(values == values[0]):
        # The rounding of the mean must not make equal values differ from it.
        value = float(values[0])
        return MeanInterval(n, value, 0.0, value, value, confidence)
    from scipy import stats

    deviation = float(np.std(values, ddof=1))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * deviation / math.sqrt(n)
    return MeanInterval(n, mean, deviation, mean - half, mean + half, confidence)


def _column(name: str, values: ArrayLike) -> NDArray[np.float64]:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or len(column) == 0:
        raise DataError(f"{name}: at least one value in one column needed, got {column.shape}")
    bad = np.flatnonzero(~np.isfinite(column))
    if len(bad):
        raise DataError(f"{name}: finite values needed, got {column[bad[0]]} at position {bad[0]}")
    return column
