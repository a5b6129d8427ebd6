"""Pixels of an image to units of a font, with the baseline between two rows of pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

UPM = (16, 16_384)
"""Units per em that the head table allows."""
NEAR = 2048
"""Units per em that are chosen near to: a unit of 1/16 pixel at 128 pixels."""
ASCENT = 0.875
"""Share of the image above the baseline."""


@dataclass(frozen=True)
class FontScale:
    """How images of one size lie in the em square."""

    px: int
    """Side of the images, pixels."""
    upm: int
    """Units per em, as many as the image is high."""
    ascent_px: int
    """Rows of pixels above the baseline."""

    @property
    def ascent(self) -> int:
        """Units above the baseline."""
        return self.ascent_px * self.upm // self.px

    @property
    def descent(self) -> int:
        """Units below the baseline, at least 0."""
        return self.upm - self.ascent


def font_scale(px: int, upm: int | None = None, ascent: float = ASCENT) -> FontScale:
    """Return the scale of images of ``px`` pixels whose ascent is whole in pixels and in units.

    A baseline 0.3 pixels off costs 2 to 5 points of IoU. Without ``upm`` it is the multiple of
    ``px`` nearest to 2048. Raises ValueError for ``upm`` outside 16..16384, ``px`` outside
    8..16384, and ``ascent`` outside (0, 1].
    """
    if not 8 <= px <= UPM[1]:
        raise ValueError(f"px: {px}, expected 8..{UPM[1]} pixels a side")
    if not 0.0 < ascent <= 1.0:
        raise ValueError(f"ascent: {ascent}, expected a share of the image, 0 < ascent <= 1")
    if upm is None:
        upm = px * max(1, round(NEAR / px))
    if not UPM[0] <= upm <= UPM[1]:
        raise ValueError(f"upm: {upm}, expected {UPM[0]}..{UPM[1]}")
    # Whole units belong to multiples of this many rows; of two that are as near the lower one.
    rows = px // math.gcd(px, upm)
    return FontScale(px, upm, rows * max(1, math.ceil(ascent * px / rows - 0.5)))
