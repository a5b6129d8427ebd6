"""A folder of drawings as a font: near the font that they were drawn from, by their names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from heliostat import ConfigError
from heliostat_methods.strokegan.fonts.drawings import (
    FAINT,
    DrawnGlyphs,
    drawing_name,
    drawn_character,
)
from heliostat_methods.strokegan.fonts.errors import CharactersMissing, FontError
from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer
from heliostat_methods.strokegan.fonts.sources import glyph_source, is_folder
from heliostat_methods.strokegan.glyph_sets import renderer

MANY = settings(deadline=None, derandomize=True, max_examples=80)
SOME = "永国龙啊一"


def square(side=40, page=(100, 100), corner=(30, 30)):
    """Return a picture (H, W) of a black square on white."""
    grey = np.full(page, 255, np.uint8)
    grey[corner[0] : corner[0] + side, corner[1] : corner[1] + side] = 0
    return grey


def save(folder, name, grey):
    Image.fromarray(grey).save(folder / name)


def ink(pictures):
    """Return how many pixels of each are black."""
    return (255.0 - pictures).sum(axis=(-2, -1)) / 255


@pytest.fixture(scope="module")
def large():
    """Return (5, 256, 256) glyphs of the embedded font, an em a side."""
    return np.array(GlyphRenderer("sample-kai", px=256, scale=1.0).render(SOME, keep=False))


@pytest.mark.parametrize(("side", "bound"), [(32, 0.05), (64, 0.025), (128, 0.016)])
def test_a_drawing_is_near_the_glyph_that_it_shows(large, side, bound, tmp_path):
    for char, picture in zip(SOME, large, strict=True):
        save(tmp_path, drawing_name(char), picture)
    drawn = DrawnGlyphs(tmp_path, side).render(SOME)
    glyphs = GlyphRenderer("sample-kai", px=side).render(SOME, keep=False)
    assert drawn.shape == glyphs.shape and drawn.dtype == np.uint8
    apart = np.abs(drawn[:, None] / 255 - glyphs[None] / 255).mean(axis=(2, 3))
    assert apart.diagonal().max() < bound
    assert apart[~np.eye(len(SOME), dtype=bool)].min() > 2 * bound
    assert np.allclose(ink(drawn), ink(glyphs), rtol=0.03)


@pytest.mark.parametrize("stem", ["永", "U+6C38", "uni6C38", "u6C38", "U+6c38"])
def test_a_name_is_a_character_or_its_code_point(stem, tmp_path):
    assert drawn_character(stem) == "永"
    save(tmp_path, f"{stem}.png", square())
    assert DrawnGlyphs(tmp_path).characters == {"永"}


@MANY
@given(st.characters())
def test_a_drawing_s_name_says_its_character(char):
    name = drawing_name(char)
    assert name.isascii() and name.endswith(".png") and not set('/\\:*?"<>|') & set(name)
    assert drawn_character(name.removesuffix(".png")) == char


@pytest.mark.parametrize("stem", ["", "永国", "U+6C3", "U+110000", "U+1234567", "uni", "x6C38"])
def test_another_name_stands_for_none(stem):
    assert drawn_character(stem) is None


def test_pictures_come_in_the_order_asked_and_as_often(tmp_path):
    for char, side in zip("永国", (20, 60), strict=True):
        save(tmp_path, f"{char}.png", square(side, corner=(10, 10)))
    found = DrawnGlyphs(tmp_path, 16).render("国永国")
    assert ink(found[0]) > ink(found[1])
    assert np.array_equal(found[0], found[2])
    assert DrawnGlyphs(tmp_path, 16).render("").shape == (0, 16, 16)


@MANY
@given(
    height=st.integers(40, 160), width=st.integers(40, 160), side=st.integers(10, 35),
    corner=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)  # fmt: skip
def test_the_longer_side_is_an_em_and_a_glyph_is_centred(
    height, width, side, corner, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("drawn")
    save(folder, "永.png", square(side, (height, width), corner))
    (picture,) = DrawnGlyphs(folder, 32).render("永")
    length = 28 * side / max(height, width)
    assert np.sqrt(ink(picture)) == pytest.approx(length, abs=0.3)
    across, down = (np.average(np.arange(32), weights=(255.0 - picture).sum(axis=axis))
                    for axis in (0, 1))  # fmt: skip
    assert across == pytest.approx(15.5, abs=0.3) and down == pytest.approx(15.5, abs=0.3)


def test_faint_paper_is_paper(tmp_path):
    clean = square()
    save(tmp_path, "永.png", clean)
    save(tmp_path, "国.png", np.minimum(clean, 255 - FAINT))
    first, second = DrawnGlyphs(tmp_path).render("永国")
    assert np.array_equal(first, second)


def test_what_is_transparent_is_white(tmp_path):
    grey = square()
    save(tmp_path, "永.png", grey)
    clear = np.zeros((*grey.shape, 4), np.uint8)
    clear[..., 3] = 255 - grey
    save(tmp_path, "国.png", clear)
    first, second = DrawnGlyphs(tmp_path).render("永国")
    assert np.array_equal(first, second) and ink(second) > 0


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_pictures_of_every_kind_are_read(mode, tmp_path):
    save(tmp_path, "永.png", square())
    if mode == "I;16":
        save(tmp_path, "国.png", np.where(square(), 65_535, 3_000).astype(np.uint16))
    else:
        Image.fromarray(square()).convert(mode).save(tmp_path / "国.png")
    first, second = DrawnGlyphs(tmp_path).render("永国")
    assert np.abs(first.astype(int) - second).max() < 16


def test_a_picture_that_is_named_by_no_character_is_refused(tmp_path):
    save(tmp_path, "永.png", square())
    save(tmp_path, "scan.png", square())
    with pytest.raises(FontError, match=r"scan.png is named by no character: expected .*U\+6C38"):
        DrawnGlyphs(tmp_path)


def test_one_character_twice_is_refused(tmp_path):
    save(tmp_path, "永.png", square())
    save(tmp_path, "uni6C38.png", square())
    with pytest.raises(FontError, match=r"永.png and uni6C38.png are both '永'"):
        DrawnGlyphs(tmp_path)


def test_a_folder_without_drawings_is_refused(tmp_path):
    (tmp_path / "永.txt").write_text("no drawing")
    with pytest.raises(FontError, match="has no drawing: expected pictures such as"):
        DrawnGlyphs(tmp_path)
    with pytest.raises(FontError, match=r"drawings .* cannot be read: No such file or directory"):
        DrawnGlyphs(tmp_path / "none")
    with pytest.raises(FontError, match=r"drawings .* cannot be read: Not a directory"):
        DrawnGlyphs(tmp_path / "永.txt")


def test_a_character_without_ink_is_refused(tmp_path):
    save(tmp_path, "永.png", square())
    save(tmp_path, "国.png", np.full((50, 50), 255 - FAINT, np.uint8))
    drawn = DrawnGlyphs(tmp_path)
    with pytest.raises(CharactersMissing, match="an empty picture for 1 of 2 characters: 国") as e:
        drawn.render("永国")
    assert e.value.chars == ("国",)
    with pytest.raises(CharactersMissing, match=r"no drawing for 2 of 3 characters: 龙 .* 一 "):
        drawn.render("龙永一龙")


def test_an_empty_picture_is_counted_once(tmp_path):
    save(tmp_path, "永.png", np.full((9, 9), 255, np.uint8))
    with pytest.raises(CharactersMissing, match=r"for 1 of 1 characters: 永 \(U\+6C38\)$"):
        DrawnGlyphs(tmp_path).render("永永")


@pytest.mark.parametrize("damage", [
    lambda data: b"", lambda data: b"no picture", lambda data: data[:200],
    lambda data: data.replace(b"IHDR", b"IHDX"),
], ids=["empty", "text", "cut", "head"])  # fmt: skip
def test_a_damaged_picture_is_named(damage, tmp_path):
    save(tmp_path, "永.png", np.random.default_rng(0).integers(0, 256, (60, 60)).astype(np.uint8))
    file = tmp_path / "永.png"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(FontError, match=r"永.png cannot be read as a picture: "):
        DrawnGlyphs(tmp_path).render("永")


@pytest.mark.parametrize("kind", [b"\0\1\2\3", b"IDAX"])
def test_a_picture_with_a_damaged_part_is_named(kind, tmp_path):
    save(tmp_path, "永.png", np.random.default_rng(0).integers(0, 256, (300, 300)).astype(np.uint8))
    file = tmp_path / "永.png"
    first, second, third = file.read_bytes().split(b"IDAT", 2)
    file.write_bytes(first + b"IDAT" + second + kind + third)
    with pytest.raises(FontError, match=r"永.png cannot be read as a picture: "):
        DrawnGlyphs(tmp_path).render("永")


def test_a_source_of_glyphs_is_a_font_or_a_folder(tmp_path):
    save(tmp_path, "永.png", square())
    folder, font = glyph_source(tmp_path, 16), glyph_source("sample-kai", 16)
    assert isinstance(folder, DrawnGlyphs) and isinstance(font, GlyphRenderer)
    assert folder.render("永").shape == font.render("永").shape == (1, 16, 16)
    assert folder.characters == {"永"} < font.characters
    assert is_folder(tmp_path) and is_folder(str(tmp_path)) and not is_folder("sample-kai")
    with pytest.raises(FontError):
        glyph_source(tmp_path / "none", 16)


def test_a_folder_that_is_no_font_is_refused_by_its_field(tmp_path):
    with pytest.raises(ConfigError, match=r"targets = .*expected a font that is here.*no drawing"):
        renderer("targets", str(tmp_path), 16)
