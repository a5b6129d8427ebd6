"""The number of a printed page: cells that say it, or nothing rather than another one."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.strokegan.font_file.page_number import (
    BITS,
    LEAST_CELL,
    MOST_PAGES,
    bits_of,
    cells,
    check_of,
    number_of,
)
from heliostat_methods.strokegan.font_file.scan import read_page, read_sheet
from heliostat_methods.strokegan.font_file.sheet import make_sheet
from heliostat_methods.strokegan.font_file.sheet_layout import MARK, QUIET, SheetLayout

LAYOUT = SheetLayout(columns=4, rows=2, cell=96)
NARROWEST = SheetLayout(columns=1, rows=1, cell=64)
NARROW = SheetLayout(columns=1, rows=1, cell=63)


def test_every_number_comes_back_of_its_cells():
    asked = [(number, 257 * number) for number in range(1, MOST_PAGES + 1)]
    codes = [bits_of(*one) for one in asked]
    assert [number_of(code) for code in codes] == asked
    assert all(len(code) == 4 * BITS and sum(code[: 2 * BITS]) == BITS for code in codes)


def test_lists_are_told_apart_by_their_order_too():
    lists = ("永国龙一", "国永龙一", "永国龙", "永国龙一人")
    assert len({check_of(one) for one in lists}) == len(lists)
    assert all(0 <= check_of(one) < 65_536 for one in lists)


def test_one_wrong_cell_gives_no_number():
    for number in range(1, MOST_PAGES + 1):
        for place in range(2 * BITS):
            dark = bits_of(number, 0)
            dark[place] = not dark[place]
            assert number_of(dark) is None


def test_cells_of_one_colour_and_nought_give_no_number():
    for dark in ([False] * 32, [True] * 32, [False] * 8 + [True] * 24):
        assert number_of(dark) is None


@pytest.mark.parametrize("number", [0, -1, 256, 1000])
def test_a_page_out_of_range_is_refused(number):
    with pytest.raises(ValueError, match=rf"page: {number}, expected 1\.\.255"):
        bits_of(number, 0)
    with pytest.raises(ValueError, match=rf"page: {number}, expected 1\.\.255"):
        make_sheet("A", layout=LAYOUT, page=number)


def test_a_layout_without_room_is_refused_and_has_no_number():
    with pytest.raises(ValueError, match="page: 3, but a layout so narrow has no room"):
        make_sheet("A", layout=NARROW, page=3)
    assert cells(NARROW) is None and cells(NARROWEST) is not None
    assert read_page(make_sheet("A", layout=NARROW), NARROW) is None


@pytest.mark.parametrize("layout", [NARROWEST, LAYOUT, SheetLayout(), SheetLayout(columns=20)])
def test_cells_lie_between_the_marks_apart_from_each_other(layout):
    centres, side = cells(layout)
    assert centres.shape == (32, 2) and (np.abs(centres[:, 1] - layout.marks()[0, 1]) < MARK).all()
    apart = np.diff(centres[:16, 0])
    assert apart.min() >= LEAST_CELL and side < apart.min() <= np.diff(centres[[0, 16], 1])
    near = QUIET + MARK + QUIET
    assert centres[0, 0] - side / 2 >= near
    assert centres[-1, 0] + side / 2 <= layout.size[0] - near


def test_a_usual_page_is_read_from_its_file(tmp_path):
    make_sheet("AB", page=6).save(tmp_path / "page.png")
    assert read_page(tmp_path / "page.png") == (6, check_of("AB"))


def test_a_number_leaves_what_is_drawn_alone():
    drawn = np.asarray(read_sheet(make_sheet("AB", layout=LAYOUT, page=9), "AB", layout=LAYOUT))
    assert (drawn == 1.0).all()


def test_a_sheet_without_a_number_gives_none():
    assert read_page(make_sheet("AB", layout=LAYOUT), LAYOUT) is None


def test_a_smudged_number_gives_none():
    page = make_sheet("AB", layout=LAYOUT, page=77)
    centres, side = cells(LAYOUT)
    for dark, (x, y), fill in ((True, centres[bits_of(77, 0).index(True)], 255),
                               (False, centres[bits_of(77, 0).index(False)], 0)):  # fmt: skip
        smudged = page.copy()
        box = (round(x - side / 2), round(y - side / 2), round(x + side / 2), round(y + side / 2))
        smudged.paste(fill, (box[0], box[1], box[2] + 1, box[3] + 1))
        assert read_page(smudged, LAYOUT) is None, dark


def test_a_page_without_its_marks_is_refused():
    with pytest.raises(ValueError, match="image: 0 square marks"):
        read_page(np.ones((300, 300)), LAYOUT)
