"""An interval for a rate that holds for few rows and for rates of 0 and 1."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def normal_quantile(confidence: float) -> float:
    """Return z with the chance `confidence` between -z and z of a standard normal."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson_interval(
    positives: NDArray[np.float64], rows: NDArray[np.float64], confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both ends for `positives` of `rows`, 1 or more each (Wilson 1927)."""
    z = normal_quantile(confidence)
    middle = positives + z * z / 2
    half = z * np.sqrt(positives * (rows - positives) / rows + z * z / 4)
    low, high = (middle - half) / (rows + z * z), (middle + half) / (rows + z * z)
    # exact where rounding would leave a rate outside its own interval
    low = np.where(positives == 0, 0.0, np.maximum(low, 0))
    return low, np.where(positives == rows, 1.0, np.minimum(high, 1))
