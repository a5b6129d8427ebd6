"""A table from a CSV file as a data set, refused with line and column when it cannot be used.

The first line names the columns. Columns of text (no value is a number) are left out unless they
are asked for; a column with some numbers must hold a number in every line.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError, did_you_mean, nearest
from heliostat_methods.parts.datasets import ArrayDataset

MIN_ROWS = 10
MOST_AUTO_CLASSES = 20
MOST_NAMED = 8
"""Columns that a note names."""
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Table:
    """The text of a CSV file: column names, the cells of each row, its line in the file."""

    source: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def column(self, name: str) -> list[str]:
        """Return the cells of a column; raises DataError with the nearest name if there is none."""
        if name not in self.header:
            raise DataError(
                f"{self.source} has no column {name!r}; {did_you_mean(name, self.header)}"
            )
        place = self.header.index(name)
        return [row[place] for row in self.rows]

    def numbers(self, name: str) -> NDArray[np.float32]:
        """Return a column as float32; raises DataError for the first cell that is no number."""
        numbers = np.empty(len(self.rows), dtype=np.float32)
        for index, cell in enumerate(self.column(name)):
            value = _number(cell)
            if value is None:
                what = "is empty" if not cell else f"= {cell!r} is no finite number"
                raise DataError(f"{self.source} line {self.lines[index]}, column {name!r} {what}")
            numbers[index] = value
        return numbers


def read_table(path: Path, delimiter: str = ",") -> Table:
    """Read a CSV file (UTF-8, quotes as in RFC 4180); cells and names lose outer blanks."""
    source = path.name
    if not path.is_file():
        raise DataError(_missing(path))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            numbered = [
                (reader.line_num, tuple(cell.strip() for cell in row)) for row in reader if row
            ]
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is not UTF-8 text: byte {error.start}") from error
    except csv.Error as error:
        raise DataError(f"{source} line {reader.line_num} is no valid CSV: {error}") from error
    if not numbered:
        raise DataError(f"{source} is empty; a line with column names was expected")
    header = numbered[0][1]
    _check_header(source, header, delimiter)
    for line, row in numbered[1:]:
        if len(row) != len(header):
            raise DataError(
                f"{source} line {line} has {len(row)} cells, the header has {len(header)}"
            )
    if len(numbered) - 1 < MIN_ROWS:
        raise DataError(
            f"{source} has {len(numbered) - 1} rows below the header, at least {MIN_ROWS} needed"
        )
    lines, rows = zip(*numbered[1:], strict=True)
    return Table(source, header, rows, lines)


def csv_dataset(
    path: Path,
    target: str | None = None,
    task: str = "auto",
    delimiter: str = ",",
    columns: Sequence[str] | None = None,
) -> ArrayDataset:
    """Return a CSV file as a data set.

    `target`: column to predict, the last one by default. `task` "auto" means classification when
    the target holds text, or at most 20 different whole numbers; otherwise regression. `columns`:
    inputs, by default all other columns that hold numbers. Labels are sorted (as numbers if all
    are whole numbers, else as text) and numbered from 0; `labels` of the result keeps them, `note`
    says what the table was taken for.
    """
    table = read_table(path, delimiter)
    target = table.header[-1] if target is None else target
    cells = table.column(target)
    auto = task == "auto"
    columns = _inputs(table, target, columns)
    inputs = np.stack([table.numbers(column) for column in columns], axis=1)
    if auto:
        task = "classification" if _looks_like_labels(cells) else "regression"
    named: dict[str, Any] = {"name": f"csv:{table.source}", "inputs": inputs, "columns": columns}
    labels = () if task == "regression" else _labels(table, target, cells)
    named["note"] = _note(table, target, columns, labels, auto=auto)
    if task == "regression":
        return ArrayDataset(task=task, targets=table.numbers(target), **named)
    number = {label: index for index, label in enumerate(labels)}
    targets = np.array([number[_label(cell)] for cell in cells], dtype=np.int64)
    return ArrayDataset(task=task, targets=targets, classes=len(labels), labels=labels, **named)


def _note(
    table: Table, target: str, columns: Sequence[str], labels: Sequence[str], *, auto: bool
) -> str:
    """Return what the table was taken for, and how to have it otherwise where that is possible."""
    unused = [name for name in table.header if name != target and name not in columns]
    text = [name for name in unused if _is_text(table.column(name))]
    parts = [f"{len(table.rows)} rows, inputs {_listed(columns)}"]
    if unused:
        names = [f"{name} (text)" if name in text else name for name in unused]
        parts.append(f"left out: {_listed(names)}")
    taken = f"classification, {len(labels)} classes" if labels else "regression"
    parts.append(f"target {target}: {taken}")
    cells = table.column(target)
    if auto and not _is_text(cells) and _whole(cells):
        other = "regression" if labels else "classification"
        parts.append(f'task="{other}" changes it')
    return "; ".join(parts)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown}, ... ({len(names)} in all)"


def _missing(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder; a CSV file was expected"
    if not path.parent.is_dir():
        return f"no file {path}: the folder {path.parent} does not exist"
    close = nearest(path.name, sorted(other.name for other in path.parent.iterdir()))
    return f"no file {path}" + (f"; did you mean {str(path.with_name(close))!r}?" if close else "")


def _check_header(source: str, header: tuple[str, ...], delimiter: str) -> None:
    for place, name in enumerate(header):
        if not name:
            raise DataError(f"{source}: column {place + 1} of the header has no name")
        if name in header[:place]:
            first = header.index(name) + 1
            raise DataError(f"{source}: columns {first} and {place + 1} are both called {name!r}")
    if all(_number(name) is not None for name in header):
        raise DataError(f"{source}: the first line holds numbers; it must name the columns")
    if len(header) < 2:
        raise DataError(
            f"{source} has one column, {header[0]!r}; an input and a target are needed "
            f"(delimiter is {delimiter!r})"
        )


def _inputs(table: Table, target: str, columns: Sequence[str] | None) -> tuple[str, ...]:
    if columns is None:
        chosen = [
            name for name in table.header if name != target and not _is_text(table.column(name))
        ]
        if not chosen:
            raise DataError(f"{table.source}: no column besides {target!r} holds numbers")
        return tuple(chosen)
    if not columns:
        raise DataError(f"{table.source}: columns is empty; at least one input is needed")
    for place, name in enumerate(columns):
        table.column(name)
        if name == target:
            raise DataError(f"{table.source}: column {name!r} is the target, so it is no input")
        if name in columns[:place]:
            raise DataError(f"{table.source}: column {name!r} is named twice in columns")
    return tuple(columns)


def _is_text(cells: list[str]) -> bool:
    return any(cells) and all(_number(cell) is None for cell in cells)


def _looks_like_labels(cells: list[str]) -> bool:
    if _is_text(cells):
        return True
    # A cell that is no number among numbers is an error that the regression's reading names.
    return _whole(cells) and len({_number(cell) for cell in cells}) <= MOST_AUTO_CLASSES


def _whole(cells: list[str]) -> bool:
    numbers = [_number(cell) for cell in cells]
    return all(number is not None and number.is_integer() for number in numbers)


def _labels(table: Table, target: str, cells: list[str]) -> tuple[str, ...]:
    for line, cell in zip(table.lines, cells, strict=True):
        if not cell:
            raise DataError(f"{table.source} line {line}, column {target!r} is empty")
    labels = {_label(cell) for cell in cells}
    if len(labels) < 2:
        raise DataError(
            f"{table.source}: every row has {target} = {min(labels)!r}; "
            "at least two classes are needed"
        )
    numbers = {label: _number(label) for label in labels}
    if all(number is not None and number.is_integer() for number in numbers.values()):
        return tuple(sorted(labels, key=int))
    return tuple(sorted(labels))


def _label(cell: str) -> str:
    """Return one spelling for a class number: 1, 01 and 1.0 are the class 1."""
    number = _number(cell)
    return str(int(number)) if number is not None and number.is_integer() else cell


def _number(cell: str) -> float | None:
    """Return the number if it is finite in float32; Python's 1_000 counts as text."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if abs(value) <= LARGEST and "_" not in cell else None
