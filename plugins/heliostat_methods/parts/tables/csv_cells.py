"""The cells of a CSV file by column: numbers where all of them are, else their different texts.

Python's csv module cuts the cells and `float` reads the numbers, which is exact to the last bit.
A first pass takes columns for numbers as long as their cells are; columns that turn out to hold
text are read again as texts.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from heliostat.errors import DataError
from heliostat_methods.parts.tables.cells import Numerals, is_missing
from heliostat_methods.parts.tables.csv_rows import pieces, rows_with_lines
from heliostat_methods.parts.tables.plain_numbers import plain_numbers


@dataclass(frozen=True)
class Layout:
    """The cells of a row: names of the columns, how many cells there are, which are kept."""

    names: tuple[str, ...]
    width: int
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass
class Cells:
    """The cells of one column so far: numbers while all are, else texts by their different ones.

    `numbers` are whole ("q") until one is not; `gaps` are the rows of missing cells.
    """

    style: Numerals
    words: frozenset[str]
    texts: dict[str, int] | None = None
    places: array[int] = field(default_factory=lambda: array("i"))
    numbers: array[Any] = field(default_factory=lambda: array("q"))
    gaps: array[int] = field(default_factory=lambda: array("q"))
    refused: bool = False
    rows: int = 0

    def __len__(self) -> int:
        return self.rows

    @property
    def whole(self) -> bool:
        """Whether all numbers so far are whole ones."""
        return self.numbers.typecode == "q"

    def take(self, cells: Sequence[str]) -> None:
        """Add the cells of further rows."""
        if self.texts is not None:
            known = self.texts
            self.places.extend([known.setdefault(cell, len(known)) for cell in cells])
        elif not self.refused:
            found = self._numbers(cells)
            if found is None:
                self.refused = True
                del self.numbers[:]
                return
            if found.typecode != self.numbers.typecode:
                whole = np.frombuffer(self.numbers, np.int64)
                self.numbers = array("d", whole.astype(np.float64).tobytes())
            # One block that grows: many small pieces would leave memory in shreds.
            self.numbers.extend(found)
        self.rows += len(cells)

    def _numbers(self, cells: Sequence[str]) -> array[Any] | None:
        """Return the cells as numbers, or None where one is something else."""
        joined = "\n".join(cells)
        # Python reads 1_000 and digits of all scripts as numbers; here they are texts.
        if "_" in joined or not joined.isascii():
            return None
        if self.style.decimal != ".":
            if "." in joined or joined.count("\n") >= len(cells):
                return None
            cells = joined.replace(self.style.decimal, ".").split("\n")
        if self.words and not self.words.isdisjoint(map(str.strip, cells)):
            return self._with_gaps(cells)
        if self.whole:
            try:
                return array("q", map(int, cells))
            except OverflowError:
                return None
            except ValueError:
                pass
        try:
            values = array("d", map(float, cells))
        except ValueError:
            return self._with_gaps(cells)
        odd = np.flatnonzero(~np.isfinite(np.frombuffer(values)))
        if len(odd) == 0:
            return values
        if not all(self._is_missing(cells[i]) for i in odd.tolist()):
            return None
        return self._with_gaps(cells)

    def _with_gaps(self, cells: Sequence[str]) -> array[Any] | None:
        gone = [self._is_missing(cell) for cell in cells]
        filled = ["0" if no else cell for cell, no in zip(cells, gone, strict=True)]
        found: array[Any] | None = None
        if self.whole:
            try:
                found = array("q", map(int, filled))
            except OverflowError:
                return None
            except ValueError:
                pass
        if found is None:
            try:
                found = array("d", map(float, filled))
            except ValueError:
                return None
            if not np.isfinite(np.frombuffer(found)).all():
                return None
        self.gaps.extend([self.rows + i for i, no in enumerate(gone) if no])
        return found

    def _is_missing(self, cell: str) -> bool:
        if self.words and cell.strip() in self.words:
            return True
        # Most cells are numbers, and no missing one begins like most numbers.
        return cell == "" or (cell[0] not in "123456789" and is_missing(cell))


def all_cells(
    path: Path,
    delimiter: str,
    style: Numerals,
    layout: Layout,
    words: frozenset[str],
    texts_at: Sequence[int],
) -> list[Cells]:
    """Return the cells of all columns; those that refused to be numbers are read again as texts.

    Those at `texts_at`, and those whose first cells are no numbers, are read as texts at once.
    """
    first = [Cells(style, words) for _ in layout.names]
    _read(path, delimiter, layout, list(enumerate(first)), most=1)
    plain = style == Numerals() and not words and not texts_at
    if plain and len(first) == layout.width and not any(c.refused or c.gaps for c in first):
        numbers = plain_numbers(path, delimiter, [one.numbers.typecode for one in first])
        if numbers is not None:
            return [replace(one, numbers=column, rows=len(column))
                    for one, column in zip(first, numbers, strict=True)]  # fmt: skip
    columns = [
        Cells(style, words, {} if one.refused or place in texts_at else None)
        for place, one in enumerate(first)
    ]
    _read(path, delimiter, layout, list(enumerate(columns)))
    texts = [(place, Cells(style, words, {})) for place, one in enumerate(columns) if one.refused]
    if texts:
        _read(path, delimiter, layout, texts)
    for place, one in texts:
        columns[place] = one
    return columns


def _read(
    path: Path,
    delimiter: str,
    layout: Layout,
    columns: list[tuple[int, Cells]],
    most: int | None = None,
) -> None:
    """Give the columns their cells, of all rows or of the first pieces alone."""
    for last, rows in islice(pieces(path, delimiter), 1, most and 1 + most):
        if not rows:
            continue
        try:
            cells = list(zip(*rows, strict=True))
        except ValueError:
            cells = []
        if len(cells) != layout.width:
            _refuse_width(path, delimiter, layout.width, last)
        for name in cells[len(layout.names) :]:
            if any(name):
                _refuse_trailing(path, delimiter, layout)
        for place, column in columns:
            column.take(cells[place])


def _refuse_width(path: Path, delimiter: str, width: int, last: int) -> None:
    for line, row in rows_with_lines(path, delimiter):
        if len(row) != width:
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            raise DataError(
                f"{path.name} line {line} has {cells}, the header has {width} (delimiter is "
                f"{delimiter!r})"
            )
    raise DataError(f"{path.name} changed while it was read, before line {last}")


def _refuse_trailing(path: Path, delimiter: str, layout: Layout) -> None:
    for line, row in rows_with_lines(path, delimiter):
        if any(row[len(layout.names) :]):
            raise DataError(
                f"{path.name} line {line} holds {row[-1]!r} behind its last column; the header "
                "has no name for it"
            )
