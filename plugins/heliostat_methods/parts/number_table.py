"""A CSV file of numbers with a header line, as one matrix; categories stand there one-hot."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError, did_you_mean
from heliostat_methods.parts.distributions import Distribution, distribution_files, table_bytes
from heliostat_methods.parts.parsed_once import parsed_once


@dataclass(frozen=True, eq=False)
class NumberTable:
    """Columns of a data set's file by name: `values` (rows, columns) float32."""

    source: str
    names: tuple[str, ...]
    values: NDArray[np.float32]

    def column(self, name: str) -> NDArray[np.float32]:
        """Return a column, (rows,); raises DataError with the nearest name if there is none."""
        if name not in self.names:
            raise DataError(
                f"{self.source} has no column {name!r}; {did_you_mean(name, self.names)}"
            )
        found: NDArray[np.float32] = self.values[:, self.names.index(name)]
        return found

    def yes_or_no(self, name: str) -> NDArray[np.int64]:
        """Return a column of 0 and 1; raises DataError naming the first row with another value."""
        values = self.column(name)
        bad = np.flatnonzero((values != 0) & (values != 1))
        if len(bad):
            raise DataError(
                f"{self.source}: {name!r} is {values[bad[0]]:g} in row {bad[0]}, expected 0 or 1"
            )
        return values.astype(np.int64)

    def category(self, prefix: str) -> NDArray[np.str_]:
        """Return the name of each row's level: of the columns with the prefix the one that is 1.

        Raises DataError where there are no two such columns, or naming the row in which not
        exactly one of them is 1.
        """
        names = [name for name in self.names if name.startswith(prefix)]
        if len(names) < 2:
            raise DataError(f"{self.source} has {len(names)} columns {prefix}*, expected several")
        hot = np.stack([self.yes_or_no(name) for name in names], axis=1)
        bad = np.flatnonzero(hot.sum(1) != 1)
        if len(bad):
            raise DataError(
                f"{self.source}: {hot[bad[0]].sum()} of the columns {prefix}* are 1 in row "
                f"{bad[0]}, expected one"
            )
        levels: NDArray[np.str_] = np.array([name[len(prefix) :] for name in names])
        found: NDArray[np.str_] = levels[hot.argmax(1)]
        return found

    def without(self, *prefixes: str) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """Return names and values of the columns that begin with none of the prefixes."""
        kept = [at for at, name in enumerate(self.names) if not name.startswith(prefixes)]
        return tuple(self.names[at] for at in kept), self.values[:, kept]


def number_table(
    path: Path,
    release: Distribution,
    rows: int,
    columns: int,
    texts: Mapping[str, Sequence[str]] | None = None,
    skip: Sequence[str] = (),
) -> NumberTable:
    """Return the table that a distribution carries; columns in `skip` are not read.

    `texts`: cells of some columns that stand for 0, 1, 2 ... `path` is what `distribution_files`
    takes. Raises DataError for another number of rows or columns than published, and naming row
    and column for a cell that is no finite number.
    """
    (file,) = distribution_files(path, release)
    source = f"{release.name}: {release.table}"

    def read() -> dict[str, NDArray[Any]]:
        names, values = _read(table_bytes(file, release), source, columns, texts or {}, skip)
        return {"names": np.array(names), "values": values}

    found = parsed_once(file, f"{release.name}-1", read)
    table = NumberTable(source, tuple(found["names"].tolist()), found["values"])
    if len(table.values) != rows:
        raise DataError(f"{source} has {len(table.values):,} rows, expected {rows:,}")
    return table


def _read(
    content: bytes,
    source: str,
    columns: int,
    texts: Mapping[str, Sequence[str]],
    skip: Sequence[str],
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is no text in UTF-8: {error}") from None
    lines = io.StringIO(text, newline=None)
    header = next(csv.reader([lines.readline()]), [])
    if len(header) != columns:
        raise DataError(f"{source} has {len(header)} columns, expected {columns}")
    for name in (*texts, *skip):
        if name not in header:
            raise DataError(f"{source} has no column {name!r}; {did_you_mean(name, header)}")
    kept = [at for at, name in enumerate(header) if name not in skip]
    every = None if len(kept) == len(header) else kept  # None: loadtxt counts the cells of rows
    known = {header.index(name): _place(name, words) for name, words in texts.items()}
    names = tuple(header[at] for at in kept)
    return names, _numbers(lines, source, names, every, known)


def _numbers(
    lines: io.StringIO, source: str, names: tuple[str, ...], kept: list[int] | None, known: Any
) -> NDArray[np.float32]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # no row at all; the rows are counted
            values: NDArray[np.float32] = np.loadtxt(
                lines, np.float32, comments=None, delimiter=",", usecols=kept,
                converters=known or None, ndmin=2,
            )  # fmt: skip
    except (ValueError, IndexError) as error:
        raise DataError(f"{source}, rows after the header counted from 0: {error}") from None
    if values.size:
        bad = ~np.isfinite(values)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise DataError(
                f"{source}: {names[column]!r} is {values[row, column]} in row {row}, expected a "
                "finite number"
            )
    return values


def _place(name: str, words: Sequence[str]) -> Any:
    places = {word: float(place) for place, word in enumerate(words)}

    def place(cell: str) -> float:
        if cell not in places:
            raise ValueError(f"{name!r} is {cell!r}, expected one of {', '.join(words)}")
        return places[cell]

    return place
