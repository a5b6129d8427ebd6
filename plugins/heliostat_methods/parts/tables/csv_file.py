"""A CSV file as typed columns: its dialect and its header by looking, then all of its cells."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from heliostat.errors import DataError
from heliostat_methods.parts.tables.cells import Numerals
from heliostat_methods.parts.tables.columns import Column, Table
from heliostat_methods.parts.tables.csv_cells import Cells, Layout, all_cells
from heliostat_methods.parts.tables.csv_rows import Places, decoding_errors, missing_file, pieces
from heliostat_methods.parts.tables.dialect import (
    Dialect,
    find_delimiter,
    find_doubtful,
    find_style,
)
from heliostat_methods.parts.tables.kinds import column_of_texts

MIN_ROWS = 10
SAMPLE = 256 * 1024
"""Characters at the beginning by which delimiter and decimal sign are found."""
INDEX_NAME = "Unnamed: "


@dataclass(frozen=True)
class Reading:
    """What is set of how a file is read; None is found by looking at it.

    `missing`: further cells that hold nothing. `month_first`: of dates such as 1/2/2024.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    missing: frozenset[str] = frozenset()
    month_first: bool | None = None


def read_csv(path: Path, reading: Reading | None = None, min_rows: int = MIN_ROWS) -> Table:
    """Return a CSV file (UTF-8, quotes as in RFC 4180) as a table; names lose outer blanks.

    Raises DataError for a file that is no table, naming its line, or that has too few rows.
    """
    reading = Reading() if reading is None else reading
    if not path.is_file():
        raise DataError(missing_file(path))
    with decoding_errors(path):
        first, layout, doubtful = _looked_at(path, reading)
        between, words = first.delimiter, reading.missing
        cells = all_cells(path, between, first.style, layout, words, doubtful)
        style, certain = _style_of_all(cells, first.style, reading)
        if style.decimal != first.style.decimal:
            cells = all_cells(path, between, style, layout, words, ())
    where = Places(path, between)
    rows = len(cells[0])
    if rows < min_rows:
        raise DataError(f"{path.name} has {rows} rows below the header, at least {min_rows} needed")
    columns = tuple(
        _column(name, one, style, where, reading)
        for name, one in zip(layout.names, cells, strict=True)
    )
    if not certain:
        columns = tuple(
            _in_doubt(column, cells[place].texts or ()) if place in doubtful else column
            for place, column in enumerate(columns)
        )
    columns, left_out = without_index(path.name, columns)
    said = Dialect(between, style).said()
    return Table(path.name, columns, rows, said, (*layout.left_out, *left_out), where)


def _looked_at(path: Path, reading: Reading) -> tuple[Dialect, Layout, list[int]]:
    """Return how the file is written and its columns, by its first lines.

    Last come columns such as 1.234 in a file with semicolons, which a decimal comma often asks for.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read(SAMPLE)
        whole = not file.read(1)
    lines = io.StringIO(text, newline="").readlines()
    if not whole and len(lines) > 1:
        lines = lines[:-1]
    delimiter = reading.delimiter or find_delimiter(lines)
    cut = pieces(path, delimiter)
    _, header = next(cut, (0, [[]]))
    _, rows = next(cut, (0, []))
    layout = _layout(path.name, [name.strip() for name in header[0]], rows, delimiter)
    fitting = [row for row in rows if len(row) == layout.width]
    columns = list(zip(*fitting, strict=True))
    style, certain = find_style(columns, reading.decimal, reading.thousands)
    doubtful = find_doubtful(columns) if delimiter == ";" and not certain else []
    return Dialect(delimiter, style), layout, doubtful


def _layout(
    source: str, header: list[str], rows: Sequence[Sequence[str]], delimiter: str
) -> Layout:
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
    if not header[-1] and all(not row[-1].strip() for row in rows if len(row) == width):
        # Kept in `width`, so that each row has to have the empty cell.
        header, left_out = header[:-1], (("the last column", "no name and no cell"),)
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


def _style_of_all(cells: list[Cells], style: Numerals, reading: Reading) -> tuple[Numerals, bool]:
    """Return how numbers are written by what all rows of the columns of text say."""
    texts = [list(one.texts) for one in cells if one.texts is not None]
    if any(not one.whole for one in cells if one.numbers):
        texts.append([f"0{style.decimal}5"])  # numbers that were read speak for their sign
    elif style != Numerals():
        return style, True
    found, certain = find_style(texts, reading.decimal, reading.thousands)
    return (found if found != Numerals() else style), certain


def _in_doubt(column: Column, texts: Iterable[str]) -> Column:
    """Return a column of numbers such as 1.234 with the question what they are."""
    if column.kind not in ("number", "integer"):
        return column
    text = next(text for text in texts if "." in text).strip()
    point, comma = Numerals(".").value(text), Numerals(",", ".").value(text)
    return replace(
        column,
        problem=f"column {column.name!r} = {text!r} may be {point:g} with decimal = '.' or {comma} "
        "with decimal = ',': set it",
    )


def _column(
    name: str, cells: Cells, style: Numerals, place: Callable[[int], str], reading: Reading
) -> Column:
    if cells.texts is not None:
        places = np.frombuffer(cells.places, np.intc).astype(np.int32, copy=False)
        return column_of_texts(
            name, places, list(cells.texts), style, place,
            missing=reading.missing, month_first=reading.month_first,
        )  # fmt: skip
    values = np.frombuffer(cells.numbers, np.int64 if cells.whole else np.float64)
    missing = None
    if cells.gaps:
        missing = np.zeros(len(values), dtype=bool)
        missing[np.frombuffer(cells.gaps, np.int64)] = True
        if missing.all():
            return Column(name, "empty", values, missing)
    return Column(name, "integer" if cells.whole else "number", values, missing)


def without_index(
    source: str, columns: tuple[Column, ...]
) -> tuple[tuple[Column, ...], tuple[tuple[str, str], ...]]:
    """Return the columns without a first one that only counts the rows and has no name."""
    first = columns[0]
    if first.name and not first.name.startswith(INDEX_NAME):
        return columns, ()
    if _counts(first) or (not first.name and len(first.levels) == len(first.values)):
        return columns[1:], ((first.name or "the first column", "index"),)
    if not first.name:
        raise DataError(f"{source}: column 1 of the header has no name")
    return columns, ()


def _counts(column: Column) -> bool:
    return (
        column.kind == "integer"
        and column.missing is None
        and bool((np.diff(column.values) == 1).all())
    )
