"""Where a contour turns sharply: there an outline may not be smooth."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.tracing.contours import Contours
from heliostat_methods.strokegan.tracing.edges import Floats, Indices

REACH = 3
"""Vertices that a direction is taken over, on both sides; the steps of pixels are shorter."""
SHARP = math.radians(40.0)
"""A turn by more is a corner: the noise of marching squares turns by 10 degrees."""


def corners(found: Contours, sharp: float = SHARP) -> NDArray[np.bool_]:
    """Return which vertices (P,) are corners: the sharpest turns nearby, above ``sharp`` radians.

    Raises ValueError unless 0 < ``sharp`` < pi.
    """
    if not 0.0 < sharp < math.pi:
        raise ValueError(f"sharp: {sharp}, expected radians between 0 and pi")
    turn = np.abs(turns(found))
    peak = turn > sharp
    for away in range(1, REACH + 1):
        before, after = _away(found, -away), _away(found, away)
        # Of equal turns the first is the corner.
        peak &= (turn > turn[before]) & (turn >= turn[after])
    return peak


def turns(found: Contours) -> Floats:
    """Return by how many radians the contour turns at each vertex (P,), left above 0."""
    points = found.points
    into = points - points[_away(found, -REACH)]
    out = points[_away(found, REACH)] - points
    cross = into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0]
    return np.asarray(np.arctan2(cross, (into * out).sum(axis=1)))


def _away(found: Contours, steps: int) -> Indices:
    """Return the index of the vertex so many steps on; short contours take a third of theirs."""
    lengths = np.diff(found.starts)
    steps_of = np.sign(steps) * np.minimum(abs(steps), np.maximum(lengths // 3, 1))
    begin = np.repeat(found.starts[:-1], lengths)
    place = np.arange(len(found.points)) - begin + np.repeat(steps_of, lengths)
    return np.asarray(begin + place % np.repeat(lengths, lengths), np.int64)
