"""Which true glyph an output is nearest to; no classifier is needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.strokegan.metrics.checks import Floats, checked_pair
from heliostat_methods.strokegan.metrics.distances import product_distances

TIE = 1e-12
"""Squared distances that differ by less, as a share of H W, are equal."""


def nearest_truth(outputs: ArrayLike, truth: ArrayLike) -> NDArray[np.int64]:
    """Return for each output (N, H, W) which true glyph (N, H, W) is nearest, (N,).

    Distances are Euclidean after a mean over 3x3 pixels, white outside. An output's own glyph wins
    a tie, then the first. Raises ValueError where shapes differ.
    """
    images, real = checked_pair(outputs, truth, ("outputs", "truth"))
    rows, targets = (blurred(some).reshape(len(some), -1) for some in (images, real))
    found = np.empty(len(rows), np.int64)
    for begin, squares in product_distances(rows, targets):
        own = np.arange(begin, begin + len(squares))
        best = squares.argmin(axis=1)
        lines = np.arange(len(squares))
        tied = squares[lines, own] <= squares[lines, best] + TIE * rows.shape[1]
        found[own] = np.where(tied, own, best)
    return found


def retrieval_accuracy(outputs: ArrayLike, truth: ArrayLike) -> float:
    """Return the share of outputs (N, H, W) whose own true glyph (N, H, W) is the nearest."""
    found = nearest_truth(outputs, truth)
    return float((found == np.arange(len(found))).mean())


def blurred(images: Floats) -> Floats:
    """Return means over 3x3 pixels of (N, H, W), white (1) outside."""
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), constant_values=1.0)
    rows = padded[:, :height] + padded[:, 1 : height + 1] + padded[:, 2:]
    return np.asarray((rows[:, :, :width] + rows[:, :, 1 : width + 1] + rows[:, :, 2:]) / 9.0)
