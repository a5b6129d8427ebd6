"""Where between two pixels, one ink and one not, the edge of the ink lies.

A function of this room takes grey values, the pixels before the edge, the step to those after it,
and the level; it returns the share of the way from centre to centre, in [0, 1].
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

FULL = 0.98
"""So much of a pixel is all of it, what is left of 1 is nothing: 8 bits and a generator's noise."""
FRAME = 3
"""White pixels around an image, so that none of the six of an edge lies outside."""


class Edge(Protocol):
    """Where the edge lies between pixels and those a step on."""

    def __call__(self, ink: Floats, pixel: Indices, step: Indices, level: float) -> Floats:
        """Return shares (P,) for flat grey values, pixels (P,) and steps (P,) of the flat index."""


def linear_edge(ink: Floats, pixel: Indices, step: Indices, level: float) -> Floats:
    """Return where a line between both grey values crosses the level."""
    near = ink[pixel]
    return np.asarray((level - near) / (ink[pixel + step] - near))


def covering_edge(ink: Floats, pixel: Indices, step: Indices, level: float) -> Floats:
    """Return where the edge is if grey is the share of a pixel that is ink, as it is drawn.

    Then the sum over a row of pixels, from full ones to empty ones, is the length of the ink. Where
    there is no full pixel within two on one side and no empty one on the other, as in strokes of a
    pixel or so, or ``level`` is not a half, it is linear: which is up to 0.09 pixels off.
    """
    share = linear_edge(ink, pixel, step, level)
    if level != 0.5:
        return share
    rising = ink[pixel] < ink[pixel + step]
    # From the inner pixel outwards, whichever of the two it is.
    inner, out = np.where(rising, pixel + step, pixel), np.where(rising, -step, step)
    deepest, deep, full, empty, far, farthest = (ink[inner + k * out] for k in range(-2, 4))
    sure = ((deep >= FULL) | ((deepest >= FULL) & (deep >= full))) & (
        (far <= 1 - FULL) | ((farthest <= 1 - FULL) & (far <= empty))
    )
    length = np.clip(deep + full + empty + far - 1.5, 0.0, 1.0)
    return np.where(sure, np.where(rising, 1.0 - length, length), share)
