"""Characters drawn by hand as a font: a folder with a picture of each.

A picture is named by its character, ``永.png``, or by its code point, ``U+6C38.png``. Its longer
side is an em, so glyphs keep their sizes; each is centred by its own bounding box, as a font's are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.fonts.errors import CharactersMissing, FontError
from heliostat_methods.strokegan.fonts.font_file import package
from heliostat_methods.strokegan.fonts.grey_pictures import read_grey
from heliostat_methods.strokegan.fonts.rendering import centred, cut

FAINT = 26
"""Ink of 255 up to which a pixel is paper: scans are not clean."""
LEAST_SIDE = 8
"""Pixels of a drawing's shorter side."""
NARROWEST = 4
"""Longer side by shorter side."""
MOST_INK = 0.7
"""Share of a drawing that is ink; the blackest glyphs of black fonts have a half."""
_CODE_POINT = re.compile(r"(?:U\+|uni|u)([0-9A-Fa-f]{4,6})")


class DrawnGlyphs:
    """Pictures (N, px, px), uint8, white 255, of what a folder's drawings show.

    ``scale``: of an em to the side, as `GlyphRenderer` has it. Raises `FontError` for a folder
    without a drawing, a PNG file that is named by no character, and one character twice.
    """

    def __init__(
        self, folder: str | Path, px: int = 32, scale: float = 0.875, supersample: int = 4
    ) -> None:
        self.folder, self.px, self.scale, self.supersample = Path(folder), px, scale, supersample
        self._files = _files(self.folder)

    def __repr__(self) -> str:
        return f"DrawnGlyphs({str(self.folder)!r}, px={self.px})"

    @property
    def characters(self) -> frozenset[str]:
        """The characters that are drawn."""
        return frozenset(self._files)

    def render(self, chars: Iterable[str]) -> NDArray[np.uint8]:
        """Return the pictures of characters in their order, (N, px, px), uint8, white 255.

        Raises `CharactersMissing` naming those without a drawing, or with an empty one.
        """
        asked = list(chars)
        lacking = [char for char in dict.fromkeys(asked) if char not in self._files]
        if lacking:
            raise CharactersMissing(str(self.folder), "no drawing", lacking, len(set(asked)))
        inks = [self._ink(self._files[char]) for char in asked]
        empty = [char for char, ink in zip(asked, inks, strict=True) if not ink.size]
        blank = list(dict.fromkeys(empty))
        if blank:
            raise CharactersMissing(str(self.folder), "an empty picture", blank, len(set(asked)))
        pictures = [centred(ink, self.px, self.supersample) for ink in inks]
        return np.array(pictures, np.uint8).reshape(len(asked), self.px, self.px)

    def _ink(self, file: Path) -> NDArray[np.uint8]:
        """Return a drawing's ink at the size in which glyphs are put together, cut to its box."""
        grey = read_grey(file)
        _refuse_odd(file, grey)
        image: Any = package("PIL.Image", "pillow")
        fine = self.px * self.supersample * self.scale / max(grey.shape)
        size = tuple(max(1, round(length * fine)) for length in grey.shape[::-1])
        ink = np.where(255 - grey > FAINT, 255 - grey, 0).astype(np.uint8)
        resized = image.fromarray(ink).resize(size, image.Resampling.BOX)
        return cut(np.asarray(resized, np.uint8))


def _refuse_odd(file: Path, grey: NDArray[np.uint8]) -> None:
    """Raise `FontError` for what is no drawing of a character."""
    height, width = grey.shape
    if min(height, width) < LEAST_SIDE:
        raise FontError(f"{file} has {width} x {height} pixels, expected {LEAST_SIDE} at least")
    if max(height, width) > NARROWEST * min(height, width):
        raise FontError(f"{file} has {width} x {height} pixels, expected a square or nearly one")
    share = float((grey < 128).mean())
    if share > MOST_INK:
        raise FontError(f"{file} is {100 * share:.0f} % black, expected a dark glyph on white")


def drawn_character(stem: str) -> str | None:
    """Return the character that a file's name without its ending stands for, or None."""
    if len(stem) == 1:
        return stem
    found = _CODE_POINT.fullmatch(stem)
    if found is None or int(found[1], 16) > 0x10FFFF:
        return None
    return chr(int(found[1], 16))


def drawing_name(character: str) -> str:
    """Return the name of a character's file, which every file system takes."""
    return f"U+{ord(character):04X}.png"


def _files(folder: Path) -> dict[str, Path]:
    try:
        there = sorted(folder.iterdir())
    except OSError as error:
        raise FontError(f"drawings {folder} cannot be read: {error.strerror or error}") from None
    found: dict[str, Path] = {}
    for file in there:
        if file.suffix.lower() != ".png" or file.name.startswith("."):
            continue
        character = drawn_character(file.stem)
        if character is None:
            raise FontError(
                f"{file} is named by no character: expected its drawing as 永.png or U+6C38.png"
            )
        if character in found:
            raise FontError(f"{file} and {found[character].name} are both {character!r}")
        found[character] = file
    if not found:
        raise FontError(f"{folder} has no drawing: expected pictures such as U+6C38.png")
    return found
