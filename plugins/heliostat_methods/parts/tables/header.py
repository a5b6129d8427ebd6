"""The first line of a table: names of columns, those that are none, and data in their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from heliostat.errors import DataError, listed
from heliostat_methods.parts.tables.cells import STYLES, Numerals, is_missing, moments
from heliostat_methods.parts.tables.columns import Column
from heliostat_methods.parts.tables.csv_cells import Layout

INDEX_NAME = "Unnamed: "
"""How pandas calls a column without a name."""


def layout_of(
    source: str, header: list[str], rows: Sequence[Sequence[str]], delimiter: str
) -> Layout:
    """Return the columns that a header and the first rows tell of; raises DataError for none."""
    if not header:
        raise DataError(f"{source} is empty; a line with column names was expected")
    left_out: tuple[tuple[str, str], ...] = ()
    width = len(header)
    widths = {len(row) for row in rows}
    if widths == {width + 1} and all(not row[-1].strip() for row in rows):
        header, width = [*header, ""], width + 1
    elif (
        widths == {width + 1} and width > 1
    ):  # R's write.table gives the column of row names no name
        header, width = ["", *header], width + 1
    elif widths == {width - 1} and not header[-1]:
        header, width = header[:-1], width - 1
    whole = [row for row in rows if len(row) == width]
    while header and not header[-1] and all(not row[len(header) - 1].strip() for row in whole):
        # Kept in `width`, so that each row has to have the empty cells.
        header, left_out = header[:-1], (("the last column", "no name and no cell"),)
    if width - len(header) > 1:
        left_out = ((f"the last {width - len(header)} columns", "no name and no cell"),)
    if not header:
        raise DataError(f"{source}: the first line is blank; it must name the columns")
    _check_header(source, header, delimiter)
    return Layout(tuple(header), width, left_out)


def _check_header(source: str, header: list[str], delimiter: str) -> None:
    plain = Numerals()
    for place, name in enumerate(header):
        if not name and place:
            raise DataError(f"{source}: column {place + 1} of the header has no name")
        if name in header[:place]:
            first = header.index(name) + 1
            raise DataError(f"{source}: columns {first} and {place + 1} are both called {name!r}")
    if all(plain.value(name) is not None for name in header):
        raise DataError(f"{source}: the first line holds numbers; it must name the columns")
    if len(header) < 2:
        raise DataError(
            f"{source} has one column, {header[0]!r}; an input and a target are needed "
            f"(delimiter is {delimiter!r})"
        )


def refuse_data_as_names(
    source: str, columns: Sequence[Column], place: Callable[[int], str]
) -> None:
    """Raise DataError where each name of the header could be a cell of its column.

    A column of texts speaks for that if one of its cells is its name, and against it if not; one of
    texts that are all different says nothing.
    """
    again = _row_of_names(columns)
    if again is not None:
        raise DataError(f"{source} {place(again)} repeats the names of the first line; remove it")
    told = [_holds(column, column.name) for column in columns if column.name]
    texts = [column.name for column in columns if column.levels and _holds(column, column.name)]
    if texts and False not in told:
        names = listed([repr(column.name) for column in columns], 4)
        raise DataError(
            f"{source}: the first line, {names}, holds data ({texts[-1]!r} is a cell of its column "
            "further down as well); it must name the columns"
        )


def _row_of_names(columns: Sequence[Column]) -> int | None:
    """Return the first row that holds the names of all columns, as where files were joined."""
    if not columns or not all(column.name in column.levels for column in columns):
        return None
    rows = [column.values == column.levels.index(column.name) for column in columns]
    found = np.flatnonzero(np.logical_and.reduce(rows))
    return int(found[0]) if len(found) else None


def _holds(column: Column, name: str) -> bool | None:
    """Return whether a text could be a cell of the column, None where all of its cells differ."""
    if column.levels:
        if name in column.levels:
            return True
        return None if len(column.levels) == len(column.values) else False
    if column.kind in ("number", "integer"):
        return any(style.value(name) is not None for style in STYLES)
    if column.kind == "empty":
        return is_missing(name)
    return moments([name], month_first=False) is not None


def without_index(
    source: str, columns: tuple[Column, ...]
) -> tuple[tuple[Column, ...], tuple[tuple[str, str], ...]]:
    """Return the columns without a first one that only counts the rows and has no name."""
    first = columns[0]
    if first.name and not first.name.startswith(INDEX_NAME):
        return columns, ()
    if _is_index(first):
        return columns[1:], ((first.name or "the first column", "index"),)
    if not first.name:
        raise DataError(
            f"{source}: column 1 of the header has no name, and it is no index, for some of its "
            "cells are equal or missing; name it"
        )
    return columns, ()


def _is_index(column: Column) -> bool:
    """Return whether no two cells are equal: whole numbers, or without a name texts and dates."""
    kinds = ("integer",) if column.name else ("integer", "category", "date")
    if column.kind not in kinds or column.missing is not None:
        return False
    return len(np.unique(column.values)) == len(column.values)
