"""How well strokes are guessed without looking at a picture: what a stroke head has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.strokegan.strokes.code_classes import as_codes


@dataclass(frozen=True)
class ConstantPredictors:
    """Errors of the best constants, of each stroke and of all strokes alike."""

    mean_mse: float
    """Mean squared error of each stroke's mean."""
    majority_bit_error: float
    """Share of wrong bits where every stroke is guessed by its majority."""
    one_mean_mse: float
    """Mean squared error of one number for all strokes, m(1-m): where a broadcast loss ends."""


def constant_predictors(codes: ArrayLike) -> ConstantPredictors:
    """Return the errors of constants on one-bit codes (N, 32), N at least 1.

    Raises ``ValueError`` for another shape and for counts.
    """
    bits = as_codes(codes)
    if not len(bits) or bits.max() > 1:
        raise ValueError("codes must be one-bit codes of at least one character")
    shares = bits.mean(axis=0)
    mean = float(bits.mean())
    return ConstantPredictors(
        float(np.mean(shares * (1 - shares))),
        float(np.mean(np.minimum(shares, 1 - shares))),
        mean * (1 - mean),
    )
