"""Curves that meet at a cut made to have one direction there.

They have it if the point where they meet lies on the line between their control points. Each of
the three gives way a little, and the next ones again since theirs have moved; where a curve then
leaves its tolerance, both of its ends stay as they were.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.tracing.edges import Floats, Indices
from heliostat_methods.strokegan.tracing.segments import Segments

GIVES = 0.4
"""Share by which the meeting point gives way: so a row of equal curves is off least, by 0.4 of the
distance both where they meet and at their middles."""
ROUNDS = 6


def smooth_joins(found: Segments, tolerance: float) -> Segments:
    """Return segments that are smooth where runs were cut, where ``tolerance`` pixels allow it.

    No vertex is further off afterwards than before or than ``tolerance``.
    """
    before = found.before()
    cut = ~found.vertices.corner[found.begin]
    active = cut & found.curved & found.curved[before]
    curves = np.flatnonzero(found.curved & (found.end - found.begin > 1))
    while active.any():
        moved = _moved(found, before, active)
        stop = moved.start[found.after()]
        off, _ = found.vertices.off_curves(
            found.begin[curves], found.end[curves], moved.start[curves], moved.control[curves],
            stop[curves],
        )  # fmt: skip
        bad = np.zeros(len(active), np.bool_)
        bad[curves] = ~(off <= tolerance)  # what is no number is bad too
        far = ~(np.hypot(*(moved.start - found.start).T) <= tolerance)
        loose = active & (bad | bad[before] | far | _backward(moved, before))
        if not loose.any():
            return moved
        active &= ~loose
    return found


def _moved(found: Segments, before: Indices, active: NDArray[np.bool_]) -> Segments:
    start, control = found.start.copy(), found.control.copy()
    for gives in [GIVES] * ROUNDS + [1.0]:
        apart = np.where(active[:, None], _to_line(start, control, before), 0.0)
        start += gives * apart
        if gives < 1.0:
            control -= (1.0 - gives) * (apart + apart[found.after()])
    return replace(found, start=start, control=control)


def _to_line(start: Floats, control: Floats, before: Indices) -> Floats:
    """Return the way (S, 2) from each start to the line through the controls before and after."""
    along = control - control[before]
    squares = np.maximum((along**2).sum(axis=1), 1e-12)
    share = ((start - control[before]) * along).sum(axis=1) / squares
    return np.asarray(control[before] + share[:, None] * along - start)


def _backward(moved: Segments, before: Indices) -> NDArray[np.bool_]:
    """Return where two curves meet that run into each other: not between their control points."""
    into, out = moved.start - moved.control[before], moved.control - moved.start
    return np.asarray((into * out).sum(axis=1) <= 0.0)
