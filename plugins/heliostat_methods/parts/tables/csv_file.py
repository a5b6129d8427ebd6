"""A CSV file as typed columns: its dialect and its header by looking, then all of its cells."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, DataError
from heliostat_methods.parts.tables.cells import Numerals, month_order
from heliostat_methods.parts.tables.columns import Column, Table, marked, of_integers
from heliostat_methods.parts.tables.csv_cells import Cells, Layout, all_cells
from heliostat_methods.parts.tables.csv_rows import Places, decoding_errors, missing_file, pieces
from heliostat_methods.parts.tables.dialect import (
    Dialect,
    find_delimiter,
    find_doubtful,
    find_style,
)
from heliostat_methods.parts.tables.header import layout_of, refuse_data_as_names, without_index
from heliostat_methods.parts.tables.kinds import column_of_texts

MIN_ROWS = 10
SAMPLE = 256 * 1024
"""Characters at the beginning by which delimiter and decimal sign are found."""


def _no_names(_column: str) -> bool:
    return False


@dataclass(frozen=True)
class Reading:
    """What is set of how a file is read; None is found by looking at it.

    `missing`: further cells that hold nothing. `month_first`: of dates such as 1/2/2024. `likely`:
    how numbers are written that may be read in two ways. `is_name(column)`: its cells are names,
    whatever numbers they look like.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    missing: frozenset[str] = frozenset()
    month_first: bool | None = None
    likely: Numerals | None = None
    is_name: Callable[[str], bool] = _no_names

    def __post_init__(self) -> None:
        """Raise ConfigError for signs that cannot do what they are set for."""
        if self.delimiter is not None and (
            len(self.delimiter) != 1 or self.delimiter in '"\r\n\0' or self.delimiter.isalnum()
        ):
            raise ConfigError(
                "delimiter",
                self.delimiter,
                "one sign, no letter, digit, quote or line's end",
            )
        if self.decimal is not None and self.decimal == self.thousands:
            raise ConfigError("thousands", self.thousands, "another sign than decimal, or ''")


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
        named = [place for place, name in enumerate(layout.names) if reading.is_name(name)]
        cells = all_cells(path, between, first.style, layout, words, [*doubtful, *named])
        numbers = [one for place, one in enumerate(cells) if place not in named]
        style, certain = _style_of_all(numbers, first.style, reading)
        if style.decimal != first.style.decimal:
            cells = all_cells(path, between, style, layout, words, named)
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
    marks = [number for word in words if (number := style.value(word)) is not None]
    columns = tuple(marked(column, sorted(marks)) for column in columns)
    refuse_data_as_names(path.name, [c for c in columns if not reading.is_name(c.name)], where)
    columns, left_out = without_index(path.name, columns)
    said = Dialect(between, style).said()
    written: dict[str, Any] = asdict(style) if said else {}
    dates = {one.name for one in columns if one.kind == "date"}
    orders = {
        month_order(one.texts or ())
        for name, one in zip(layout.names, cells, strict=True)
        if name in dates
    }
    orders = orders - {None} if reading.month_first is None else {reading.month_first}
    if len(orders) == 1:
        written["month_first"] = orders.pop()
    left_out = (*layout.left_out, *left_out)
    return Table(path.name, columns, rows, said, left_out, where, written)


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
    layout = layout_of(path.name, [name.strip() for name in header[0]], rows, delimiter)
    fitting = [row for row in rows if len(row) == layout.width]
    columns = [
        () if reading.is_name(name) else cells
        for name, cells in zip(layout.names, zip(*fitting, strict=True), strict=False)
    ]
    style, certain = _style(columns, reading)
    doubtful = find_doubtful(columns) if delimiter == ";" and not certain else []
    return Dialect(delimiter, style), layout, doubtful


def _style(columns: Sequence[Sequence[str]], reading: Reading) -> tuple[Numerals, bool]:
    """Return how numbers are written, and whether their sign is certain."""
    found, certain = find_style(columns, reading.decimal, reading.thousands)
    if certain or reading.likely is None:
        return found, certain
    thousands = reading.likely.thousands if reading.thousands is None else reading.thousands
    return find_style(columns, reading.likely.decimal, thousands)[0], True


def _style_of_all(cells: list[Cells], style: Numerals, reading: Reading) -> tuple[Numerals, bool]:
    """Return how numbers are written by what all rows of the columns of text say."""
    texts = [list(one.texts) for one in cells if one.texts is not None]
    if any(not one.whole for one in cells if one.numbers):
        texts.append([f"0{style.decimal}5"])  # numbers that were read speak for their sign
    elif style != Numerals():
        return style, True
    found, certain = _style(texts, reading)
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
            missing=reading.missing, month_first=reading.month_first, named=reading.is_name(name),
        )  # fmt: skip
    values: NDArray[Any] = np.frombuffer(cells.numbers, np.int64 if cells.whole else np.float64)
    missing = None
    if cells.gaps:
        missing = np.zeros(len(values), dtype=bool)
        missing[np.frombuffer(cells.gaps, np.int64)] = True
        if missing.all():
            return Column(name, "empty", values, missing)
    if cells.whole:
        return of_integers(name, values, missing)
    return Column(name, "number", values, missing)
