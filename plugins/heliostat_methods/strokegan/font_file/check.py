"""A font file opened again: each of its glyphs beside the image that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.strokegan.font_file.characters import checked_characters, listed
from heliostat_methods.strokegan.font_file.libraries import font_tools, pillow
from heliostat_methods.strokegan.metrics.checks import Floats, checked_images
from heliostat_methods.strokegan.metrics.ink import ink_iou
from heliostat_methods.strokegan.metrics.pixels import l1


@dataclass(frozen=True)
class GlyphCheck:
    """One character as the font draws it, beside its image."""

    character: str
    iou: float
    """Intersection over union of ink."""
    l1: float
    """Mean absolute difference, white is 1."""


@dataclass(frozen=True)
class FontCheck:
    """All characters of a font, in their order."""

    glyphs: tuple[GlyphCheck, ...]
    px: int
    """Side of the images, pixels."""

    @property
    def mean_iou(self) -> float:
        """Mean intersection over union of ink."""
        return float(np.mean([glyph.iou for glyph in self.glyphs]))

    @property
    def least_iou(self) -> float:
        """That of the worst glyph."""
        return min(glyph.iou for glyph in self.glyphs)

    @property
    def mean_l1(self) -> float:
        """Mean absolute difference of pixels."""
        return float(np.mean([glyph.l1 for glyph in self.glyphs]))

    def worst(self, count: int = 50) -> tuple[GlyphCheck, ...]:
        """Return the glyphs of least intersection over union, worst first."""
        return tuple(sorted(self.glyphs, key=lambda glyph: (glyph.iou, -glyph.l1))[:count])


def check_font(path: str | Path, images: ArrayLike, characters: Sequence[str]) -> FontCheck:
    """Return how a font draws characters at the size of images (N, px, px), white 1.

    Raises ValueError where the font lacks a character or the counts differ.
    """
    stack, some = checked_images(images, "images"), checked_characters(characters)
    if stack.shape[1] != stack.shape[2] or len(stack) != len(some):
        raise ValueError(
            f"images: shape {stack.shape}, expected ({len(some)}, px, px), one a character"
        )
    drawn = drawn_by(path, some, stack.shape[1])
    overlap, apart = ink_iou(stack, drawn), l1(stack, drawn)
    return FontCheck(
        tuple(
            GlyphCheck(one, float(i), float(d))
            for one, i, d in zip(some, overlap, apart, strict=True)
        ),
        stack.shape[1],
    )


def drawn_by(path: str | Path, characters: Sequence[str], px: int) -> Floats:
    """Return characters as a font draws them at ``px`` pixels an em, (N, px, px), white 1.

    The em square is the image; the baseline is rounded to a row. Raises ValueError where the font
    lacks a character.
    """
    with font_tools("ttLib").TTFont(path, lazy=True) as font:
        missing = [one for one in characters if ord(one) not in font.getBestCmap()]
        baseline = round(font["hhea"].ascent * px / font["head"].unitsPerEm)
    if missing:
        raise ValueError(f"characters: {listed(missing)} are not in {path}")
    image, draw = pillow("Image"), pillow("ImageDraw")
    face = pillow("ImageFont").truetype(str(path), px)
    drawn = np.ones((len(characters), px, px))
    for k, character in enumerate(characters):
        page = image.new("L", (px, px), 255)
        draw.Draw(page).text((0, baseline), character, font=face, fill=0, anchor="ls")
        drawn[k] = np.asarray(page) / 255.0
    return drawn
