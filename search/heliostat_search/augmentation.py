"""Augmentation of small images while a model trains: random crops of padded images, and flips."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, DataError


def augment(
    images: NDArray[Any], rng: np.random.Generator, padding: int = 4, flip: bool = True
) -> NDArray[Any]:
    """Return each image shifted by up to `padding` pixels and flipped left to right or not.

    The usual training of CIFAR (He et al. 2016a): pad with zeros on all sides, crop the old size at
    a random place, flip every other image. images: (batch, channels, height, width), left as they
    are; same shape and dtype. Zero is the mean of standardised images. Digits must not be flipped.
    Draws all rows, all columns, then all flips, also when `flip` is off. Raises DataError for other
    shapes, ConfigError for a negative padding.
    """
    if images.ndim != 4:
        raise DataError(
            f"images of shape (batch, channels, height, width) needed, got {images.shape}"
        )
    if padding < 0:
        raise ConfigError("padding", padding, "a number of pixels, at least 0")
    count, _, height, width = images.shape
    tops, lefts = rng.integers(2 * padding + 1, size=(2, count))
    flipped = rng.integers(2, size=count).astype(bool) & flip
    sides = (padding, padding)
    padded = np.pad(images, ((0, 0), (0, 0), sides, sides))
    columns = np.where(flipped[:, None], np.arange(width)[::-1], np.arange(width))
    rows = tops[:, None] + np.arange(height)
    columns = lefts[:, None] + columns
    # Indices (batch, height, width) around the slice of channels put the channels last.
    picked = padded[np.arange(count)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return np.ascontiguousarray(np.moveaxis(picked, -1, 1))
