"""Marching squares at one level with linear interpolation, over a stack of images at once.

A contour's vertex lies between two neighbouring pixels of which one is ink. With ink on its right
hand the way through a vertex has one direction, into one cell of four pixels; which of the cell's
other sides it leaves by depends on the two pixels ahead:

    ahead right ink, ahead left not: straight on
    both ink: to the left; none: to the right
    ahead left alone (a saddle): to the left if the cell's mean is ink, so that ink is joined

Lorensen and Cline 1987 in two dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

LEVEL = 0.5


@dataclass(frozen=True)
class Contours:
    """Closed polygons of a stack of images, one after the other."""

    points: Floats
    """(P, 2): x and y in pixels; a contour's last point joins its first."""
    starts: Indices
    """(C + 1,): where each contour begins, and P."""
    image: Indices
    """(C,): which image each contour is of, ascending."""

    def polygons(self) -> list[Floats]:
        """Return each contour's points (n, 2)."""
        return np.split(self.points, self.starts[1:-1]) if len(self.image) else []

    def areas(self) -> Floats:
        """Return signed areas (C,) in square pixels: below 0 for outer contours, above for holes."""
        if not len(self.image):
            return np.zeros(0)
        begin = self.starts[:-1]
        relative = self.points - np.repeat(self.points[begin], np.diff(self.starts), axis=0)
        after = relative[following(self.starts)]
        twice = relative[:, 0] * after[:, 1] - relative[:, 1] * after[:, 0]
        return np.asarray(np.add.reduceat(twice, begin) / 2.0)


def contours(images: ArrayLike, level: float = LEVEL) -> Contours:
    """Return the contours of images (N, H, W) in [0, 1], white 1: ink is 1 - image >= ``level``.

    All outside of an image is white. Raises ValueError unless the values are finite and within
    [0, 1], and 0 < level <= 1.
    """
    if not 0.0 < level <= 1.0:
        raise ValueError(f"level: {level}, expected 0 < level <= 1")
    ink = np.pad(1.0 - checked_stack(images), ((0, 0), (1, 1), (1, 1)))
    vertices, after = _vertices(ink, level)
    order, starts = _cycles(after)
    which = np.searchsorted(order_of_images(vertices, ink.shape[0]), np.arange(ink.shape[0]))
    del which
    return _without_repeats(vertices[order], starts, ink.shape[1] - 2)
