"""Lines and quadratic curves along contours, none further from a vertex than a tolerance.

Between two corners a run of vertices is tried as a line (its farthest vertex, as Ramer 1972 and
Douglas and Peucker 1973), then as one quadratic curve by least squares with its ends fixed; what
keeps neither within the tolerance is cut where the curve is worst, and both parts are tried again.
All runs of all contours are tried at once, so a stack of glyphs takes some ten rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.tracing.edges import Floats, Indices
from heliostat_methods.strokegan.tracing.runs import Vertices

TOLERANCE = 0.15
"""Pixels that a vertex may lie off its line or curve."""
LOOSEST = 4.0


@dataclass(frozen=True)
class Segments:
    """Closed outlines as lines and curves, each from its start to the start of the next one."""

    vertices: Vertices
    begin: Indices
    """(S,): the first vertex of each, ascending."""
    end: Indices
    """(S,): the last."""
    start: Floats
    """(S, 2): where each begins, pixels."""
    control: Floats
    """(S, 2): what a curve's ends are tangent to; a line has its start here."""
    curved: NDArray[np.bool_]
    """(S,): a curve, or else a line."""
    starts: Indices
    """(C + 1,): the first segment of each outline, and S."""

    def before(self) -> Indices:
        """Return for each segment the one that ends where it begins."""
        found = np.arange(len(self.begin)) - 1
        found[self.starts[:-1]] = self.starts[1:] - 1
        return found

    def after(self) -> Indices:
        """Return for each segment the one that begins where it ends."""
        found = np.arange(len(self.begin)) + 1
        found[self.starts[1:] - 1] = self.starts[:-1]
        return found


def segments(vertices: Vertices, tolerance: float = TOLERANCE) -> Segments:
    """Return lines and curves that end at breaks and where they must, within ``tolerance`` pixels.

    Raises ValueError unless ``tolerance`` is above 0 and at most 4.
    """
    if not 0.0 < tolerance <= LOOSEST:
        raise ValueError(f"tolerance: {tolerance}, expected pixels, above 0 and at most {LOOSEST}")
    kept = _Kept(vertices.points)
    begin, end = vertices.runs()
    while len(begin):
        begin, end = _round(vertices, tolerance, begin, end, kept)
    return kept.segments(vertices)


def _round(
    vertices: Vertices, tolerance: float, begin: Indices, end: Indices, kept: _Kept
) -> tuple[Indices, Indices]:
    """Try runs as lines, then as curves; return the halves of what is left."""
    bare = end - begin == 1
    kept.add(begin[bare], end[bare])
    begin, end = begin[~bare], end[~bare]
    if len(begin):
        good = vertices.off_lines(begin, end) <= tolerance
        kept.add(begin[good], end[good])
        begin, end = begin[~good], end[~good]
    if not len(begin):
        return begin, end
    control = vertices.fitted(begin, end)
    points = vertices.points
    off, worst = vertices.off_curves(begin, end, points[begin], control, points[end])
    good = off <= tolerance
    kept.add(begin[good], end[good], control[good])
    cut = ~good
    return np.concatenate([begin[cut], worst[cut]]), np.concatenate([worst[cut], end[cut]])


class _Kept:
    """Runs that are lines or curves already, in the order in which they were found."""

    def __init__(self, points: Floats) -> None:
        self.points = points
        self.found: list[tuple[Indices, Indices, Floats, NDArray[np.bool_]]] = []

    def add(self, begin: Indices, end: Indices, control: Floats | None = None) -> None:
        """Keep runs as curves, or as lines without control points."""
        curved = np.full(len(begin), control is not None)
        middle = self.points[begin] if control is None else control
        self.found.append((begin, end, middle, curved))

    def segments(self, vertices: Vertices) -> Segments:
        """Return all of them in their order along the contours."""
        if not self.found:
            nothing, none = np.zeros((0, 2)), np.zeros(0, np.int64)
            blank = np.zeros(0, np.bool_)
            return Segments(vertices, none, none, nothing, nothing, blank, np.zeros(1, np.int64))
        begin, end, control, curved = (
            np.concatenate(some) for some in zip(*self.found, strict=True)
        )
        order = np.argsort(begin)
        begin = begin[order]
        starts = np.concatenate([[0], np.searchsorted(begin, vertices.last)])
        return Segments(
            vertices, begin, end[order], self.points[begin], control[order], curved[order], starts
        )
