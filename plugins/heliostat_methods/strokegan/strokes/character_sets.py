"""Sets of characters that a font is judged by: the levels of GB2312 and the first of Big5."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache


@cache
def gb2312_level1() -> tuple[str, ...]:
    """Return the 3,755 common characters of GB2312 by code, from 啊 to 座 (bytes B0A1..D7F9)."""
    return _decoded("gb2312", range(0xB0, 0xD8), range(0xA1, 0xFF))


@cache
def gb2312_level2() -> tuple[str, ...]:
    """Return the 3,008 rarer characters of GB2312 by code (bytes D8A1..F7FE)."""
    return _decoded("gb2312", range(0xD8, 0xF8), range(0xA1, 0xFF))


@cache
def big5_level1() -> tuple[str, ...]:
    """Return the 5,401 common traditional characters of Big5 by code (bytes A440..C67E)."""
    return _decoded("big5", range(0xA4, 0xC7), [*range(0x40, 0x7F), *range(0xA1, 0xFF)])


def _decoded(codec: str, rows: Iterable[int], cells: Iterable[int]) -> tuple[str, ...]:
    cells = list(cells)
    # A code that the set leaves free decodes to nothing.
    decoded = (bytes([row, cell]).decode(codec, "ignore") for row in rows for cell in cells)
    return tuple(char for char in decoded if len(char) == 1 and "\u4e00" <= char <= "\u9fff")
