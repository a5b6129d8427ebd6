"""What a metric takes: images, features, codes; anything else is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ROUNDING = 1e-6
"""So far a value may lie outside of [0, 1]; it counts as the end."""


def checked_images(images: ArrayLike, name: str) -> Floats:
    """Return images (N, H, W) as float64; raises ValueError unless finite and within [0, 1]."""
    found = np.asarray(images)
    if found.ndim != 3 or 0 in found.shape:
        raise ValueError(f"{name}: shape {found.shape}, expected images (N, H, W), N at least 1")
    if not np.issubdtype(found.dtype, np.floating):
        raise ValueError(f"{name}: {found.dtype}, expected floats in [0, 1]; bytes are / 255")
    least, most = float(found.min()), float(found.max())
    if not (np.isfinite(least) and np.isfinite(most)):
        raise ValueError(f"{name}: {_not_finite(found)} values are not finite, expected [0, 1]")
    if least < -ROUNDING or most > 1 + ROUNDING:
        raise ValueError(
            f"{name}: values from {least:.4g} to {most:.4g}, expected [0, 1]; from [-1, 1] take "
            "(x + 1) / 2"
        )
    found = found.astype(np.float64, copy=False)
    return found if least >= 0.0 and most <= 1.0 else np.clip(found, 0.0, 1.0)


def checked_pair(a: ArrayLike, b: ArrayLike, names: tuple[str, str]) -> tuple[Floats, Floats]:
    """Return two stacks of images of one shape; raises ValueError otherwise."""
    left, right = checked_images(a, names[0]), checked_images(b, names[1])
    if left.shape != right.shape:
        raise ValueError(
            f"{names[1]}: shape {right.shape}, expected {left.shape} as {names[0]} has"
        )
    return left, right


def checked_features(features: ArrayLike, name: str, least: int) -> Floats:
    """Return features (n, d) as float64; raises ValueError unless finite, n >= ``least``."""
    found = np.asarray(features)
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(f"{name}: shape {found.shape}, expected features (n, d), d at least 1")
    if not (np.issubdtype(found.dtype, np.floating) or np.issubdtype(found.dtype, np.integer)):
        raise ValueError(f"{name}: {found.dtype}, expected numbers")
    found = found.astype(np.float64)
    if not np.isfinite(found).all():
        raise ValueError(f"{name}: {_not_finite(found)} values are not finite")
    if len(found) < least:
        raise ValueError(f"{name}: {len(found)} samples, expected at least {least}")
    return found


def checked_clouds(x: ArrayLike, y: ArrayLike, least: int) -> tuple[Floats, Floats]:
    """Return two clouds (n, d), (m, d) of one width; raises ValueError otherwise."""
    left, right = checked_features(x, "x", least), checked_features(y, "y", least)
    if left.shape[1] != right.shape[1]:
        raise ValueError(f"y: {right.shape[1]} features, expected {left.shape[1]} as x has")
    return left, right


def _not_finite(found: NDArray[Any]) -> int:
    return int((~np.isfinite(found)).sum())
