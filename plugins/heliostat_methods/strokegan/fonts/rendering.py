"""Glyphs drawn as grey pictures: black on white, each centred by its own bounding box.

A glyph is drawn at `supersample` times the size and averaged down. One em is `scale` of the
picture's side, so a stroke keeps its width from character to character; only a glyph larger than
the picture is made smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.fonts.catalogue import resolved
from heliostat_methods.strokegan.fonts.coverage import characters
from heliostat_methods.strokegan.fonts.errors import CharactersMissing, FontError
from heliostat_methods.strokegan.fonts.font_file import check_face, package
from heliostat_methods.strokegan.fonts.glyph_cache import digest_of_file, glyph_key, kept_glyphs

LEAST_PX, MOST_PX = 8, 1024
LEAST_SCALE = 0.25
MOST_SUPERSAMPLE = 16


class GlyphRenderer:
    """Draws characters of one face of a font as pictures (N, px, px), uint8, white 255.

    `font`: a file, or the name of a known font. `face`: its number in a collection, by default the
    known font's, or 0. `px`: side of a picture in pixels, 8..1024. `scale`: of an em to the side,
    0.25..1. `supersample`: 1..16.

    Raises ``ValueError`` for a number outside its range, `FontError` (a ``ValueError``) for a
    font that is missing or cannot be read, ``ImportError`` where Pillow or fontTools is missing.

    >>> from heliostat_methods.strokegan.fonts.embedded import default_fonts
    >>> GlyphRenderer(default_fonts().source, px=32).render("永国").shape
    (2, 32, 32)
    """

    def __init__(
        self,
        font: str | Path,
        face: int | None = None,
        px: int = 32,
        scale: float = 0.875,
        supersample: int = 4,
    ) -> None:
        for name, value, least, most in (
            ("px", px, LEAST_PX, MOST_PX),
            ("scale", scale, LEAST_SCALE, 1),
            ("supersample", supersample, 1, MOST_SUPERSAMPLE),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name} must be from {least} to {most}, got {value}")
        self.file, usual = resolved(font)
        self.face = usual if face is None else face
        self.px, self.scale, self.supersample = px, scale, supersample
        check_face(self.file, self.face)

    def __repr__(self) -> str:
        return (
            f"GlyphRenderer({self.file.name!r}, face={self.face}, px={self.px}, "
            f"scale={self.scale}, supersample={self.supersample})"
        )

    @property
    def characters(self) -> frozenset[str]:
        """The characters that the font has."""
        return characters(self.file, self.face)

    def render(self, chars: Iterable[str], keep: bool = True) -> NDArray[np.uint8]:
        """Return the pictures of characters in their order, (N, px, px), uint8, white 255.

        With `keep` they are drawn once on this machine, and the array is a read-only view of a
        file in the cache folder. Raises `CharactersMissing` (a `FontError`) naming the first 20
        characters that the font lacks, or has an empty outline for, and how many there are.
        """
        asked = list(chars)
        self._check(asked)
        shape = (len(asked), self.px, self.px)
        if not keep or not asked:
            pictures = np.empty(shape, np.uint8)
            self._draw(asked, pictures)
            return pictures
        return kept_glyphs(self.key(asked), shape, lambda into: self._draw(asked, into))

    def key(self, chars: Sequence[str]) -> str:
        """Return the name that the pictures of these characters are kept by."""
        image = package("PIL", "pillow")
        engine = (image.__version__, str(package("PIL.features", "pillow").version("freetype2")))
        settings = (self.face, self.px, float(self.scale), self.supersample)
        return glyph_key(self._digest, settings, chars, engine)

    @cached_property
    def _digest(self) -> str:
        return digest_of_file(self.file)

    def _check(self, chars: Sequence[str]) -> None:
        for char in chars:
            if not isinstance(char, str) or len(char) != 1:
                raise ValueError(f"chars must be single characters, got {char!r}")
        there = self.characters
        lacking = [char for char in dict.fromkeys(chars) if char not in there]
        if lacking:
            raise CharactersMissing(self.file.name, "no glyph", lacking, len(set(chars)))

    def _draw(self, chars: Sequence[str], into: NDArray[np.uint8]) -> None:
        """Draw into (N, px, px)."""
        empty = []
        for at, (char, glyph) in enumerate(zip(chars, self._glyphs(chars), strict=True)):
            if glyph.size:
                into[at] = centred(glyph, self.px, self.supersample)
            else:
                empty.append(char)
        if empty:
            blank = list(dict.fromkeys(empty))
            raise CharactersMissing(self.file.name, "an empty outline", blank, len(set(chars)))

    def _glyphs(self, chars: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """Yield each glyph's ink, 0..255, cut to its bounding box; (0, 0) where there is none."""
        library: Any = package("PIL.ImageFont", "pillow")
        size = max(1, round(self.px * self.supersample * self.scale))
        try:
            font = library.truetype(
                str(self.file), size, index=self.face, layout_engine=library.Layout.BASIC
            )
        except (OSError, ValueError) as error:
            raise FontError(f"{self.file} cannot be read as a font: {error}") from None
        for char in chars:
            try:
                yield cut(_ink(font, char))
            # Damaged outlines make the engine fail in many ways.
            except Exception as error:
                raise FontError(f"{self.file} cannot draw {char!r}: {error}") from None


def centred(glyph: NDArray[np.uint8], px: int, supersample: int) -> NDArray[np.uint8]:
    """Return ink (h, w), 0..255 at ``supersample`` times the size, black on white, (px, px)."""
    fine = px * supersample
    if max(glyph.shape) > fine:
        glyph = _fitted(glyph, fine)
    height, width = glyph.shape
    ink = np.zeros((fine, fine), np.uint32)
    top, left = (fine - height) // 2, (fine - width) // 2
    ink[top : top + height, left : left + width] = glyph
    blocks = ink.reshape(px, supersample, px, supersample)
    area = supersample**2
    rounded = (2 * blocks.sum(axis=(1, 3), dtype=np.uint32) + area) // (2 * area)
    picture: NDArray[np.uint8] = (255 - rounded).astype(np.uint8)
    return picture


def _ink(font: Any, char: str) -> NDArray[np.uint8]:
    """Return a picture of a glyph, ink 0..255, cut to the engine's box."""
    image, draw = package("PIL.Image", "pillow"), package("PIL.ImageDraw", "pillow")
    left, top, right, bottom = font.getbbox(char)
    canvas = image.new("L", (max(1, right - left), max(1, bottom - top)))
    draw.Draw(canvas).text((-left, -top), char, fill=255, font=font)
    ink: NDArray[np.uint8] = np.asarray(canvas, np.uint8)
    return ink


def cut(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ink without the white around it; (0, 0) where there is none."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return ink[:0, :0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(ink: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    image: Any = package("PIL.Image", "pillow")
    height, width = (max(1, round(length * side / max(ink.shape))) for length in ink.shape)
    smaller = image.fromarray(ink).resize((width, height), image.Resampling.BOX)
    shrunk: NDArray[np.uint8] = np.asarray(smaller, np.uint8)
    return shrunk
