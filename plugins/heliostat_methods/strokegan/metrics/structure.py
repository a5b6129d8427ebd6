"""Structural similarity of two images."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.strokegan.metrics.checks import Floats, checked_pair

WINDOW = 11
"""Pixels of a window's side."""
SIGMA = 1.5
"""Standard deviation of its Gaussian weights, pixels."""
C1, C2 = 0.01**2, 0.03**2
"""What keeps a quotient of nothing by nothing at 1, for range 1."""
PORTION = 1 << 20
"""Pixels that are worked on at a time."""


def ssim(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return the mean structural similarity of each pair of images (N, H, W), (N,) in [-1, 1].

    Wang et al. 2004, equation 13: Gaussian windows of 11 pixels, those that lie within the image,
    population moments. Raises ValueError where shapes differ or a side is below 11.
    """
    left, right = checked_pair(a, b, ("a", "b"))
    if min(left.shape[1:]) < WINDOW:
        raise ValueError(f"a: images of {left.shape[1:]} pixels, expected at least {WINDOW} a side")
    step = max(1, PORTION // left[0].size)
    return np.concatenate(
        [_ssim(left[i : i + step], right[i : i + step]) for i in range(0, len(left), step)]
    )


def _ssim(a: Floats, b: Floats) -> Floats:
    mean_a, mean_b = _windowed(a), _windowed(b)
    var_a = _windowed(a * a) - mean_a**2
    var_b = _windowed(b * b) - mean_b**2
    cov = _windowed(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return np.asarray((luminance * (2 * cov + C2) / (var_a + var_b + C2)).mean(axis=(1, 2)))


def _windowed(x: Floats) -> Floats:
    """Return Gaussian means of every window (N, H - 10, W - 10): rows, then columns."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    weights /= weights.sum()
    height, width = x.shape[1] - WINDOW + 1, x.shape[2] - WINDOW + 1
    rows = sum(w * x[:, k : k + height] for k, w in enumerate(weights))
    return np.asarray(sum(w * rows[:, :, k : k + width] for k, w in enumerate(weights)))
