"""A browser draws the font as Pillow does."""

from __future__ import annotations

import base64
import shutil

import numpy as np
import pytest
from chromium import Browser
from PIL import Image

from heliostat_methods.strokegan.font_file.check import drawn_by
from heliostat_methods.strokegan.font_file.export import export_font
from heliostat_methods.strokegan.metrics.ink import ink_iou
from heliostat_methods.strokegan.metrics.pixels import l1

PX = 128
CHARACTERS = "ABQg8&"
PAGE = """<!doctype html><meta charset="utf-8"><title>glyphs</title><style>
@font-face {{ font-family: Made; src: url(data:font/{kind};base64,{font}); }}
body {{ margin: 0; background: #fff; }}
span {{ position: absolute; top: 0; font: {px}px/{px}px Made; color: #000; {more} }}
</style>{spans}"""

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not (shutil.which("chromium") or shutil.which("chromium-browser")),
        reason="chromium is not installed, so no browser can draw the font",
    ),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("profile"), width=PX * len(CHARACTERS), height=PX)
    yield made
    made.close()


# Chromium fits TrueType to rows of pixels by itself where a page asks for no precision, not CFF.
EXACT = "text-rendering: geometricPrecision;"


@pytest.mark.parametrize(
    ("kind", "more", "overlap", "apart"),
    [("ttf", EXACT, 0.95, 0.003), ("otf", "", 0.95, 0.003), ("ttf", "", 0.9, 0.01)],
)
def test_a_page_in_the_font_shows_its_glyphs(
    browser, drawn, licences, tmp_path, kind, more, overlap, apart
):
    images = drawn(CHARACTERS, PX)
    path = tmp_path / f"made.{kind}"
    export_font(images, CHARACTERS, path, family="Made", licences=licences)
    spans = "".join(
        f"<span style='left: {PX * k}px'>&#{ord(one)};</span>" for k, one in enumerate(CHARACTERS)
    )
    font = base64.b64encode(path.read_bytes()).decode()
    page = tmp_path / "page.html"
    page.write_text(PAGE.format(kind=kind, font=font, px=PX, spans=spans, more=more))
    browser.open(page.as_uri())
    browser.wait("document.fonts.status === 'loaded' && document.fonts.check('16px Made')")
    browser.picture(tmp_path / "page.png")
    shown = np.asarray(Image.open(tmp_path / "page.png").convert("L"), float) / 255
    glyphs = np.stack(np.split(shown, len(CHARACTERS), axis=1))
    # Half-covered pixels fall to either side of black, so overlap is a looser measure than L1.
    assert l1(glyphs, drawn_by(path, CHARACTERS, PX)).max() < apart
    assert ink_iou(glyphs, drawn_by(path, CHARACTERS, PX)).min() > overlap - 0.05
    assert ink_iou(glyphs, images).min() > overlap
    assert browser.complaints() == []
