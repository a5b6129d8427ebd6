"""A sheet is read back from a scan: turned, scaled, noisy, unevenly lit."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from heliostat_methods.strokegan.font_file.page_number import check_of
from heliostat_methods.strokegan.font_file.scan import (
    find_marks,
    projective_map,
    read_page,
    read_sheet,
)
from heliostat_methods.strokegan.font_file.sheet import make_sheet, sheet_pages
from heliostat_methods.strokegan.font_file.sheet_layout import SheetLayout
from heliostat_methods.strokegan.metrics.ink import ink_iou

LAYOUT = SheetLayout(columns=4, rows=2, cell=96)
CHARACTERS = "ABCDGKQ"


@pytest.fixture(scope="module")
def filled(letters):
    """Return a sheet with letters drawn into all boxes but the last, and what was drawn."""
    large = [
        Image.fromarray((255 * one).astype(np.uint8)).resize((96, 96), Image.Resampling.BICUBIC)
        for one in letters[:6]
    ]
    page = make_sheet(CHARACTERS, layout=LAYOUT)
    for k, one in enumerate(large):
        page.paste(one, LAYOUT.box(k))
    return page, np.stack([np.asarray(one, float) / 255 for one in large])


def scanned(page, angle, scale, noise=0.0, shade=0.0):
    """Return grey values of the page as a scanner gives them."""
    size = [round(length * scale) for length in page.size]
    turned = page.resize(size, Image.Resampling.BICUBIC).rotate(
        angle, Image.Resampling.BICUBIC, expand=True, fillcolor=225
    )
    grey = np.asarray(turned, float) / 255
    light = 1 - shade * np.linspace(0, 1, grey.shape[1])
    rng = np.random.default_rng(round(angle * 10) + 3600)
    return np.clip(0.92 * grey * light + 0.05 + rng.normal(0, noise, grey.shape), 0, 1)


@pytest.mark.parametrize(
    ("angle", "scale", "noise", "shade"),
    [(0, 1, 0, 0), (1.7, 1.4, 0.03, 0.1), (-3.5, 0.8, 0.04, 0.2), (92, 1, 0.03, 0.0),
     (180, 1.2, 0.03, 0.3), (-38, 1.1, 0.02, 0.1)],
)  # fmt: skip
def test_what_was_drawn_is_read(filled, angle, scale, noise, shade):
    page, drawn = filled
    found = read_sheet(scanned(page, angle, scale, noise, shade), CHARACTERS, px=96, layout=LAYOUT)
    assert found.shape == (7, 96, 96)
    assert ink_iou(drawn, found[:6]).min() > 0.9
    assert np.abs(found[:6] - drawn).mean() < 0.02
    assert found[6].min() > 0.5  # an empty box


def test_an_empty_box_of_a_clean_scan_is_white_to_the_rim(filled):
    assert (read_sheet(filled[0], CHARACTERS, layout=LAYOUT)[6] == 1.0).all()


def test_a_photograph_from_aside_is_made_straight(filled):
    page, drawn = filled
    width, height = page.size
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    seen = corners + [[40, 25], [10, 60], [15, -10], [-30, -35]] + 30
    back = projective_map(seen, corners)
    photograph = page.transform(
        (width + 60, height + 80), Image.Transform.PERSPECTIVE, back.ravel()[:8],
        Image.Resampling.BICUBIC, fillcolor=200,
    )  # fmt: skip
    found = read_sheet(photograph, CHARACTERS[:6], px=96, layout=LAYOUT)
    assert ink_iou(drawn, found).min() > 0.9


def test_marks_are_found_to_a_tenth_of_a_pixel(filled):
    grey = np.asarray(filled[0], float) / 255
    assert np.abs(find_marks(grey, LAYOUT) - LAYOUT.marks()).max() < 0.1


def test_files_and_bytes_are_taken(filled, tmp_path):
    page, _ = filled
    page.save(tmp_path / "page.png")
    from_file = read_sheet(tmp_path / "page.png", "A", px=32, layout=LAYOUT)
    assert (from_file == read_sheet(np.asarray(page), "A", px=32, layout=LAYOUT)).all()
    (tmp_path / "no.png").write_text("no picture")
    with pytest.raises(ValueError, match="cannot be read as a picture: cannot identify"):
        read_sheet(tmp_path / "no.png", "A", layout=LAYOUT)


def test_a_page_without_its_marks_is_refused(filled):
    page = filled[0].copy()
    page.paste(255, (0, 0, 100, 100))
    with pytest.raises(ValueError, match=r"image: 2 square marks and \d+ rings found, expected"):
        read_sheet(page, CHARACTERS, layout=LAYOUT)
    mirrored = filled[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    with pytest.raises(ValueError, match="image: 3 square marks"):
        read_sheet(mirrored, CHARACTERS, layout=LAYOUT)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.ones((300, 300, 3)), r"image: shape \(300, 300, 3\), expected grey values"),
        (np.full((300, 300), 7.0), r"image: values outside \[0, 1\]"),
        (np.full((300, 300), np.nan), r"image: values outside \[0, 1\]"),
        (np.ones((300, 300)), "image: 0 square marks and 0 rings found"),
        (np.zeros((300, 300)), "image: 0 square marks"),
    ],
)
def test_what_is_no_scan_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        read_sheet(image, CHARACTERS, layout=LAYOUT)
    with pytest.raises(ValueError, match=r"px: 4, expected 8\.\.4096"):
        read_sheet(image, CHARACTERS, px=4, layout=LAYOUT)


def test_pages_hold_what_they_have_boxes_for():
    assert [len(page) for page in sheet_pages([chr(0x4E00 + k) for k in range(20)], LAYOUT)] == [
        8,
        8,
        4,
    ]
    with pytest.raises(ValueError, match="characters: 9, expected at most 8 on a page"):
        make_sheet("ABCDEFGHI", layout=LAYOUT)
    with pytest.raises(ValueError, match=r"characters: 'A' \(U\+0041\) more than once"):
        make_sheet("AA", layout=LAYOUT)


def test_references_are_drawn_with_a_font_that_has_them(exported):
    plain, drawn = (
        np.asarray(make_sheet("AB", layout=LAYOUT, font=font)) for font in (None, exported.path)
    )
    assert (plain != drawn).any()
    with pytest.raises(ValueError, match=r"font: letters.ttf lacks '永' \(U\+6C38\)"):
        make_sheet("永", layout=LAYOUT, font=exported.path)


@pytest.mark.parametrize(
    ("name", "value"), [("columns", 0), ("rows", -1), ("cell", 31), ("caption", 2), ("gap", 0)]
)
def test_a_layout_without_room_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"{name}: {value}, expected at least"):
        SheetLayout(**{name: value})


@pytest.mark.parametrize("number", [1, 170, 255])
@pytest.mark.parametrize(
    ("angle", "scale", "noise", "shade"),
    [(0, 1, 0, 0), (1.7, 1.4, 0.03, 0.1), (90, 0.8, 0.03, 0.1), (180, 1.2, 0.03, 0.3)],
)
def test_a_scan_still_has_its_page_s_number(number, angle, scale, noise, shade):
    page = make_sheet(CHARACTERS, layout=LAYOUT, page=number)
    assert read_page(scanned(page, angle, scale, noise, shade), LAYOUT) == (
        number,
        check_of(CHARACTERS),
    )


def test_the_smallest_cells_of_a_number_are_read():
    narrow = SheetLayout(columns=1, rows=1, cell=64)
    page = make_sheet("A", layout=narrow, page=83)
    assert read_page(scanned(page, 1.7, 1.0, 0.03, 0.1), narrow) == (83, check_of("A"))


def test_a_scan_of_a_page_without_a_number_gives_none(filled):
    assert read_page(scanned(filled[0], 1.7, 1.2, 0.03, 0.2), LAYOUT) is None


def test_scans_of_sixteen_bits_are_read(filled, tmp_path):
    deep = np.asarray(filled[0]).astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "deep.png")
    found = read_sheet(tmp_path / "deep.png", CHARACTERS, px=32, layout=LAYOUT)
    usual = read_sheet(filled[0], CHARACTERS, px=32, layout=LAYOUT)
    assert np.abs(found - usual).max() < 0.01
