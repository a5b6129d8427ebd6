"""What a table says of trainings over paired seeds and splits, where some may have exploded.

With one split of the data the intervals are over trainings. With several, the trainings of a split
are averaged first and the intervals are over splits, as wide as the rows that their training parts
share make them (the corrected resampled t-interval of ``heliostat_search.statistics``): treating
splits as independent would call luck a difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from heliostat_search.statistics import MeanInterval, mean_interval, paired, signed_rank

_OUTLYING = 10.0
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Splits:
    """How values come by splits: as many of each, one split after another.

    ``overlap``: rows tested over rows trained on.
    """

    count: int = 1
    overlap: float = 0.0

    def folded(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the values themselves, or with several splits the mean of each."""
        return values if self.count == 1 else values.reshape(self.count, -1).mean(axis=1)

    @property
    def shared(self) -> float:
        """The overlap that counts: none within one split."""
        return self.overlap if self.count > 1 else 0.0


ONE_SPLIT = Splits()


@dataclass(frozen=True)
class OverSeeds:
    """The values (R,), how many diverged, and the finite ones' mean and 95 % interval.

    Mean and bounds are None below two finite values; with several splits, of splits without a
    diverged training.
    """

    values: tuple[float, ...]
    diverged: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: ArrayLike, splits: Splits = ONE_SPLIT) -> OverSeeds:
        """Return what is said of values (R,), not finite where a training diverged."""
        all_ = np.asarray(values, np.float64)
        folded = splits.folded(all_)
        finite = folded[np.isfinite(folded)]
        found = tuple(float(v) for v in all_)
        diverged = int((~np.isfinite(all_)).sum())
        if len(finite) < 2:
            return cls(found, diverged)
        interval = mean_interval(finite, overlap=splits.shared)
        return cls(found, diverged, interval.mean, interval.low, interval.high)


@dataclass(frozen=True)
class PairedTest:
    """The difference between two sides over `n` seeds or splits, with the p-values of two tests.

    ``t_p`` and the interval are of pairs at which neither diverged; the signed-rank test is of all
    pairs, a diverged one being the worst. ``rank_sign`` is 1 where the first side is worse by rank.
    ``outlying``: one difference is more than ten times the usual one, or all are one number, so
    that a mean and its t-interval say little (of an interval without width, that two pairs would
    do) and the ranks decide.
    """

    n: int
    difference: MeanInterval
    t_p: float
    wilcoxon_p: float
    rank_sign: int = 0
    outlying: bool = False

    @classmethod
    def between(cls, a: ArrayLike, b: ArrayLike, splits: Splits = ONE_SPLIT) -> PairedTest | None:
        """Return the paired difference a - b, (R,) each; None below two finite pairs."""
        left, right = (splits.folded(np.asarray(x, np.float64)) for x in (a, b))
        both = np.isfinite(left) & np.isfinite(right)
        if both.sum() < 2:
            return None
        result = paired(left[both], right[both], overlap=splits.shared)
        ranks = signed_rank(left, right)
        differences = left[both] - right[both]
        sizes = np.abs(differences)
        usual = float(np.median(sizes[sizes > 0])) if sizes.any() else 0.0
        far = not both.all() or bool(sizes.max() > _OUTLYING * usual)
        far = far or bool(sizes.any() and np.ptp(differences) <= _ROUNDING * sizes.max())
        return cls(result.n, result.difference, result.t_p, ranks.p, ranks.sign, far)
