"""Overlap of what is black."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.strokegan.metrics.checks import Floats, checked_pair


def ink_iou(a: ArrayLike, b: ArrayLike, level: float = 0.5) -> Floats:
    """Return intersection over union of ink in each pair of images (N, H, W), (N,) in [0, 1].

    Ink is what is darker than ``level``. Two blank images have 1. Raises ValueError where shapes
    differ.
    """
    left, right = checked_pair(a, b, ("a", "b"))
    black_a, black_b = left < level, right < level
    both = (black_a & black_b).sum(axis=(1, 2))
    any_ink = (black_a | black_b).sum(axis=(1, 2))
    return np.where(any_ink > 0, both / np.maximum(any_ink, 1), 1.0)
