"""Glyph images that need no installed font: letters of the face that Pillow brings."""

from __future__ import annotations

import numpy as np
import pytest

LETTERS = "ABCDGKQRSWXabegks258&@%#"


@pytest.fixture(scope="session")
def letters():
    """Return (24, 64, 64) grey letters, white 1."""
    from PIL import Image, ImageDraw, ImageFont

    face = ImageFont.load_default(200)
    found = []
    for letter in LETTERS:
        page = Image.new("L", (256, 256), 255)
        ImageDraw.Draw(page).text((128, 128), letter, font=face, fill=0, anchor="mm")
        found.append(np.asarray(page, float).reshape(64, 4, 64, 4).mean(axis=(1, 3)) / 255)
    return np.array(found)
