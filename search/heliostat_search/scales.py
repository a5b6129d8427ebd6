"""Mean and standard deviation, taken out of data and put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST, LARGEST = 1e-140, 1e140
"""Deviations between which squares are exact; beyond, they underflow or have an infinite sum."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Mean and standard deviation that were taken out; broadcast against what they scale."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return (values - mean) / deviation, computed in float64."""
        scaled = (values.astype(np.float64) - self.mean) / self.deviation
        return scaled.astype(np.float32)

    def undo(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return values in their original units."""
        restored: NDArray[np.float64] = values.astype(np.float64) * self.deviation + self.mean
        return restored


def scale_of(values: NDArray[Any], whole: bool = False) -> Scale:
    """Return mean and deviation of each column, or with `whole` those of all numbers.

    What is constant has the deviation 1.
    """
    exact = values.astype(np.float64)
    axis = None if whole else 0
    with np.errstate(over="ignore", under="ignore"):
        mean, deviation = np.asarray(exact.mean(axis)), np.asarray(exact.std(axis))
        constant = exact.max(axis) == exact.min(axis)
        lost = ~constant & ~((deviation > SMALLEST) & (deviation < LARGEST))
        if lost.any():
            unit = np.where(lost, np.abs(exact - mean).max(axis), 1.0)
            deviation = np.where(lost, ((exact - mean) / unit).std(axis) * unit, deviation)
    return Scale(mean, np.where(constant, 1.0, deviation))
