"""What a table says of trainings over paired seeds, where some may have diverged."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from heliostat_search.statistics import mean_interval, paired


def summary(values: ArrayLike) -> dict[str, Any]:
    """Return the values (R,), how many diverged, and the finite ones' mean and 95 % interval.

    Mean and bounds are None below two finite values.
    """
    all_ = np.asarray(values, np.float64)
    finite = all_[np.isfinite(all_)]
    account: dict[str, Any] = {
        "values": [float(v) for v in all_],
        "diverged": len(all_) - len(finite),
        "mean": None,
        "low": None,
        "high": None,
    }
    if len(finite) >= 2:
        interval = mean_interval(finite)
        account |= {"mean": interval.mean, "low": interval.low, "high": interval.high}
    return account


def paired_difference(a: ArrayLike, b: ArrayLike) -> dict[str, Any] | None:
    """Return the paired difference a - b, (R,) each, over the seeds at which neither diverged.

    None below two such seeds.
    """
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    both = np.isfinite(left) & np.isfinite(right)
    if both.sum() < 2:
        return None
    result = paired(left[both], right[both])
    return {
        "n": result.n,
        "difference": asdict(result.difference),
        "t_p": result.t_p,
        "wilcoxon_p": result.wilcoxon_p,
    }
