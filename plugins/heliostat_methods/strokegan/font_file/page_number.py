"""The number of a printed page and a check of its characters, as cells that a scan is asked for.

Two rows of sixteen cells between the upper marks. The first has eight bits of the number, and the
same eight inverted, so that a smudge gives no number rather than a wrong one. The second has the
check, so that a scan is not read by another page's list.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

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
    """Return the centres (32, 2) of the cells in pixels and their side; None without room."""
    left, right = QUIET + MARK + QUIET, layout.size[0] - (QUIET + MARK + QUIET)
    side = min(WIDEST_CELL, (right - left) / (2 * BITS))
    if side < LEAST_CELL:
        return None
    middle = (left + right) / 2
    across = middle + (np.arange(2 * BITS) - BITS + 0.5) * side
    rows = [np.stack([across, np.full(2 * BITS, QUIET + MARK / 2 + down)], axis=1)
            for down in (-side, side)]  # fmt: skip
    return np.concatenate(rows), side * FILLED


def check_of(characters: Sequence[str]) -> int:
    """Return a number below 65,536 that tells one page's characters from another's."""
    return zlib.crc32("".join(characters).encode()) & 0xFFFF


def bits_of(number: int, check: int) -> list[bool]:
    """Return which of the cells are black; raises ValueError for a page outside 1..255."""
    if not 1 <= number <= MOST_PAGES:
        raise ValueError(f"page: {number}, expected 1..{MOST_PAGES}")
    bits = [bool(number >> bit & 1) for bit in range(BITS)]
    return [*bits, *(not one for one in bits), *(bool(check >> bit & 1) for bit in range(2 * BITS))]


def number_of(dark: list[bool]) -> tuple[int, int] | None:
    """Return number and check of cells that are dark or not; None where they say no number."""
    bits, inverted, check = dark[:BITS], dark[BITS : 2 * BITS], dark[2 * BITS :]
    if any(one == other for one, other in zip(bits, inverted, strict=True)) or not any(bits):
        return None
    return _number(bits), _number(check)


def _number(bits: list[bool]) -> int:
    return sum(bit << place for place, bit in enumerate(bits))
