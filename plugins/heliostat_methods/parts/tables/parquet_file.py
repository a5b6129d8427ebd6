"""A Parquet file as typed columns; columns of texts are decided by all cells, as those of a CSV."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from heliostat.errors import DataError
from heliostat_methods.parts.tables.cells import DAYS, OF_DAY, SECONDS, Numerals
from heliostat_methods.parts.tables.columns import Column, Kind, Table, of_integers, of_rounded
from heliostat_methods.parts.tables.csv_file import MIN_ROWS
from heliostat_methods.parts.tables.csv_rows import missing_file
from heliostat_methods.parts.tables.header import without_index
from heliostat_methods.parts.tables.kinds import column_of_texts

INT64_MAX = 2**63 - 1
LENGTH = "seconds"
A_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""How many of a unit make one."""
INDEX_NAME = "__index_level_"
"""How pandas begins the name of an index that it writes."""


def read_parquet(
    path: Path, missing: frozenset[str] = frozenset(), named: Collection[str] = ()
) -> Table:
    """Return a Parquet file as a table; columns of lists and records are left out.

    `missing` are further cells that hold nothing; texts of `named` columns are no numbers or dates.
    Raises DataError for a file that cannot be read, or without the package pyarrow.
    """
    if not path.is_file():
        raise DataError(missing_file(path))
    pa = arrow(path.name)
    import pyarrow.parquet as pq

    try:
        # One thread: a task takes no more cores than it was given.
        read = pq.read_table(path, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path.name} is no Parquet file that can be read: {error}") from None
    return arrow_table(pa, path.name, read, missing, named)


def arrow(source: str) -> Any:
    """Return the module pyarrow; raises DataError saying how it is installed."""
    try:
        import pyarrow
    except ImportError:
        raise DataError(
            f"{source} needs the package pyarrow: pip install 'heliostat[parquet]'"
        ) from None
    return pyarrow


def arrow_table(
    pa: Any, source: str, read: Any, missing: frozenset[str], named: Collection[str] = ()
) -> Table:
    """Return an Arrow table as typed columns; raises DataError for one that cannot be used."""
    if read.num_rows < MIN_ROWS:
        raise DataError(f"{source} has {read.num_rows} rows, at least {MIN_ROWS} needed")
    columns, left_out = [], []
    for name in read.column_names:
        if read.column_names.count(name) > 1:
            raise DataError(f"{source}: two columns are called {name!r}")
        cells = read.column(name)
        try:
            column = _column(pa, name, cells.combine_chunks(), missing, name in named)
        except pa.ArrowException as error:
            raise DataError(f"{source}, column {name!r}: {error}") from None
        if name.startswith(INDEX_NAME):
            left_out.append((name, "index"))
        elif column is None:
            left_out.append((name, f"{cells.type} in a cell"))
        else:
            columns.append(column)
    if len(columns) < 2:
        raise DataError(
            f"{source}: two columns of numbers, texts or times needed, an input and a target; left "
            f"out: {', '.join(f'{name} ({why})' for name, why in left_out) or 'none'}"
        )
    kept, index = without_index(source, tuple(columns))
    return Table(source, kept, read.num_rows, "", (*left_out, *index), _place)


def _place(row: int) -> str:
    return f"row {row + 1}"


def _column(pa: Any, name: str, cells: Any, missing: frozenset[str], named: bool) -> Column | None:
    """Return a column of Arrow cells, None for a type that is no single value."""
    if isinstance(cells, pa.ChunkedArray):  # of no chunk, or of more than fit into one
        cells = pa.concat_arrays(cells.chunks) if cells.num_chunks else cells.combine_chunks()
    types, kind = pa.types, cells.type
    if types.is_null(kind) or cells.null_count == len(cells):
        return Column(name, "empty", np.zeros(len(cells)), np.ones(len(cells), bool))
    gone = cells.is_null().to_numpy(zero_copy_only=False) if cells.null_count else None
    if types.is_string_view(kind):
        cells, kind = cells.cast(pa.large_string()), pa.large_string()
    if types.is_dictionary(kind) or types.is_string(kind) or types.is_large_string(kind):
        return _texts(pa, name, cells, missing, named)
    if types.is_boolean(kind):
        places = cells.fill_null(False).to_numpy(zero_copy_only=False).astype(np.int32)
        if gone is not None:
            places[gone] = -1
        return Column(name, "boolean", places, gone, ("False", "True"), truth=(False, True))
    unit, problem = "", ""
    if types.is_date(kind):
        cells, unit = cells.cast(pa.date32()).cast(pa.int32()), DAYS
    elif types.is_timestamp(kind):
        cells, unit = cells.cast(pa.int64()), SECONDS
    elif types.is_time(kind):
        cells, unit = cells.cast(pa.int32() if types.is_time32(kind) else pa.int64()), OF_DAY
    elif types.is_duration(kind):
        cells, unit = cells.cast(pa.int64()), LENGTH
    elif types.is_decimal(kind):
        different = cells.unique()
        cells = cells.cast(pa.float64())
        if len(different.cast(pa.float64()).unique()) < len(different):
            problem = f"column {name!r} holds numbers that float64 cannot tell apart"
    elif not (types.is_integer(kind) or types.is_floating(kind)):
        return None
    values = cells.fill_null(0).to_numpy(zero_copy_only=False)
    marked = np.isin(values, _numbers_among(missing))
    if marked.any():
        gone = marked if gone is None else gone | marked
    if unit:
        parts = values if unit == DAYS else values / A_SECOND[kind.unit]
        moments: dict[str, Kind] = {OF_DAY: "time", LENGTH: "number"}
        column = Column(name, moments.get(unit, "date"), parts.astype(np.float64), gone, unit=unit)
        return of_rounded(column, values, "times in seconds that float64 cannot tell apart")
    if types.is_integer(kind):
        if int(values.max()) <= INT64_MAX:
            return of_integers(name, values.astype(np.int64), gone)
        column = Column(name, "number", values.astype(np.float64), gone)
        return of_rounded(column, values, "whole numbers that float64 cannot tell apart")
    numbers = values.astype(np.float64)
    holes = np.isnan(numbers)
    if holes.any():
        gone = holes if gone is None else gone | holes
    if gone is not None and gone.all():
        return Column(name, "empty", numbers, gone)
    return Column(name, "number", numbers, gone, problem=problem)


def _numbers_among(missing: frozenset[str]) -> list[float]:
    numbers = map(Numerals().value, sorted(missing))
    return [float(number) for number in numbers if number is not None]


def _texts(pa: Any, name: str, cells: Any, missing: frozenset[str], named: bool) -> Column:
    coded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
    indices = coded.indices.cast(pa.int32()).fill_null(-1)
    places = indices.to_numpy(zero_copy_only=False).astype(np.int32)
    # An empty text at the end is what -1, a missing cell, points at.
    known = ("" if text is None else str(text) for text in coded.dictionary.to_pylist())
    texts = [*known, ""]
    return column_of_texts(
        name, places, texts, Numerals(), _place, missing=missing, settable=False, named=named
    )
