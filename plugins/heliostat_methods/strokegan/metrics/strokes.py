"""Wrong bits of the stroke codes that are read from outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.strokegan.metrics.checks import Floats


def stroke_error(predicted: ArrayLike, true: ArrayLike) -> Floats:
    """Return the share of wrong bits of each code (N, S) of zeros and ones, (N,) in [0, 1].

    The mean is the Hamming rate of a table. Raises ValueError where shapes differ or other values
    occur: logits become bits by ``> 0``, counts by ``> 0`` too.
    """
    left, right = _bits(predicted, "predicted"), _bits(true, "true")
    if left.shape != right.shape:
        raise ValueError(f"true: shape {right.shape}, expected {left.shape} as predicted has")
    return np.asarray((left != right).mean(axis=1))


def _bits(codes: ArrayLike, name: str) -> NDArray[np.bool_]:
    found = np.asarray(codes)
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(f"{name}: shape {found.shape}, expected codes (N, S), N at least 1")
    if found.dtype == np.bool_:
        return found
    odd = ~np.isin(found, (0, 1))
    if odd.any():
        raise ValueError(f"{name}: value {found[odd][0]}, expected bits 0 and 1")
    return found.astype(np.bool_)
