"""Columns of mean 0 and deviation 1, cut off at five deviations; safe for numbers of any size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST = 5.0
"""In deviations: beyond it, one outlier steers a network."""


@dataclass(frozen=True, eq=False)
class Standardisation:
    """(x / `unit` - `centre`) / `spread`, cut off at +-5; three arrays (features,).

    The unit is a column's largest value, so that squares of huge numbers do not overflow.
    """

    unit: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def fitted(cls, inputs: NDArray[np.float64], weights: NDArray[np.float64]) -> Standardisation:
        """Return that of weighted rows; a column of one value becomes 0."""
        unit = np.abs(inputs).max(axis=0)
        unit[unit == 0] = 1.0
        scaled = inputs / unit
        share = weights / weights.sum()
        centre = share @ scaled
        spread = np.sqrt(share @ (scaled - centre) ** 2)
        constant = (inputs.max(axis=0) == inputs.min(axis=0)) | (spread == 0)
        # the mean of equal numbers is not always that number
        centre[constant] = scaled[0, constant]
        spread[constant] = 1.0
        return cls(unit, centre, spread)

    def __call__(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return standardised rows."""
        with np.errstate(over="ignore"):  # a row far outside of what was seen is cut off anyway
            scaled: NDArray[np.float64] = (inputs / self.unit - self.centre) / self.spread
        return np.clip(scaled, -LARGEST, LARGEST)
