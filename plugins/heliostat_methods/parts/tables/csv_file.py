"""A CSV file as typed columns, read in pieces: what is kept is arrays and never the text.

Python's csv module cuts the cells and `float` reads the numbers, which is exact to the last bit.
A first pass takes columns for numbers as long as their cells are; columns that turn out to hold
text are read again as texts, by their different ones.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from heliostat.errors import DataError, nearest
from heliostat_methods.parts.tables.cells import Numerals, is_missing
from heliostat_methods.parts.tables.columns import Column, Table
from heliostat_methods.parts.tables.dialect import (
    Dialect,
    find_delimiter,
    find_doubtful,
    find_style,
)
from heliostat_methods.parts.tables.kinds import column_of_texts

MIN_ROWS = 10
PIECE = 500
"""Rows that are cut into cells at once: so many that their cells stay in the processor's cache."""
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


@dataclass(frozen=True)
class _Layout:
    """The cells of a row: names of the columns, how many cells there are, which are kept."""

    names: tuple[str, ...]
    width: int
    left_out: tuple[tuple[str, str], ...] = ()


def read_csv(path: Path, reading: Reading | None = None, min_rows: int = MIN_ROWS) -> Table:
    """Return a CSV file (UTF-8, quotes as in RFC 4180) as a table; names lose outer blanks.

    Raises DataError for a file that is no table, naming its line, or that has too few rows.
    """
    reading = Reading() if reading is None else reading
    if not path.is_file():
        raise DataError(missing_file(path))
    with _errors(path):
        dialect, layout, doubtful = _looked_at(path, reading)
        cells = _all_cells(path, dialect, layout, reading, doubtful)
        style, certain = _style_of_all(cells, dialect.style, reading)
        if style.decimal != dialect.style.decimal:
            dialect = replace(dialect, style=style)
            cells = _all_cells(path, dialect, layout, reading, ())
        dialect = replace(dialect, style=style)
    place = _Places(path, dialect.delimiter)
    rows = len(cells[0])
    if rows < min_rows:
        raise DataError(f"{path.name} has {rows} rows below the header, at least {min_rows} needed")
    columns = tuple(
        _column(name, one, dialect.style, place, reading)
        for name, one in zip(layout.names, cells, strict=True)
    )
    if not certain:
        columns = tuple(
            _in_doubt(column, cells[place].texts or ()) if place in doubtful else column
            for place, column in enumerate(columns)
        )
    columns, left_out = without_index(path.name, columns)
    said = dialect.said()
    return Table(path.name, columns, rows, said, (*layout.left_out, *left_out), place)


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        content = path.read_bytes()
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{path.name} is UTF-16 text; save it as UTF-8") from None
        try:
            content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"{path.name} is not UTF-8 text: byte {error.start}") from None
        raise


def _pieces(path: Path, delimiter: str) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield rows with the line on which they end, the header alone first; blank lines are none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield reader.line_num, [row]
                    break
            while rows := list(islice(reader, PIECE)):
                yield reader.line_num, [row for row in rows if row]
        except csv.Error as error:
            raise DataError(
                f"{path.name} line {reader.line_num} is no valid CSV: {error}"
            ) from None


def _looked_at(path: Path, reading: Reading) -> tuple[Dialect, _Layout, list[int]]:
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
    pieces = _pieces(path, delimiter)
    _, header = next(pieces, (0, [[]]))
    _, rows = next(pieces, (0, []))
    layout = _layout(path.name, [name.strip() for name in header[0]], rows, delimiter)
    fitting = [row for row in rows if len(row) == layout.width]
    columns = list(zip(*fitting, strict=True))
    style, certain = find_style(columns, reading.decimal, reading.thousands)
    doubtful = find_doubtful(columns) if delimiter == ";" and not certain else []
    return Dialect(delimiter, style), layout, doubtful


def _layout(
    source: str, header: list[str], rows: Sequence[Sequence[str]], delimiter: str
) -> _Layout:
    if not header:
        raise DataError(f"{source} is empty; a line with column names was expected")
    left_out: tuple[tuple[str, str], ...] = ()
    width = len(header)
    widths = {len(row) for row in rows}
    if widths == {width + 1} and all(not row[-1].strip() for row in rows):
        header, width = [*header, ""], width + 1
    elif widths == {width + 1}:  # R's write.table gives the column of row names no name
        header, width = ["", *header], width + 1
    elif widths == {width - 1} and not header[-1]:
        header, width = header[:-1], width - 1
    if not header[-1] and all(not row[-1].strip() for row in rows if len(row) == width):
        # Kept in `width`, so that each row has to have the empty cell.
        header, left_out = header[:-1], (("the last column", "no name and no cell"),)
    _check_header(source, header, delimiter)
    return _Layout(tuple(header), width, left_out)


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


@dataclass
class _Cells:
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
        return self.numbers.typecode == "q"

    def take(self, cells: Sequence[str]) -> None:
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


def _all_cells(
    path: Path, dialect: Dialect, layout: _Layout, reading: Reading, texts_at: Sequence[int]
) -> list[_Cells]:
    """Return the cells of all columns; those that refused to be numbers are read again as texts.

    Those at `texts_at`, and those whose first cells are no numbers, are read as texts at once.
    """
    first = [_Cells(dialect.style, reading.missing) for _ in layout.names]
    _read(path, dialect, layout, list(enumerate(first)), pieces=1)
    columns = [
        _Cells(dialect.style, reading.missing, {} if one.refused or place in texts_at else None)
        for place, one in enumerate(first)
    ]
    _read(path, dialect, layout, list(enumerate(columns)))
    texts = [(place, replace(one, texts={}, rows=0))
             for place, one in enumerate(columns) if one.refused]  # fmt: skip
    if texts:
        _read(path, dialect, layout, texts)
    for place, one in texts:
        columns[place] = one
    return columns


def _read(
    path: Path,
    dialect: Dialect,
    layout: _Layout,
    columns: list[tuple[int, _Cells]],
    pieces: int | None = None,
) -> None:
    """Give the columns their cells, of all rows or of the first pieces alone."""
    for last, rows in islice(_pieces(path, dialect.delimiter), 1, pieces and 1 + pieces):
        if not rows:
            continue
        try:
            cells = list(zip(*rows, strict=True))
        except ValueError:
            cells = []
        if len(cells) != layout.width:
            _refuse_width(path, dialect.delimiter, layout.width, last)
        for name in cells[len(layout.names) :]:
            if any(name):
                _refuse_trailing(path, dialect.delimiter, layout)
        for place, column in columns:
            column.take(cells[place])


def _refuse_width(path: Path, delimiter: str, width: int, last: int) -> None:
    for line, row in _lines(path, delimiter):
        if len(row) != width:
            raise DataError(f"{path.name} line {line} has {len(row)} cells, the header has {width}")
    raise DataError(f"{path.name} changed while it was read, before line {last}")


def _refuse_trailing(path: Path, delimiter: str, layout: _Layout) -> None:
    for line, row in _lines(path, delimiter):
        if any(row[len(layout.names) :]):
            raise DataError(
                f"{path.name} line {line} holds {row[-1]!r} behind its last column; the header "
                "has no name for it"
            )


def _lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header, each with the line on which it ends."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        rows = ((reader.line_num, row) for row in reader if row)
        next((row for row in rows if any(cell.strip() for cell in row[1])), None)
        yield from rows


@dataclass(frozen=True)
class _Places:
    """Where a row stands; found by reading again, for it is asked for in errors alone."""

    path: Path
    delimiter: str

    def __call__(self, row: int) -> str:
        with _errors(self.path):
            found = next(islice(_lines(self.path, self.delimiter), row, None), None)
        return f"line {found[0]}" if found else f"row {row}"


def _style_of_all(cells: list[_Cells], style: Numerals, reading: Reading) -> tuple[Numerals, bool]:
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
    name: str, cells: _Cells, style: Numerals, place: Callable[[int], str], reading: Reading
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


def missing_file(path: Path) -> str:
    """Return what is said of a path that is no file."""
    if path.is_dir():
        return f"{path} is a folder; a file was expected"
    if not path.parent.is_dir():
        return f"no file {path}: the folder {path.parent} does not exist"
    close = nearest(path.name, sorted(other.name for other in path.parent.iterdir()))
    return f"no file {path}" + (f"; did you mean {str(path.with_name(close))!r}?" if close else "")
