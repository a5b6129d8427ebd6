"""What a table says of trainings over paired seeds, where some may have diverged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heliostat_search.statistics import MeanInterval, mean_interval, paired


@dataclass(frozen=True)
class OverSeeds:
    """The values (R,), how many diverged, and the finite ones' mean and 95 % interval.

    Mean and bounds are None below two finite values.
    """

    values: tuple[float, ...]
    diverged: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: ArrayLike) -> OverSeeds:
        """Return what is said of values (R,), not finite where a training diverged."""
        all_ = np.asarray(values, np.float64)
        finite = all_[np.isfinite(all_)]
        found, diverged = tuple(float(v) for v in all_), len(all_) - len(finite)
        if len(finite) < 2:
            return cls(found, diverged)
        interval = mean_interval(finite)
        return cls(found, diverged, interval.mean, interval.low, interval.high)


@dataclass(frozen=True)
class PairedTest:
    """The difference between two losses over `n` seeds, with the p-values of two tests."""

    n: int
    difference: MeanInterval
    t_p: float
    wilcoxon_p: float

    @classmethod
    def between(cls, a: ArrayLike, b: ArrayLike) -> PairedTest | None:
        """Return the paired difference a - b, (R,) each, over the seeds at which neither diverged.

        None below two such seeds.
        """
        left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
        both = np.isfinite(left) & np.isfinite(right)
        if both.sum() < 2:
            return None
        result = paired(left[both], right[both])
        return cls(result.n, result.difference, result.t_p, result.wilcoxon_p)
