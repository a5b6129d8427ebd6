"""Letters of the face that Pillow brings as glyph images, and a font file made of them."""

from __future__ import annotations

import numpy as np
import pytest

LETTERS = "ABCDGKQRSWXabegks258&@%#"


def _drawn(characters, px, fine=4):
    """Return (N, px, px) grey images of characters, white 1."""
    from PIL import Image, ImageDraw, ImageFont

    face = ImageFont.load_default(0.75 * px * fine)
    found = []
    for character in characters:
        page = Image.new("L", (px * fine, px * fine), 255)
        middle = px * fine / 2
        ImageDraw.Draw(page).text((middle, middle), character, font=face, fill=0, anchor="mm")
        found.append(np.asarray(page, float).reshape(px, fine, px, fine).mean(axis=(1, 3)) / 255)
    return np.array(found)


@pytest.fixture(scope="session")
def letters():
    """Return (24, 64, 64) grey letters, white 1."""
    return _drawn(LETTERS, 64)


@pytest.fixture(scope="session")
def drawn():
    """Return what draws characters at a size."""
    return _drawn


@pytest.fixture(scope="session")
def licences():
    from heliostat_methods.strokegan.font_file.licence import FontLicence

    return (
        FontLicence("source", "Old Kai", "Licence of Kai", "https://example.org/kai", "(c) Kai"),
        FontLicence("target", "Old Hand", "Licence of Hand", "https://example.org/hand", "(c) H"),
    )


@pytest.fixture(scope="session")
def exported(letters, licences, tmp_path_factory):
    """Return the report of a font of the letters."""
    from heliostat_methods.strokegan.font_file.export import export_font

    path = tmp_path_factory.mktemp("font") / "letters.ttf"
    return export_font(letters, LETTERS, path, family="Letters 字", licences=licences)
