"""A page to print and to draw glyphs on: boxes, each with its character, and marks to find them.

>>> from heliostat_methods.strokegan.font_file.sheet import make_sheet
>>> from heliostat_methods.strokegan.font_file.sheet_layout import SheetLayout
>>> make_sheet("永国", layout=SheetLayout(columns=2, rows=1)).size
(468, 364)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliostat_methods.strokegan.font_file.characters import checked_characters, listed
from heliostat_methods.strokegan.font_file.libraries import font_tools, pillow
from heliostat_methods.strokegan.font_file.page_number import bits_of, cells, check_of
from heliostat_methods.strokegan.font_file.sheet_layout import MARK, MODULES, SLACK, SheetLayout
from heliostat_methods.strokegan.metrics.checks import Floats

if TYPE_CHECKING:
    from PIL.Image import Image

LINE = 205
"""Grey of lines, which a scan takes for paper."""
REFERENCE = 90
"""Grey of the small characters."""


def sheet_pages(characters: Sequence[str], layout: SheetLayout | None = None) -> list[list[str]]:
    """Return characters cut into pages; raises ValueError for those that no font may have."""
    some, room = checked_characters(characters), (layout or SheetLayout()).capacity
    return [some[begin : begin + room] for begin in range(0, len(some), room)]


def make_sheet(
    characters: Sequence[str], *, layout: SheetLayout | None = None, font: str | Path | None = None,
    face: int = 0, page: int | None = None,
) -> Image:  # fmt: skip
    """Return a page (grey, one byte a pixel) with a box for each character; ``save`` it as PNG.

    ``page``: its number, 1..255, printed so that ``read_page`` finds it in a scan. The small
    characters are drawn with ``font``, or are code points without one. Raises ValueError where a
    page has not enough boxes or the font lacks a character.
    """
    plan, some = layout or SheetLayout(), checked_on_page(characters, layout)
    image, drawing = pillow("Image"), pillow("ImageDraw")
    sheet: Image = image.new("L", plan.size, 255)
    draw = drawing.Draw(sheet)
    for k, centre in enumerate(plan.marks()):
        _draw_mark(draw, centre, with_square=k < 3)
    if page is not None:
        _draw_number(draw, page, some, plan)
    fonts = pillow("ImageFont")
    small = fonts.load_default(13) if font is None else _face(fonts, font, face, some, plan)
    for k, character in enumerate(some):
        x, y = plan.box(k)
        text = f"U+{ord(character):04X}" if font is None else character
        draw.text((x + plan.cell / 2, y - plan.caption / 2 - SLACK), text, font=small,
                  fill=REFERENCE, anchor="mm")  # fmt: skip
        far = plan.cell + SLACK - 1
        draw.rectangle((x - SLACK, y - SLACK, x + far, y + far), outline=LINE)
    return sheet


def checked_on_page(characters: Sequence[str], layout: SheetLayout | None) -> list[str]:
    """Return characters that have a box each; raises ValueError otherwise."""
    some, room = checked_characters(characters), (layout or SheetLayout()).capacity
    if len(some) > room:
        raise ValueError(
            f"characters: {len(some)}, expected at most {room} on a page; cut by sheet_pages"
        )
    return some


def _face(
    fonts: Any, font: str | Path, face: int, characters: Sequence[str], layout: SheetLayout
) -> Any:
    with font_tools("ttLib").TTFont(font, fontNumber=face, lazy=True) as opened:
        known = opened.getBestCmap()
    missing = [one for one in characters if ord(one) not in known]
    if missing:
        raise ValueError(f"font: {Path(font).name} lacks {listed(missing)}")
    return fonts.truetype(str(font), layout.caption - 2 * SLACK, index=face)


def _draw_mark(draw: Any, centre: Floats, with_square: bool) -> None:
    """Draw a square ring, and the square in it, as those at the corners of a QR code."""
    module = MARK / MODULES
    for modules, grey in ((7, 0), (5, 255), (3, 0 if with_square else 255)):
        left, top = centre - modules * module / 2
        side = modules * module - 1
        draw.rectangle((left, top, left + side, top + side), fill=grey)


def _draw_number(draw: Any, page: int, characters: Sequence[str], layout: SheetLayout) -> None:
    place = cells(layout)
    if place is None:
        raise ValueError(f"page: {page}, but a layout so narrow has no room for a number")
    centres, side = place
    for (x, y), dark in zip(centres, bits_of(page, check_of(characters)), strict=True):
        if dark:
            draw.rectangle((x - side / 2, y - side / 2, x + side / 2, y + side / 2), fill=0)
