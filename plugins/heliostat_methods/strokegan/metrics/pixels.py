"""Distance of two images pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.strokegan.metrics.checks import Floats, checked_pair


def l1(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return the mean absolute difference of each pair of images (N, H, W), (N,) in [0, 1]."""
    left, right = checked_pair(a, b, ("a", "b"))
    return np.asarray(np.abs(left - right).mean(axis=(1, 2)))


def psnr(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return the peak signal-to-noise ratio of each pair (N, H, W), (N,) in dB for range 1.

    Equal images have inf. Raises ValueError where the shapes differ.
    """
    left, right = checked_pair(a, b, ("a", "b"))
    error = np.asarray(np.square(left - right).mean(axis=(1, 2)))
    with np.errstate(divide="ignore"):
        return np.asarray(-10.0 * np.log10(error))
