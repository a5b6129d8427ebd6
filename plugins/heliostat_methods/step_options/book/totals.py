"""Sums over a book: value and sensitivities times quantity, of all rows and of groups of them.

What a row does not have is left out of a sum and counted. Errors add up as if all had one sign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from heliostat_methods.step_options.book.pricing import NUMBERS, SIDES, BookPrices
from heliostat_methods.step_options.book.rows import BookRows

_PLACES = tuple(i for i, name in enumerate(NUMBERS) if name not in SIDES)
SUMMED = ("value", *(NUMBERS[i] for i in _PLACES[1:]))
_ERRORS = ("abs_error", "std_error")


@dataclass
class Total:
    """Sums by name of the rows of one group; `group` are its cells, none for the whole book.

    `without`: how many rows do not have what is summed.
    """

    group: tuple[str, ...]
    priced: int = 0
    bad: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    without: dict[str, int] = field(default_factory=dict)

    def add(self, quantity: float, numbers: Sequence[float]) -> None:
        """Take in one row, whose numbers are `NUMBERS` of one contract."""
        self.priced += 1
        for name, i in zip(SUMMED, _PLACES, strict=True):
            number = numbers[i]
            if math.isnan(number):
                self.without[name] = self.without.get(name, 0) + 1
                continue
            times = abs(quantity) if name in _ERRORS else quantity
            self.sums[name] = self.sums.get(name, 0.0) + times * number


def add_up(rows: BookRows, parts: Sequence[BookPrices], by: Sequence[str] = ()) -> list[Total]:
    """Return the total of the book, then one for each group of rows with equal cells of `by`.

    Groups come in the order of the file. A row whose cells cannot be told is in the first alone.
    """
    columns = [rows.columns.index(name) for name in by]
    width = len(rows.columns)
    groups = {
        line: tuple(cells[i] for i in columns)
        for line, cells in zip(rows.lines, rows.cells, strict=True)
        if len(cells) == width
    }
    whole = Total(())
    found = {group: Total(group) for group in groups.values()} if by else {}
    for part in parts:
        quantities, table = part.quantity.tolist(), part.numbers.tolist()
        for line, quantity, numbers in zip(part.lines, quantities, table, strict=True):
            whole.add(quantity, numbers)
            if by:
                found[groups[line]].add(quantity, numbers)
        for problem in part.problems:
            whole.bad += 1
            if by and problem.line in groups:
                found[groups[problem.line]].bad += 1
    return [whole, *found.values()]
