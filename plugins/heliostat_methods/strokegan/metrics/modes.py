"""How many different glyphs come out: a generator that collapses draws few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.strokegan.metrics.checks import Floats, checked_images, checked_pair
from heliostat_methods.strokegan.metrics.distances import product_distances


@dataclass(frozen=True)
class ModeCoverage:
    """What is left of the variety of N characters."""

    distinct: int
    """Classes that a classifier sees in the outputs."""
    characters: int
    pair_distance_ratio: float
    """Mean distance of two outputs by that of two true glyphs: 0 if all are alike."""

    @property
    def coverage(self) -> float:
        """Distinct classes by characters, in [1/N, 1]."""
        return self.distinct / self.characters


def mode_coverage(predicted: ArrayLike, outputs: ArrayLike, truth: ArrayLike) -> ModeCoverage:
    """Return how varied outputs (N, H, W) are, with their predicted classes (N,), beside the truth.

    The classes' share is capped by the classifier: give its share on the true glyphs beside it.
    Raises ValueError where N is 1, shapes differ, or all true glyphs are equal.
    """
    images, real = checked_pair(outputs, truth, ("outputs", "truth"))
    classes = np.asarray(predicted)
    if classes.shape != (len(images),) or not np.issubdtype(classes.dtype, np.integer):
        raise ValueError(
            f"predicted: {classes.dtype} of shape {classes.shape}, expected {len(images)} integers"
        )
    return ModeCoverage(len(np.unique(classes)), len(classes), _ratio(images, real))


def pair_distance_ratio(outputs: ArrayLike, truth: ArrayLike) -> float:
    """Return mean_{i<j} |y_i - y_j| of outputs (N, H, W) by that of the true glyphs (N, H, W).

    Errors are below 1e-7. Raises ValueError where N is 1 or all true glyphs are equal.
    """
    return _ratio(*checked_pair(outputs, truth, ("outputs", "truth")))


def mean_pair_distance(images: ArrayLike) -> float:
    """Return the mean Euclidean distance of two of N images (N, H, W), N at least 2."""
    found = checked_images(images, "images")
    if len(found) < 2:
        raise ValueError("images: 1, expected at least 2: a pair is needed")
    return _mean_distance(found)


def _ratio(outputs: Floats, truth: Floats) -> float:
    if len(truth) < 2:
        raise ValueError("truth: 1 image, expected at least 2: a pair is needed")
    if (truth == truth[0]).all():
        raise ValueError(f"truth: {len(truth)} equal images, expected glyphs that differ")
    return _mean_distance(outputs) / _mean_distance(truth)


def _mean_distance(images: Floats) -> float:
    rows = images.reshape(len(images), -1)
    total = 0.0
    for begin, squares in product_distances(rows, rows):
        np.fill_diagonal(squares[:, begin:], 0.0)
        total += float(np.sqrt(squares).sum())
    return total / (len(rows) * (len(rows) - 1))
