"""Which characters a font has, by its cmap: a character that it lacks would be drawn as a box."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from heliostat_methods.strokegan.fonts.errors import FontError
from heliostat_methods.strokegan.fonts.font_file import opened
from heliostat_methods.strokegan.strokes.character_sets import (
    big5_level1,
    gb2312_level1,
    gb2312_level2,
)


@dataclass(frozen=True)
class Coverage:
    """How many characters a font has of the three sets."""

    level1: int
    """Of the 3,755 of GB2312 level 1."""
    level2: int
    """Of the 3,008 of GB2312 level 2."""
    big5: int
    """Of the 5,401 of Big5 level 1."""


def characters(file: str | Path, face: int = 0) -> frozenset[str]:
    """Return the characters that one face of a font maps to a glyph.

    Raises `FontError` for a file that is missing or no font, and for a face that it lacks.
    """
    path = Path(file)
    try:
        written = path.stat().st_mtime_ns
    except OSError as error:
        raise FontError(f"font file {path} cannot be read: {error.strerror or error}") from None
    return _characters(path, face, written)


def coverage(file: str | Path, face: int = 0) -> Coverage:
    """Return how many characters of the usual sets a font has; raises as `characters`."""
    there = characters(file, face)
    sets = (gb2312_level1(), gb2312_level2(), big5_level1())
    return Coverage(*(sum(char in there for char in one) for one in sets))


def common_characters(
    files: Iterable[tuple[str | Path, int]], among: Iterable[str] | None = None
) -> tuple[str, ...]:
    """Return the characters that all faces (file, number) have, in the order of `among`.

    `among`: the characters asked for, by default GB2312 level 1.
    """
    sets = [characters(file, face) for file, face in files]
    asked = gb2312_level1() if among is None else among
    return tuple(char for char in asked if all(char in one for one in sets))


@lru_cache(maxsize=64)
def _characters(path: Path, face: int, written: int) -> frozenset[str]:
    font = opened(path, face)
    try:
        cmap = font.getBestCmap()
    # Damaged tables make the reader fail in many ways, few of them its own.
    except Exception as error:
        raise FontError(f"{path} cannot be read as a font: {error}") from None
    finally:
        font.close()
    if not cmap:
        raise FontError(f"{path} has no cmap of Unicode characters")
    return frozenset(chr(code) for code, glyph in cmap.items() if glyph != ".notdef")
