"""Where the boxes and the marks of a printed page lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heliostat_methods.strokegan.metrics.checks import Floats

MODULES = 7
"""A mark's side in modules: a ring of one, a space of one, a square of three."""
MARK = 56
"""Pixels of a mark's side."""
QUIET = 22
"""White pixels around a mark."""
SLACK = 4
"""Pixels between a box's inside and its line, for scans that are not quite straight."""


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
