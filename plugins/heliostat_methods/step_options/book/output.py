"""The output of a book: its own columns as they came, then what was found, as CSV or Parquet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from heliostat.errors import DataError
from heliostat_methods.step_options.book.pricing import LISTS, NUMBERS, BookPrices
from heliostat_methods.step_options.book.rows import (
    FIRST_LINE,
    HESTON,
    KNOWN,
    MARKET,
    BookRows,
    read_book,
)

FOUND = {name: f"{name}_greek" if name in KNOWN else name
         for name in ("engine", "price", "value", *NUMBERS[1:], *LISTS)}  # fmt: skip
"""What is found of a row, and its column in the output, after the book's own. The gamma of a book
is the growth of its barriers and its theta a variance, so that an output can be a book again."""


NUMERIC = (*MARKET, *HESTON, "strike", "maturity", "quantity", "window", "level", "beta", "shift")
"""Columns of a book that hold a number."""


def output_columns(rows: BookRows) -> list[str]:
    """Return the names: a column of the book that is called as a result gets `book.` before it."""
    found = ("line", *FOUND.values())
    taken = {*found, *rows.columns}
    own = []
    for name in rows.columns:
        shown = name
        while shown in found or (shown != name and shown in taken):
            shown = f"book.{shown}"
        taken.add(shown)
        own.append(shown)
    return [found[0], *own, *found[1:]]


def output_rows(rows: BookRows, parts: Sequence[BookPrices]) -> Iterator[list[Any]]:
    """Yield the rows that have a price; None is a number that its engine does not say."""
    cells = dict(zip(rows.lines, rows.cells, strict=True))
    for part in parts:
        for i, line in enumerate(part.lines):
            numbers = [None if math.isnan(x) else float(x) for x in part.numbers[i]]
            price, *others = numbers
            value = None if price is None else price * float(part.quantity[i])
            lists = [list(values) for values in part.lists[i]]
            yield [line, *cells[line], part.engines[i], price, value, *others, *lists]


def as_csv(columns: Sequence[str], rows: Iterator[list[Any]] | Sequence[list[Any]]) -> bytes:
    """Return a table as CSV, several numbers of a cell with semicolons, as in a book."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([";".join(map(repr, cell)) if isinstance(cell, list) else cell
                         for cell in row])  # fmt: skip
    return text.getvalue().encode()


def as_parquet(
    rows: BookRows, parts: Sequence[BookPrices], units: Mapping[str, str], book: Path | None = None
) -> bytes:
    """Return the output as a Parquet file; the unit of a column stands in its metadata.

    The columns of a `book` that is Parquet itself keep their types; of another one those that say
    numbers are numbers, and all others text.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise DataError(
            "writing Parquet needs the package pyarrow: pip install 'heliostat[parquet]'"
        ) from None
    columns = output_columns(rows)
    table = list(output_rows(rows, parts))
    kinds = {"line": pa.int64(), **dict.fromkeys(FOUND.values(), pa.float64()),
             "engine": pa.string(), **dict.fromkeys(LISTS, pa.list_(pa.float64()))}  # fmt: skip
    unit = {FOUND[name]: {"unit": text} for name, text in units.items()}
    given = _given(rows, table, book)
    arrays, fields = [], []
    for i, name in enumerate(columns):
        if 0 < i <= len(given):
            values = given[i - 1]
        else:
            values = pa.array([row[i] for row in table], type=kinds[name])
        arrays.append(values)
        fields.append(pa.field(name, values.type, metadata=unit.get(name)))
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), sink)
    return sink.getvalue()


def _given(rows: BookRows, table: Sequence[list[Any]], book: Path | None) -> list[Any]:
    """Return the book's own columns of the rows that have a price, as arrow's arrays."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if book is not None:
        if read_book(book, KNOWN).cells != rows.cells:
            raise DataError(f"{book.name} is not what it was when its rows were read")
        source = pq.read_table(book)
        places = [row[0] - FIRST_LINE for row in table]
        return [column.combine_chunks().take(pa.array(places, type=pa.int64()))
                for column in source.columns]  # fmt: skip
    found = []
    for i, name in enumerate(rows.columns, 1):
        cells = [row[i] or None for row in table]
        numbers = name in NUMERIC
        found.append(pa.array([float(c) if c else None for c in cells] if numbers else cells,
                              type=pa.float64() if numbers else pa.string()))  # fmt: skip
    return found
