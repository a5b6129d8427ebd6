"""Runs of vertices along closed contours, and how far a line or a curve is off them.

Many runs are measured at once; each is a first and a last vertex, with those between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.tracing.contours import Contours
from heliostat_methods.strokegan.tracing.edges import Floats, Indices

NEWTON = 2
"""Steps towards the nearest point of a curve, from where the same length leads."""


@dataclass(frozen=True)
class Vertices:
    """Contours cut open at a break each, which stands at both ends."""

    points: Floats
    """(V, 2): pixels."""
    corner: NDArray[np.bool_]
    """(V,)"""
    breaks: Indices
    """(B,): vertices where runs end, ascending, both ends of each contour among them."""
    last: Indices
    """(C,): the last vertex of each contour."""

    @cached_property
    def length(self) -> Indices:
        """Length of the way to each vertex (V,), millionths of a pixel.

        Whole numbers add up exactly, so that a run's lengths depend on no run before it.
        """
        steps = np.hypot(*np.diff(self.points, axis=0, prepend=self.points[:1]).T)
        return np.cumsum(np.maximum(np.rint(steps * 1e6), 1.0).astype(np.int64))

    def runs(self) -> tuple[Indices, Indices]:
        """Return the first and last vertices of runs from break to break."""
        # The last break of a contour is followed by the first of the next one.
        within = ~np.isin(self.breaks[:-1], self.last)
        return self.breaks[:-1][within], self.breaks[1:][within]

    def fitted(self, begin: Indices, end: Indices) -> Floats:
        """Return control points (R, 2) of curves by least squares, ends fixed, a vertex within."""
        inner, run, first = self._inner(begin, end)
        t = self._share(inner, begin, end, run)[:, None]
        weight = 2.0 * t * (1.0 - t)
        ends = (1.0 - t) ** 2 * self.points[begin][run] + t**2 * self.points[end][run]
        over = np.add.reduceat(weight**2, first)
        return np.asarray(np.add.reduceat(weight * (self.points[inner] - ends), first) / over)

    def off_lines(self, begin: Indices, end: Indices) -> Floats:
        """Return the distance of the farthest vertex within each run (R,) from its chord."""
        inner, run, first = self._inner(begin, end)
        start, along = self.points[begin], self.points[end] - self.points[begin]
        apart = self.points[inner] - start[run]
        squares = np.maximum((along**2).sum(axis=1), 1e-300)
        t = np.clip((apart * along[run]).sum(axis=1) / squares[run], 0.0, 1.0)
        off = np.hypot(*(apart - t[:, None] * along[run]).T)
        return np.asarray(np.maximum.reduceat(off, first))

    def off_curves(
        self, begin: Indices, end: Indices, start: Floats, control: Floats, stop: Floats
    ) -> tuple[Floats, Indices]:
        """Return how far the farthest vertex within each run is from its curve, and which it is.

        Curves go from ``start`` to ``stop`` (R, 2); distances are at most rounded up.
        """
        inner, run, first = self._inner(begin, end)
        s = self._share(inner, begin, end, run)[:, None]
        linear, bent = 2.0 * (control - start)[run], (start - 2.0 * control + stop)[run]
        apart = start[run] - self.points[inner]
        for _ in range(NEWTON):
            at, slope = apart + s * (linear + s * bent), linear + 2.0 * s * bent
            down = (slope**2).sum(axis=1) + 2.0 * (at * bent).sum(axis=1)
            step = (at * slope).sum(axis=1) / np.where(down > 1e-12, down, np.inf)
            s = np.clip(s - step[:, None], 0.0, 1.0)
        off = np.hypot(*(apart + s * (linear + s * bent)).T)
        most = np.asarray(np.maximum.reduceat(off, first))
        worst = np.empty(len(begin), np.int64)
        at_most = off == most[run]
        worst[run[at_most]] = inner[at_most]
        return most, worst

    def _inner(self, begin: Indices, end: Indices) -> tuple[Indices, Indices, Indices]:
        """Return vertices within runs, the run of each, and where those of each run begin."""
        within = end - begin - 1
        run = np.repeat(np.arange(len(begin)), within)
        first = np.cumsum(within) - within
        return np.arange(len(run)) - first[run] + begin[run] + 1, run, first

    def _share(self, inner: Indices, begin: Indices, end: Indices, run: Indices) -> Floats:
        """Return how far along its run each vertex lies, by length, between 0 and 1."""
        whole = self.length[end] - self.length[begin]
        return np.asarray((self.length[inner] - self.length[begin[run]]) / whole[run])


def opened(found: Contours, corner: NDArray[np.bool_]) -> Vertices:
    """Return contours cut open at their first corner (P,), with breaks at all corners.

    A contour with one corner breaks opposite to it too; one without, at its left and right.
    """
    parts: list[Floats] = []
    breaks: list[Indices] = []
    corners: list[NDArray[np.bool_]] = []
    last: list[int] = []
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
        corners += [here[first:], here[: first + 1]]
        breaks += [base + np.sort((at - first) % len(points)), np.array([base + len(points)])]
        base += len(points) + 1
        last.append(base - 1)
    if not parts:
        nothing = np.zeros(0, np.int64)
        return Vertices(np.zeros((0, 2)), np.zeros(0, np.bool_), nothing, nothing)
    return Vertices(
        np.concatenate(parts), np.concatenate(corners), np.concatenate(breaks), np.array(last)
    )
