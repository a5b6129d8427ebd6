"""A page to print and to draw glyphs on: boxes, each with its character, and marks to find them.

>>> from heliostat_methods.strokegan.font_file.sheet import SheetLayout, make_sheet
>>> make_sheet("永国", layout=SheetLayout(columns=2, rows=1)).size
(468, 364)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heliostat_methods.strokegan.font_file.characters import checked_characters, listed
from heliostat_methods.strokegan.font_file.libraries import font_tools, pillow
from heliostat_methods.strokegan.metrics.checks import Floats

if TYPE_CHECKING:
    from PIL.Image import Image

MODULES = 7
"""A mark's side in modules: a ring of one, a space of one, a square of three."""
MARK = 56
"""Pixels of a mark's side."""
QUIET = 22
"""White pixels around a mark."""
SLACK = 4
"""Pixels between a box's inside and its line, for scans that are not quite straight."""
LINE = 205
"""Grey of lines, which a scan takes for paper."""
REFERENCE = 90
"""Grey of the small characters."""


@dataclass(frozen=True)
class SheetLayout:
    """Where boxes and marks lie on a page, in pixels; 150 an inch fill A4."""

    columns: int = 7
    rows: int = 8
    cell: int = 128
    """Side of a box."""
    caption: int = 36
    """Height of the strip above a box, with its character."""
    gap: int = 12

    def __post_init__(self) -> None:
        """Raise ValueError for a page without a box, or with boxes too small to draw in."""
        for name, least in (
            ("columns", 1), ("rows", 1), ("cell", 32), ("caption", 16), ("gap", 2 * SLACK),
        ):  # fmt: skip
            if getattr(self, name) < least:
                raise ValueError(f"{name}: {getattr(self, name)}, expected at least {least}")

    @property
    def capacity(self) -> int:
        """Boxes on a page."""
        return self.columns * self.rows

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the page."""
        margin = 2 * (MARK + 2 * QUIET)
        return (
            margin + self.columns * (self.cell + self.gap) - self.gap,
            margin + self.rows * (self.caption + self.cell + self.gap) - self.gap,
        )

    def box(self, k: int) -> tuple[int, int]:
        """Return the left upper corner of box k, counted along rows."""
        row, column = divmod(k, self.columns)
        margin = MARK + 2 * QUIET
        return (
            margin + column * (self.cell + self.gap),
            margin + row * (self.caption + self.cell + self.gap) + self.caption,
        )

    def marks(self) -> Floats:
        """Return the centres of the marks (4, 2): left upper, right upper, left lower, and the
        right lower one, which is a ring alone."""
        width, height = self.size
        near = QUIET + MARK / 2
        return np.array([[near, near], [width - near, near], [near, height - near],
                         [width - near, height - near]])  # fmt: skip


def sheet_pages(characters: Sequence[str], layout: SheetLayout | None = None) -> list[list[str]]:
    """Return characters cut into pages; raises ValueError for those that no font may have."""
    some, room = checked_characters(characters), (layout or SheetLayout()).capacity
    return [some[begin : begin + room] for begin in range(0, len(some), room)]


def make_sheet(
    characters: Sequence[str], *, layout: SheetLayout | None = None, font: str | Path | None = None,
    face: int = 0,
) -> Image:  # fmt: skip
    """Return a page (grey, one byte a pixel) with a box for each character; ``save`` it as PNG.

    The small characters are drawn with ``font``, or are code points without one. Raises ValueError
    where a page has not enough boxes or the font lacks a character.
    """
    plan, some = layout or SheetLayout(), checked_on_page(characters, layout)
    image, drawing = pillow("Image"), pillow("ImageDraw")
    page: Image = image.new("L", plan.size, 255)
    draw = drawing.Draw(page)
    for k, centre in enumerate(plan.marks()):
        _draw_mark(draw, centre, with_square=k < 3)
    fonts = pillow("ImageFont")
    small = fonts.load_default(13) if font is None else _face(fonts, font, face, some, plan)
    for k, character in enumerate(some):
        x, y = plan.box(k)
        text = f"U+{ord(character):04X}" if font is None else character
        draw.text((x + plan.cell / 2, y - plan.caption / 2 - SLACK), text, font=small,
                  fill=REFERENCE, anchor="mm")  # fmt: skip
        far = plan.cell + SLACK - 1
        draw.rectangle((x - SLACK, y - SLACK, x + far, y + far), outline=LINE)
    return page


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
