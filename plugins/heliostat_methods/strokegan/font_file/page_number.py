"""The number of a printed page, as a row of black and white cells that a scan can be asked for.

Sixteen cells between the upper marks: eight of the number, and the same eight inverted, so that a
smudge gives no number rather than a wrong one.
"""

from __future__ import annotations

import numpy as np

from heliostat_methods.strokegan.font_file.sheet_layout import MARK, QUIET, SheetLayout
from heliostat_methods.strokegan.metrics.checks import Floats

BITS = 8
MOST_PAGES = 2**BITS - 1
LEAST_CELL = 4
"""Pixels; a page with less room between its marks has no number."""
WIDEST_CELL = 14
FILLED = 0.7
"""Of a cell, so that neighbours stay apart."""


def cells(layout: SheetLayout) -> tuple[Floats, float] | None:
    """Return the centres (16, 2) of the cells in pixels and their side; None without room."""
    left, right = QUIET + MARK + QUIET, layout.size[0] - (QUIET + MARK + QUIET)
    side = min(WIDEST_CELL, (right - left) / (2 * BITS))
    if side < LEAST_CELL:
        return None
    middle = (left + right) / 2
    across = middle + (np.arange(2 * BITS) - BITS + 0.5) * side
    return np.stack([across, np.full(2 * BITS, QUIET + MARK / 2)], axis=1), side * FILLED


def bits_of(number: int) -> list[bool]:
    """Return which of the cells are black; raises ValueError for a page outside 1..255."""
    if not 1 <= number <= MOST_PAGES:
        raise ValueError(f"page: {number}, expected 1..{MOST_PAGES}")
    bits = [bool(number >> bit & 1) for bit in range(BITS)]
    return bits + [not one for one in bits]


def number_of(dark: list[bool]) -> int | None:
    """Return the page's number of cells that are dark or not; None where they say none."""
    bits, inverted = dark[:BITS], dark[BITS:]
    if any(one == other for one, other in zip(bits, inverted, strict=True)):
        return None
    return sum(bit << place for place, bit in enumerate(bits)) or None
