"""The strokes of 6,939 characters in writing order, kept as a table of numbers.

A line of `data/strokes.tsv` is a character, a tab, and the numbers (1..32, canonical order) of its
strokes. It covers all of GB2312 level 1, 2,977 of level 2's 3,008, and few traditional characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from heliostat_methods.strokegan.strokes.vocabulary import CANONICAL

DATA = Path(__file__).resolve().parent.parent / "data"
FILE = "strokes.tsv"
HEADER = """\
# Strokes of Chinese characters in writing order: character, tab, numbers of the 32 strokes.
# Made on 2026-11-30 from the letters of cnchar-order 3.2.6 (MIT, see LICENSE.cnchar-order); the
# strokes 8 or 9 and 15 or 16 were told apart by the medians of hanzi-writer-data 2.0.1 (Arphic
# Public License, see LICENSE.hanzi-writer-data; changed here: only the decision is kept).
"""


@cache
def stroke_table() -> Mapping[str, tuple[str, ...]]:
    """Return the ids of the strokes of every character that the table has, in writing order."""
    return MappingProxyType(read((DATA / FILE).read_text(encoding="utf-8")))


def written(strokes: Mapping[str, tuple[str, ...]]) -> str:
    """Return a table's text, characters by code point."""
    number = {stroke.id: str(at) for at, stroke in enumerate(CANONICAL, start=1)}
    lines = [
        f"{char}\t{' '.join(number[one] for one in ids)}\n" for char, ids in sorted(strokes.items())
    ]
    return HEADER + "".join(lines)


def read(text: str) -> dict[str, tuple[str, ...]]:
    """Return what `written` wrote."""
    ids = {str(at): stroke.id for at, stroke in enumerate(CANONICAL, start=1)}
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {char: tuple([ids[number] for number in numbers.split()]) for char, numbers in rows}
