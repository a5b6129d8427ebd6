"""How well a sum of block latencies says what whole networks take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError


@dataclass(frozen=True)
class Agreement:
    """Predicted beside measured latencies of `count` networks.

    `ratio`: mean of predicted / measured. `scale`: the factor by which predictions are multiplied
    before `error`, the mean of |scaled - measured| / measured; it is the geometric mean of
    measured / predicted. `pearson` and `kendall` (tau-b) are None where all are equal.
    """

    count: int
    pearson: float | None
    kendall: float | None
    ratio: float
    scale: float
    error: float


def agreement(predicted: NDArray[Any], measured: NDArray[Any]) -> Agreement:
    """Compare latencies in seconds, (n,) each; raises DataError unless all are above 0."""
    pairs = np.array([predicted, measured], np.float64)
    if pairs.ndim != 2 or pairs.shape[1] < 2:
        raise DataError(f"latencies of shape {pairs.shape[1:]}: two networks or more are compared")
    if not (np.isfinite(pairs).all() and (pairs > 0).all()):
        raise DataError("latencies are finite numbers of seconds above 0")
    said, real = pairs
    scale = math.exp(float(np.log(real / said).mean()))
    return Agreement(
        count=len(said),
        pearson=_pearson(said, real),
        kendall=_kendall(said, real),
        ratio=float((said / real).mean()),
        scale=scale,
        error=float((np.abs(scale * said - real) / real).mean()),
    )


def _pearson(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return _known(np.corrcoef(a / a.max(), b / b.max())[0, 1])


def _kendall(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    from scipy.stats import kendalltau

    return _known(kendalltau(a, b).statistic)


def _known(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
