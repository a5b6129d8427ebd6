"""Images in, outlines of lines and quadratic curves out.

>>> import numpy as np
>>> from heliostat_methods.strokegan.tracing.outline import outlines
>>> images = np.ones((1, 8, 8))
>>> images[0, 2:6, 1:7] = 0.0
>>> (outline,) = outlines(images)
>>> outline.contours, round(-outline.area(), 2)
(1, 23.5)
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.strokegan.metrics.checks import checked_images
from heliostat_methods.strokegan.tracing.contours import (
    contours,
)
from heliostat_methods.strokegan.tracing.corners import SHARP, corners
from heliostat_methods.strokegan.tracing.edges import Edge, Floats, Indices, covering_edge
from heliostat_methods.strokegan.tracing.joins import smooth_joins
from heliostat_methods.strokegan.tracing.runs import opened
from heliostat_methods.strokegan.tracing.segments import LOOSEST, TOLERANCE, Segments, segments

PORTION = 1 << 19
"""Pixels that are traced at a time."""
FITTED = 2.0 / 3.0
"""Share of the tolerance for the fit; the rest is for joins that move to become smooth."""


@dataclass(frozen=True)
class Outline:
    """One glyph's contours as TrueType has them: points on the curve, and off it between two."""

    points: Floats
    """(P, 2): pixels, y up from the lower edge of the image."""
    on_curve: NDArray[np.bool_]
    """(P,): never two off it in a row."""
    ends: Indices
    """(C,): the last point of each contour."""

    @property
    def contours(self) -> int:
        """How many closed contours there are, holes counted."""
        return len(self.ends)

    def spans(self) -> list[tuple[int, int]]:
        """Return each contour's first point and the one after its last."""
        ends = (self.ends + 1).tolist()
        return list(zip([0, *ends[:-1]], ends, strict=True)) if ends else []

    def polygons(self, steps: int = 8) -> list[Floats]:
        """Return each contour as a polygon (n, 2), a curve as so many chords."""
        found = []
        for begin, end in self.spans():
            points, on = self.points[begin:end], self.on_curve[begin:end]
            before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
            t = (np.arange(1, steps) / steps)[:, None]
            found.append(
                np.concatenate(
                    [
                        p[None] if is_on else (1 - t) ** 2 * b + 2 * t * (1 - t) * p + t**2 * a
                        for p, is_on, b, a in zip(points, on, before, after, strict=True)
                    ]
                )
            )
        return found

    def area(self) -> float:
        """Return the signed area of the polygons, square pixels: ink is below 0."""
        total = 0.0
        for polygon in self.polygons():
            x, y = (polygon - polygon[0]).T
            total += float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2.0
        return total


def outlines(
    images: ArrayLike,
    tolerance: float = TOLERANCE,
    *,
    sharp: float = SHARP,
    edge: Edge = covering_edge,
) -> list[Outline]:
    """Return the outline of each image (N, H, W) in [0, 1], white 1; a blank one has no contour.

    Vertices of the contours lie within ``tolerance`` pixels of the outline, except of
    those contours that are thinner than it, which are left out; turns above ``sharp`` radians stay
    corners. Raises ValueError as ``contours`` and for values outside their ranges.
    """
    if not 0.0 < tolerance <= LOOSEST:
        raise ValueError(f"tolerance: {tolerance}, expected pixels, above 0 and at most {LOOSEST}")
    stack = checked_images(images, "images")
    step = max(1, PORTION // (stack.shape[1] * stack.shape[2]))
    found: list[Outline] = []
    for begin in range(0, len(stack), step):
        some = contours(stack[begin : begin + step], edge=edge)
        pieces = segments(opened(some, corners(some, sharp)), FITTED * tolerance)
        pieces = smooth_joins(pieces, tolerance)
        found += _per_image(pieces, some.image, min(step, len(stack) - begin))
    return found


def _per_image(found: Segments, image: Indices, images: int) -> list[Outline]:
    """Return outlines of all images in their order."""
    # A line has one point, a curve its control point too.
    counts = 1 + found.curved
    place = np.cumsum(counts) - counts
    total = int(counts.sum())
    points, on = np.empty((total, 2)), np.ones(total, np.bool_)
    points[place] = found.start
    points[place[found.curved] + 1] = found.control[found.curved]
    on[place[found.curved] + 1] = False
    bounds = np.append(place, total)[found.starts]
    # Two lines, there and back: a contour thinner than the tolerance.
    lengths = np.diff(bounds)
    thick = lengths >= 3
    kept = np.repeat(thick, lengths)
    points, on, image = points[kept], on[kept], image[thick]
    bounds = np.concatenate([[0], np.cumsum(lengths[thick])])
    contour = np.searchsorted(image, np.arange(images + 1))
    made = []
    for first, last in itertools.pairwise(contour):
        begin, end = bounds[first], bounds[last]
        ends = bounds[first + 1 : last + 1] - begin - 1
        made.append(Outline(points[begin:end], on[begin:end], ends))
    return made
