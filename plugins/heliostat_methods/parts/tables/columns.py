"""A table of typed columns, whatever file it was read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError, did_you_mean
from heliostat_methods.parts.tables.cells import DAYS, Numerals, moment_text

Kind = Literal["number", "integer", "boolean", "category", "date", "time", "empty"]
EXACT = 2.0**53
"""Below it float64 tells whole numbers apart."""
FINEST = 1e-6
"""Share of a column's range beneath which values are one for any model."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column; `values` (rows,) by kind.

    number: float64. integer: int64. date, time: float64 in `unit`. boolean, category: int32 places
    in `levels`, texts in order of their first row. empty: no cell holds anything. `missing` (rows,)
    says where a cell is; None where none is. `problem`: why the column cannot be used as what it
    seems to be, or as numbers. `remark`: what is told of it if it
    is used as text. `truth`: of a boolean, what each level means.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    missing: NDArray[np.bool_] | None = None
    levels: tuple[str, ...] = ()
    unit: str = ""
    problem: str = ""
    remark: str = ""
    truth: tuple[bool, ...] = ()

    @property
    def missing_cells(self) -> int:
        """How many cells are missing."""
        return 0 if self.missing is None else int(np.count_nonzero(self.missing))

    @property
    def named(self) -> bool:
        """Whether different cells can be told apart as names, whatever numbers they are."""
        return bool(self.levels) or self.kind == "integer"

    def numbers(self) -> NDArray[np.float64]:
        """Return the column as numbers, (rows,), NaN where a cell is missing.

        Raises DataError for categories.
        """
        if self.kind == "category":
            raise DataError(f"column {self.name!r} holds text, e.g. {self.levels[0]!r}")
        values = self.values
        if self.kind == "boolean":
            # Place -1, a missing cell, takes the last entry.
            values = np.array([*self.truth, False], dtype=np.float64)[values]
        if values.dtype != np.float64:
            values = values.astype(np.float64)
        if self.missing is not None:
            values = np.where(self.missing, np.nan, values)
        return values

    def categories(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Return the column as places in levels in their order, -1 where a cell is missing.

        Numbers stand in the order of numbers, however they are written, texts in that of texts.
        """
        if self.levels:
            names = _ordered(self.levels)
            place = {name: i for i, name in enumerate(names)}
            # One more at the end, for missing cells, which are -1.
            table = np.array([*(place[name] for name in self.levels), -1], dtype=np.int64)
            return table[self.values], tuple(names)
        known = self.values if self.missing is None else self.values[~self.missing]
        different = np.unique(known)
        places = np.searchsorted(different, self.values).astype(np.int64)
        if self.missing is not None:
            places[self.missing] = -1
        names = different.tolist()
        if self.unit == DAYS:
            return places, tuple(moment_text(day, DAYS) for day in names)
        return places, tuple(map(number_text, names))

    def at(self, rows: NDArray[Any]) -> Column:
        """Return the column with those rows alone."""
        missing = None if self.missing is None else self.missing[rows]
        if missing is not None and not missing.any():
            missing = None
        return replace(self, values=self.values[rows], missing=missing)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length, and what was seen while they were read.

    `said`: how the file is written, where that is not a comma and a decimal point. `left_out`:
    columns that are none, with the reason. `place(row)` is where a row stands in the file.
    `written`: what to know of numbers and dates of further rows that may be read in two ways.
    """

    source: str
    columns: tuple[Column, ...]
    rows: int
    said: str
    left_out: tuple[tuple[str, str], ...]
    place: Callable[[int], str]
    written: Mapping[str, Any] = field(default_factory=dict)

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return a column; raises DataError with the nearest name if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(f"{self.source} has no column {name!r}; {did_you_mean(name, self.header)}")

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers without gaps; raises DataError naming the first other cell."""
        column = self.column(name)
        self.refuse_problem(column)
        if column.missing is not None:
            self.refuse_missing(column)
        try:
            return column.numbers()
        except DataError as error:
            raise DataError(f"{self.source}: {error}; numbers were expected") from None

    def refuse_problem(self, column: Column, way_out: str = "") -> None:
        """Raise DataError for a column that cannot be used as what it seems to be."""
        if column.problem:
            raise DataError("; ".join(filter(None, (f"{self.source} {column.problem}", way_out))))

    def refuse_missing(self, column: Column) -> None:
        """Raise DataError naming the first cell that is missing."""
        assert column.missing is not None
        row = int(column.missing.argmax())
        raise DataError(f"{self.source} {self.place(row)}, column {column.name!r} is empty")

    def at(self, rows: NDArray[np.bool_]) -> Table:
        """Return the table with the rows for which the mask (rows,) is true."""
        kept = np.flatnonzero(rows)
        return replace(
            self,
            columns=tuple(column.at(kept) for column in self.columns),
            rows=len(kept),
            place=lambda row: self.place(int(kept[row])),
        )


def _ordered(levels: tuple[str, ...]) -> list[str]:
    """Return texts in their order, as numbers if all of them are."""
    for style in (Numerals("."), Numerals(",")):
        numbers = [style.value(level) for level in levels]
        if None not in numbers:
            places = {level: number or 0 for level, number in zip(levels, numbers, strict=True)}
            return sorted(levels, key=lambda level: (places[level], level))
    return sorted(levels)


def of_integers(name: str, values: NDArray[np.int64], missing: NDArray[np.bool_] | None) -> Column:
    """Return whole numbers as a column, with a problem if they are not all different in float64."""
    column = Column(name, "integer", values, missing)
    return of_rounded(column, values, "whole numbers that float64 cannot tell apart")


def marked(column: Column, numbers: Sequence[float]) -> Column:
    """Return a column of numbers in which those numbers, however they are written, are missing."""
    if column.kind not in ("number", "integer") or not numbers:
        return column
    gone = np.isin(column.values, numbers)
    if column.missing is not None:
        gone |= column.missing
    if not gone.any():
        return column
    return replace(column, kind="empty" if gone.all() else column.kind, missing=gone)


def of_rounded(column: Column, exact: NDArray[Any], what: str) -> Column:
    """Return a column with a problem if values that are different in `exact` are equal numbers.

    Not where what is lost is beneath a millionth of the way from the least to the largest.
    """
    values = column.values
    if column.missing is not None:
        exact, values = exact[~column.missing], values[~column.missing]
    least, largest = (int(exact.min()), int(exact.max())) if len(exact) else (0, 0)
    size = max(abs(least), abs(largest))
    if size < EXACT or float(np.spacing(float(size))) <= FINEST * (largest - least):
        return column
    if len(np.unique(exact)) == len(np.unique(values.astype(np.float64))):
        return column
    return replace(column, problem=f"column {column.name!r} holds {what}")


def number_text(value: float) -> str:
    """Return a number as a class is called: 1 and not 1.0."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**63 else repr(value)
