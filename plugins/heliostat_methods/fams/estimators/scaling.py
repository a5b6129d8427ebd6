"""Columns brought to mean 0 and standard deviation 1, then held to +-5; for numbers of any size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat import stored
from heliostat_methods.fams.groups.arguments import ArrayError

MOST_DEVIATIONS = 5.0
"""Beyond them one outlier would steer a network."""
LARGEST = 1e6
"""Inputs that are not scaled may be as large: networks compute their squares in float32."""
NOISE = 1e-12
"""Deviations below this part of a column's largest number are rounding: the column is constant."""
LEAST = 1e-280
"""Columns without a larger number are constant: their deviations may have lost all digits."""

Matrix = NDArray[np.float64]


@stored("fams.scaling")
@dataclass(frozen=True, eq=False)
class Scaling:
    """`centre` and `scale` (features,) of training inputs.

    A column that is constant in training becomes 0, also where new rows differ: its scale is inf.
    """

    centre: Matrix
    scale: Matrix

    @classmethod
    def of(cls, inputs: Matrix, weights: Matrix | None = None) -> Scaling:
        """Return the scaling of finite inputs (rows, features), weighted by `weights` (rows,)."""
        # in units of the largest value, since squares of large ones would be infinite
        unit = np.maximum(np.abs(inputs).max(0), LEAST)
        parts = inputs / unit
        # a mean of equal numbers may be an ulp above them, and so infinite in the column's own unit
        centre = np.clip(np.average(parts, 0, weights), -1, 1)
        deviation = np.sqrt(np.average((parts - centre) ** 2, 0, weights))
        constant = (deviation <= NOISE) | (unit == LEAST)
        return cls(centre * unit, np.where(constant, np.inf, deviation * unit))

    def __call__(self, inputs: Matrix) -> Matrix:
        """Return scaled inputs (rows, features)."""
        # halves: the difference of two huge numbers would be infinite
        with np.errstate(over="ignore"):  # a row far outside of what was seen is held anyway
            apart = (inputs / 2 - self.centre / 2) / (self.scale / 2)
        return np.clip(apart, -MOST_DEVIATIONS, MOST_DEVIATIONS)


def unscaled(inputs: Matrix) -> Matrix:
    """Return inputs as they are; raises ArrayError naming the first row beyond 1e6."""
    bad = np.flatnonzero((np.abs(inputs) > LARGEST).any(1))
    if len(bad):
        raise ArrayError(
            f"X, row {bad[0]} holds a number beyond {LARGEST:g}; scale it, or let standardise=True"
        )
    return inputs
