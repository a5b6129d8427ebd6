"""A CSV file of numbers and categories; each category as places in its levels."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.parts.distributions import Distribution, distribution_files, table_bytes
from heliostat_methods.parts.parsed_once import parsed_once
from heliostat_search.preprocessing import RawColumn

BLOCK = 8192
"""Rows that are held as texts at once."""


@dataclass(frozen=True, eq=False)
class MixedTable:
    """Numbers (rows,) float64 by name; categories as int64 places in `levels`, which are sorted."""

    source: str
    columns: Mapping[str, NDArray[Any]]
    levels: Mapping[str, tuple[str, ...]]

    def texts(self, name: str) -> NDArray[np.str_]:
        """Return the category of each row by its name."""
        found: NDArray[np.str_] = np.array(self.levels[name])[self.columns[name]]
        return found

    def at(self, rows: NDArray[Any]) -> MixedTable:
        """Return the table with some rows; levels stay, also those without a row."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return MixedTable(self.source, columns, self.levels)

    def encoded(
        self, names: Sequence[str], most_levels: int
    ) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """Return names and values of features: numbers as they are, categories one-hot.

        The `most_levels` most frequent levels have a feature; the others share "(other)".
        """
        raw = [self._raw(name, most_levels) for name in names]
        rows = np.arange(len(raw[0].values))
        fitted = [column.fit(rows) for column in raw]
        features = tuple(name for column in fitted for name in column.features)
        values = np.empty((len(rows), len(features)), np.float32)
        begin = 0
        for column, one in zip(raw, fitted, strict=True):
            end = begin + len(one.features)
            column.encode(one, values[:, begin:end])  # type: ignore[arg-type]
            begin = end
        return features, values

    def _raw(self, name: str, most_levels: int) -> RawColumn:
        how, levels = ("onehot", self.levels[name]) if name in self.levels else ("number", ())
        return RawColumn(name, self.columns[name], how, levels, most_levels)  # type: ignore[arg-type]


def mixed_table(
    path: Path,
    release: Distribution,
    rows: int,
    numbers: Sequence[str],
    names: Sequence[str] | None = None,
    expected: Sequence[str] | None = None,
) -> MixedTable:
    """Return the table that a distribution carries; columns that are not in `numbers` are texts.

    `names`: of the columns, for a file without a header; else its header has to be `expected`.
    Raises DataError for another number of rows, and naming line and column of an unusable cell.
    """
    (file,) = distribution_files(path, release)
    source = f"{release.name}: {release.table}"

    def read() -> dict[str, NDArray[Any]]:
        return _read(table_bytes(file, release), source, frozenset(numbers), names, expected)

    found = parsed_once(file, f"{release.name}-1", read)
    levels = {name[7:]: tuple(found[name].tolist()) for name in found if name[:7] == "levels:"}
    columns = {name[7:]: found[name] for name in found if name[:7] == "values:"}
    table = MixedTable(source, columns, levels)
    count = len(next(iter(columns.values())))
    if count != rows:
        raise DataError(f"{source} has {count:,} rows, expected {rows:,}")
    return table


def _read(
    content: bytes,
    source: str,
    numbers: frozenset[str],
    names: Sequence[str] | None,
    expected: Sequence[str] | None,
) -> dict[str, NDArray[Any]]:
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = list(names) if names is not None else next(lines, [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{source} is no table in UTF-8: {error}") from None
    if expected is not None and header != list(expected):
        raise DataError(
            f"{source} has the columns {', '.join(header)[:200]}, expected {', '.join(expected)}"
        )
    places: dict[str, dict[str, int]] = {name: {} for name in header if name not in numbers}
    pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in header}
    for cells in _blocks(lines, source, header):
        for name, column in zip(header, cells, strict=True):
            known = places.get(name)
            pieces[name].append(
                _as_numbers(source, name, column) if known is None else _codes(column, known)
            )
    found: dict[str, NDArray[Any]] = {}
    for name, parts in pieces.items():
        values = np.concatenate(parts) if parts else np.zeros(0)
        if name in places:
            levels, values = _sorted(places[name], values.astype(np.int64))
            found[f"levels:{name}"] = np.array(levels, np.str_)
        found[f"values:{name}"] = values
    return found


def _blocks(lines: Iterator[list[str]], source: str, header: list[str]) -> Iterator[list[Any]]:
    """Yield the cells of some rows at a time, column by column."""
    first = 0
    try:
        while block := [row for row in islice(lines, BLOCK) if row]:
            for place, row in enumerate(block):
                if len(row) != len(header):
                    raise DataError(
                        f"{source}: row {first + place} has {len(row)} cells, expected "
                        f"{len(header)}"
                    )
            first += len(block)
            yield list(zip(*block, strict=True))
    except csv.Error as error:
        raise DataError(f"{source}, after row {first}: {error}") from None


def _as_numbers(source: str, name: str, cells: Sequence[str]) -> NDArray[np.float64]:
    try:
        values = np.array(list(map(float, cells)))
    except ValueError as error:
        raise DataError(f"{source}, column {name!r}: {error}") from None
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise DataError(
            f"{source}, column {name!r} holds {cells[bad[0]]!r}, expected a finite number"
        )
    return values


def _codes(cells: Sequence[str], known: dict[str, int]) -> NDArray[np.int64]:
    return np.array([known.setdefault(cell.strip(), len(known)) for cell in cells], np.int64)


def _sorted(known: dict[str, int], codes: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    levels = sorted(known)
    place = np.empty(len(levels), np.int64)
    for new, level in enumerate(levels):
        place[known[level]] = new
    return levels, place[codes]
