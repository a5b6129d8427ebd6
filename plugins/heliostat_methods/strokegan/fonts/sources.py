"""Where glyphs come from, by one name: a font file, a known font, or a folder of drawings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.fonts.catalogue import resolved
from heliostat_methods.strokegan.fonts.drawings import DrawnGlyphs
from heliostat_methods.strokegan.fonts.glyph_cache import digest_of_file
from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer


class GlyphSource(Protocol):
    """Draws the characters that it has."""

    @property
    def characters(self) -> frozenset[str]:
        """The characters that it has."""

    def render(self, chars: Iterable[str], /) -> NDArray[np.uint8]:
        """Return pictures (N, px, px), uint8, white 255."""


def glyph_source(name: str | Path, px: int) -> GlyphSource:
    """Return what draws a font, or shows a folder's drawings; raises as these do."""
    return DrawnGlyphs(name, px) if is_folder(name) else GlyphRenderer(name, None, px)


def identity(name: str | Path) -> tuple[str, int]:
    """Return what tells one font or folder from another, however it is spelled or copied."""
    if is_folder(name):
        return str(Path(name).resolve()), 0
    file, face = resolved(name)
    return digest_of_file(file), face


def is_folder(name: str | Path) -> bool:
    """Return whether a name is that of a folder of drawings."""
    return Path(name).is_dir()
