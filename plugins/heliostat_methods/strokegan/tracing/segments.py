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

from heliostat_methods.strokegan.tracing.contours import Contours, Floats, Indices

TOLERANCE = 0.15
"""Pixels that a vertex may lie off its line or curve."""


@dataclass(frozen=True)
class Segments:
    """Closed outlines as lines and curves; each begins where the one before it ended."""

    start: Floats
    """(S, 2): where each begins, pixels."""
    control: Floats
    """(S, 2): the point that a curve's ends are tangent to."""
    curved: NDArray[np.bool_]
    """(S,): a curve, or else a line."""
    smooth: NDArray[np.bool_]
    """(S,): begins where a run was cut, not at a corner."""
    starts: Indices
    """(C + 1,): the first segment of each outline, and S."""
    deviation: float
    """The most pixels that a vertex is off its line or curve, where the run was cut."""


def segments(found: Contours, corner: NDArray[np.bool_], tolerance: float = TOLERANCE) -> Segments:
    """Return lines and curves of contours that break at corners (P,) and where they must.

    Raises ValueError unless ``tolerance`` is above 0.
    """
    if not tolerance > 0.0:
        raise ValueError(f"tolerance: {tolerance}, expected pixels above 0")
    points, breaks, sharp, ends = _closed(found, corner)
    begin, end = breaks[:-1], breaks[1:]
    # A break that closes one contour is followed by the one that opens the next.
    inside = ~np.isin(breaks[:-1], ends)
    done = _Done(points, tolerance)
    begin, end = begin[inside], end[inside]
    while len(begin):
        begin, end = done.round(begin, end)
    return done.segments(sharp, ends)


def _closed(
    found: Contours, corner: NDArray[np.bool_]
) -> tuple[Floats, Indices, NDArray[np.bool_], Indices]:
    """Return contours that begin and end at the same break: points, breaks, corners, last points.

    A contour with one corner is broken opposite to it too; one without, at its left and right.
    """
    parts: list[Floats] = []
    breaks: list[NDArray[np.int64]] = []
    sharp: list[NDArray[np.bool_]] = []
    ends: list[int] = []
    base = 0
    for begin, end in zip(found.starts[:-1], found.starts[1:], strict=True):
        points, here = found.points[begin:end], corner[begin:end]
        at = np.flatnonzero(here)
        if len(at) == 0:
            at = np.array([points[:, 0].argmin(), points[:, 0].argmax()])
        elif len(at) == 1:
            at = np.array([at[0], (at[0] + len(points) // 2) % len(points)])
        first = int(at[0])
        parts += [points[first:], points[: first + 1]]
        sharp += [here[first:], here[: first + 1]]
        breaks += [base + np.sort((at - first) % len(points)), np.array([base + len(points)])]
        base += len(points) + 1
        ends.append(base - 1)
    if not parts:
        nothing = np.zeros(0, np.int64)
        return np.zeros((0, 2)), nothing, np.zeros(0, np.bool_), nothing
    return (
        np.concatenate(parts),
        np.concatenate(breaks).astype(np.int64),
        np.concatenate(sharp),
        np.asarray(ends, np.int64),
    )


class _Done:
    """Runs that are lines or curves already; the others come back cut in two."""

    def __init__(self, points: Floats, tolerance: float) -> None:
        self.points, self.tolerance = points, tolerance
        steps = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
        self.length = np.cumsum(steps)
        self.found: list[tuple[Indices, Floats, NDArray[np.bool_]]] = []
        self.deviation = 0.0

    def round(self, begin: Indices, end: Indices) -> tuple[Indices, Indices]:
        """Try runs (first, last vertex) as lines, then curves; return halves of what is left."""
        within = end - begin - 1
        self._keep(begin[within == 0], None)
        begin, end, within = (some[within > 0] for some in (begin, end, within))
        if not len(begin):
            return begin, end
        off, _ = self._farthest(begin, end, within, None)
        self._accept(off, begin, None)
        left = off > self.tolerance
        begin, end, within = begin[left], end[left], within[left]
        if not len(begin):
            return begin, end
        control = self._fitted(begin, end, within)
        off, worst = self._farthest(begin, end, within, control)
        self._accept(off, begin, control)
        left = off > self.tolerance
        begin, end, worst = begin[left], end[left], worst[left]
        return np.concatenate([begin, worst]), np.concatenate([worst, end])

    def _accept(self, off: Floats, begin: Indices, control: Floats | None) -> None:
        good = off <= self.tolerance
        if good.any():
            self.deviation = max(self.deviation, float(off[good].max()))
            self._keep(begin[good], None if control is None else control[good])

    def _keep(self, begin: Indices, control: Floats | None) -> None:
        if len(begin):
            curved = np.full(len(begin), control is not None)
            self.found.append((begin, self.points[begin] if control is None else control, curved))

    def _inner(self, begin: Indices, within: Indices) -> tuple[Indices, Indices, Indices]:
        """Return inner vertices of runs, the run of each, and where each run's begin."""
        run = np.repeat(np.arange(len(begin)), within)
        first = np.cumsum(within) - within
        return np.arange(len(run)) - first[run] + begin[run] + 1, run, first

    def _share(self, inner: Indices, begin: Indices, end: Indices, run: Indices) -> Floats:
        """Return how far along its run each vertex lies, by length, in [0, 1]."""
        whole = self.length[end] - self.length[begin]
        return np.asarray((self.length[inner] - self.length[begin[run]]) / whole[run])

    def _fitted(self, begin: Indices, end: Indices, within: Indices) -> Floats:
        """Return control points (R, 2) by least squares over inner vertices, ends fixed."""
        inner, run, first = self._inner(begin, within)
        t = self._share(inner, begin, end, run)[:, None]
        start, last = self.points[begin], self.points[end]
        weight = 2.0 * t * (1.0 - t)
        rest = self.points[inner] - (1.0 - t) ** 2 * start[run] - t**2 * last[run]
        over = np.add.reduceat(weight**2, first)
        return np.asarray(np.add.reduceat(weight * rest, first) / np.maximum(over, 1e-300))

    def _farthest(
        self, begin: Indices, end: Indices, within: Indices, control: Floats | None
    ) -> tuple[Floats, Indices]:
        """Return how far the worst vertex of each run is off, and which it is."""
        inner, run, first = self._inner(begin, within)
        points, start, last = self.points[inner], self.points[begin][run], self.points[end][run]
        if control is None:
            along = last - start
            t = ((points - start) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-300)
            nearest = start + np.clip(t, 0.0, 1.0)[:, None] * along
        else:
            s = self._share(inner, begin, end, run)[:, None]
            middle = control[run]
            for _ in range(2):  # Newton's way to the nearest point of the curve
                bent = start - 2.0 * middle + last
                at = (1 - s) ** 2 * start + 2 * s * (1 - s) * middle + s**2 * last - points
                slope = 2.0 * ((middle - start) + s * bent)
                down = (slope**2).sum(1) + 2.0 * (at * bent).sum(1)
                step = (at * slope).sum(1) / np.where(down > 1e-12, down, np.inf)
                s = np.clip(s - step[:, None], 0.0, 1.0)
            nearest = (1 - s) ** 2 * start + 2 * s * (1 - s) * middle + s**2 * last
        off = np.hypot(*(points - nearest).T)
        most = np.maximum.reduceat(off, first)
        at_most = np.flatnonzero(off == most[run])
        worst = np.empty(len(begin), np.int64)
        worst[run[at_most]] = inner[at_most]
        return most, worst

    def segments(self, sharp: NDArray[np.bool_], ends: Indices) -> Segments:
        """Return all runs in their order along the contours."""
        if not self.found:
            nothing = np.zeros((0, 2))
            return Segments(nothing, nothing, sharp, sharp, np.zeros(1, np.int64), 0.0)
        begin, control, curved = (np.concatenate(some) for some in zip(*self.found, strict=True))
        order = np.argsort(begin)
        begin = begin[order]
        starts = np.concatenate([[0], np.searchsorted(begin, ends)])
        return Segments(
            self.points[begin], control[order], curved[order], ~sharp[begin], starts, self.deviation
        )
