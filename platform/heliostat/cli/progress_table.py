"""The columns of the progress display that a terminal has room for: whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table

GAP = 2
"""Blanks between two columns."""


@dataclass(frozen=True)
class Column:
    """A heading and a cell for each row."""

    head: str
    cells: Sequence[str]
    words: bool = False
    """Whether it holds words, which begin at its left; numbers end at its right."""

    @property
    def width(self) -> int:
        """Characters that cut nothing; a heading of several words may take several lines."""
        return max(map(len, [*self.head.split(), *self.cells]), default=0)


class Columns:
    """Chooses columns; one keeps the width that it once needed, so that nothing jumps."""

    def __init__(self) -> None:
        self._widths: dict[str, int] = {}

    def fitting(self, columns: Sequence[Column], width: int) -> list[Column]:
        """Return the columns that fit side by side, those that come first before the others."""
        kept: list[Column] = []
        room = width + GAP
        for column in columns:
            wide = max(column.width, self._widths.get(column.head, 0))
            self._widths[column.head] = wide
            if wide + GAP <= room:
                room -= wide + GAP
                kept.append(column)
        return kept

    def table(self, columns: Sequence[Column], width: int) -> Table:
        """Return the columns that fit as a table to be drawn."""
        from rich.table import Table
        from rich.text import Text

        shown = self.fitting(columns, width)
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
        for column in shown:
            wide = self._widths[column.head]
            justify: Literal["left", "right"] = "left" if column.words else "right"
            table.add_column(Text(column.head), justify=justify, width=wide)
        for cells in zip(*(column.cells for column in shown), strict=True):
            table.add_row(*map(Text, cells))
        return table
