"""A font file draws what it was made from, says where that is from, and refuses what is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliostat_methods.strokegan.font_file.check import check_font
from heliostat_methods.strokegan.font_file.export import export_font
from heliostat_methods.strokegan.font_file.licence import FontLicence

LETTERS = "ABCDGKQRSWXabegks258&@%#"
MINE = (FontLicence("drawings", "by hand", "CC0 1.0"),)


def export(images, characters, path, **settings):
    return export_font(images, characters, path, **{"family": "F", "licences": MINE} | settings)


def test_it_draws_the_images_again(exported):
    assert exported.check.mean_iou > 0.965
    assert exported.check.least_iou > 0.9
    assert exported.check.mean_l1 < 0.006
    assert [glyph.character for glyph in exported.check.glyphs] == list(LETTERS)
    worst = exported.check.worst(3)
    assert worst[0].iou == exported.check.least_iou
    assert [glyph.iou for glyph in worst] == sorted(glyph.iou for glyph in worst)
    assert str(exported).startswith("letters.ttf: 24 glyphs, ")


def test_cubic_curves_draw_them_too(letters, tmp_path):
    report = export(letters, LETTERS, tmp_path / "letters.otf")
    assert report.check.mean_iou > 0.95
    assert "CFF " in TTFont(report.path)


def test_freetype_leaves_the_outlines_where_they_are(exported):
    """A control program of 7 bytes or fewer makes FreeType fit strokes to the grid by itself."""
    font = TTFont(exported.path)
    assert len(font["prep"].program.getBytecode()) > 7
    assert font["gasp"].gaspRange == {0xFFFF: 0x000A}
    del font["prep"]
    fitted = exported.path.with_name("fitted.ttf")
    font.save(fitted)
    from heliostat_methods.strokegan.font_file.check import drawn_by

    plain = drawn_by(exported.path, LETTERS, 64)
    assert np.abs(plain - drawn_by(fitted, LETTERS, 64)).mean() > 0.005


def test_every_table_says_the_same_square(exported):
    font = TTFont(exported.path)
    assert font["head"].unitsPerEm == 2048
    assert font["hhea"].ascent == font["OS/2"].sTypoAscender == font["OS/2"].usWinAscent == 1792
    assert font["hhea"].descent == font["OS/2"].sTypoDescender == -font["OS/2"].usWinDescent
    assert {font["hmtx"][font.getBestCmap()[ord(c)]][0] for c in LETTERS} == {2048}
    assert font["hmtx"]["space"] == (1024, 0)
    assert font["glyf"][".notdef"].numberOfContours == 2
    assert set(font.getBestCmap()) == {ord(c) for c in LETTERS} | {0x20, 0x3000}


def test_names_say_where_the_glyphs_are_from(exported):
    names = TTFont(exported.path)["name"]
    assert names.getDebugName(1) == "Letters 字"
    assert names.getDebugName(5) == "Version 1.000"
    assert names.getDebugName(6) == "Letters-Regular"
    assert names.getDebugName(0) == "(c) Kai\n(c) H"
    for text in ("source font Old Kai: Licence of Kai", "target font Old Hand: Licence of Hand"):
        assert text in names.getDebugName(13)
    assert names.getDebugName(14) == "https://example.org/hand"


def test_outer_contours_run_clockwise(letters, tmp_path):
    from fontTools.pens.areaPen import AreaPen

    font = TTFont(export(letters[:1], "A", tmp_path / "a.ttf").path)
    glyphs = font.getGlyphSet()
    pen = AreaPen(glyphs)
    glyphs["uni0041"].draw(pen)
    assert pen.value < 0


def test_the_same_glyphs_give_the_same_bytes(letters, licences, exported):
    path = exported.path.with_name("again.ttf")
    export_font(letters, LETTERS, path, family="Letters 字", licences=licences)
    assert path.read_bytes() == exported.path.read_bytes()


def test_a_batch_does_not_change_a_glyph(letters, tmp_path, exported):
    one = TTFont(export(letters[5:6], LETTERS[5], tmp_path / "one.ttf").path)
    name = f"uni{ord(LETTERS[5]):04X}"
    assert one["glyf"][name] == TTFont(exported.path)["glyf"][name]


def test_characters_beyond_16_bits_are_in(letters, tmp_path):
    report = export(letters[:2], ["𠀀", "永"], tmp_path / "far.ttf")
    assert TTFont(report.path).getBestCmap()[0x20000] == "u20000"
    assert report.check.least_iou > 0.9


def test_a_font_is_checked_against_other_images(exported, letters):
    turned = check_font(exported.path, letters[::-1], LETTERS)
    assert turned.mean_iou < 0.5
    with pytest.raises(ValueError, match=r"characters: '永' \(U\+6C38\) are not in .*letters.ttf"):
        check_font(exported.path, letters[:1], "永")
    with pytest.raises(ValueError, match=r"images: shape \(24, 64, 64\), expected \(1, px, px\)"):
        check_font(exported.path, letters, "A")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"characters": "AA"}, r"characters: 'A' \(U\+0041\) more than once"),
        ({"characters": ["A", "BC"]}, "characters: 'BC' has 2 code points, expected 1"),
        ({"characters": ["A", "\n"]}, r"characters: '\\n' \(U\+000A\) cannot be drawn"),
        ({"characters": ["A", "\ud800"]}, r"U\+D800\) cannot be drawn"),
        ({"characters": "A"}, "images: 2, expected 1, one a character"),
        ({"characters": ""}, "characters: none, expected at least one"),
        ({"path": "f.woff"}, "path: 'f.woff', expected an ending .ttf or .otf"),
        ({"path": "nowhere/f.ttf"}, "path: .*nowhere is no folder"),
        ({"upm": 15}, r"upm: 15, expected 16\.\.16384"),
        ({"upm": 16_385}, r"upm: 16385, expected 16\.\.16384"),
        ({"ascent": 0.0}, "ascent: 0.0, expected a share of the image"),
        ({"tolerance": 0.0}, "tolerance: 0.0, expected pixels, above 0"),
        ({"family": " "}, "family: ' ', expected 1 to 63 printable characters"),
        ({"style": ""}, "style: '', expected 1 to 63"),
        ({"version": "one"}, "version: 'one', expected a number such as 1.000"),
        ({"family": "by HAND"}, "family: 'by HAND' is the name of the drawings font"),
        ({"licences": ()}, "licences: none, expected those of the source and of the target"),
        ({"licences": [FontLicence("source", "Kai", " ")]}, "source font 'Kai' has no text"),
    ],
)
def test_what_makes_no_font_is_refused(letters, tmp_path, changed, message):
    settings = {"images": letters[:2], "characters": "AB", "path": "f.ttf"} | changed
    settings["path"] = tmp_path / settings["path"]
    with pytest.raises(ValueError, match=message):
        export(**settings)
    assert list(tmp_path.iterdir()) == []


def test_blank_images_and_faint_ones_are_named(letters, tmp_path):
    images = letters[:3].copy()
    images[1], images[2] = 1.0, np.maximum(images[2], 0.6)
    with pytest.raises(ValueError, match=r"images: blank for 'B' \(U\+0042\); leave"):
        export(images, "ABC", tmp_path / "f.ttf")
    with pytest.raises(ValueError, match=r"images: no contour for 'C' \(U\+0043\): no ink reaches"):
        export(images[::2], "AC", tmp_path / "f.ttf")
    with pytest.raises(ValueError, match=r"images: 64 x 32 pixels, expected squares"):
        export(images[:, :, :32], "ABC", tmp_path / "f.ttf")
    many = [chr(0x4E00 + k) for k in range(23)]
    with pytest.raises(ValueError, match=r"'专' \(U\+4E13\) and 3 more; leave"):
        export(np.ones((23, 16, 16)), many, tmp_path / "f.ttf")


@pytest.mark.parametrize(
    ("embedding", "word"),
    [(2, "restricted licence"), (4, "preview and print"), (8, "editable"), (0x100, "no subsetting"),
     (0x200, "bitmap"), (1, "unknown bits 0x0001")],
)  # fmt: skip
def test_a_restricted_font_is_exported_only_when_asked(letters, tmp_path, embedding, word):
    bound = dataclasses.replace(MINE[0], role="target", family="Sold", embedding=embedding)
    path = tmp_path / "f.ttf"
    with pytest.raises(ValueError, match=f"target font 'Sold' has fsType {embedding} .*{word}"):
        export(letters[:1], "A", path, licences=[*MINE, bound])
    export(letters[:1], "A", path, licences=[*MINE, bound], allow_restricted=True)
    assert TTFont(path)["OS/2"].fsType == embedding


@settings(
    deadline=None, derandomize=True, max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    images=arrays(float, (2, 8, 8), elements=st.floats(0, 1)),
    upm=st.sampled_from([16, 1000, 16384]),
    ending=st.sampled_from(["ttf", "otf"]), tolerance=st.sampled_from([1e-6, 0.15, 4.0]),
)  # fmt: skip
def test_any_images_make_a_font_or_a_clear_refusal(images, upm, ending, tolerance, tmp_path):
    path = tmp_path / f"any.{ending}"
    try:
        report = export(images, "永国", path, upm=upm, tolerance=tolerance)
    except ValueError as error:
        assert str(error).startswith(("images: blank for", "images: no contour for"))
    else:
        assert 0.0 <= report.check.least_iou <= 1.0
        assert TTFont(path)["maxp"].numGlyphs == 5
