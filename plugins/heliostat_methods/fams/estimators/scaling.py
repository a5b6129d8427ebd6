"""Columns brought to mean 0 and standard deviation 1, then held to +-5."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.groups.arguments import ArrayError

MOST_DEVIATIONS = 5.0
LARGEST = 1e6
"""Inputs that are not scaled may be as large: networks compute their squares in float32."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaling:
    """`centre` and `scale` (features,) of training inputs; a constant column becomes 0."""

    centre: Matrix
    scale: Matrix

    @classmethod
    def of(cls, inputs: Matrix) -> Scaling:
        """Return the scaling of inputs (rows, features), which may be of any finite size."""
        # in units of the largest value, since squares of large ones would be infinite
        unit = np.maximum(np.abs(inputs).max(0), np.finfo(float).tiny)
        parts = inputs / unit
        centre, deviation = parts.mean(0), parts.std(0)
        constant = deviation <= 1e-12
        return cls(centre * unit, np.where(constant, np.inf, deviation * unit))

    def __call__(self, inputs: Matrix) -> Matrix:
        """Return scaled inputs."""
        # halves: the difference of two huge numbers would be infinite
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
