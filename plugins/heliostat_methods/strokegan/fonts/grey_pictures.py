"""Pictures in files as grey values: sixteen bits scaled, what is transparent on white."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.fonts.errors import FontError
from heliostat_methods.strokegan.fonts.font_file import package

_WIDE = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def read_grey(file: str | Path) -> NDArray[np.uint8]:
    """Return the grey values (H, W) of a picture, turned as its camera says.

    Raises `FontError` for what is missing or no picture.
    """
    image: Any = package("PIL.Image", "pillow")
    try:
        with image.open(file) as opened:
            return grey_of(opened)
    # Damaged files make the readers fail in many ways.
    except Exception as error:
        raise FontError(f"{file} cannot be read as a picture: {error}") from None


def grey_of(picture: Any) -> NDArray[np.uint8]:
    """Return the grey values (H, W) of Pillow's image."""
    image: Any = package("PIL.Image", "pillow")
    upright = package("PIL.ImageOps", "pillow").exif_transpose(picture)
    if upright.mode in _WIDE:
        wide = np.asarray(upright, np.float64)
        return np.clip(np.rint(wide / 257.0), 0, 255).astype(np.uint8)
    coloured = upright.convert("RGBA")
    white = image.new("RGBA", coloured.size, "white")
    white.alpha_composite(coloured)
    return np.asarray(white.convert("L"), np.uint8)
