"""Where glyphs come from, by one name: a font file, a known font, or a folder of drawings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.fonts.drawings import DrawnGlyphs
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


def is_folder(name: str | Path) -> bool:
    """Return whether a name is that of a folder of drawings."""
    return Path(name).is_dir()
