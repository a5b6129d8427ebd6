"""What is to be predicted: classes or numbers, decided by all cells of the target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.parts.tables.columns import EXACT, Column, Table

MOST_AUTO_CLASSES = 20


@dataclass(frozen=True, eq=False)
class Target:
    """A column as targets: float64 numbers, or int64 places in `labels`; `said`: as what, why."""

    name: str
    task: str
    values: NDArray[Any]
    labels: tuple[str, ...]
    said: str
    unit: str = ""


def target_of(table: Table, column: Column, task: str) -> Target:
    """Return the target; `task` "auto" decides between regression and classification.

    Classes are text, yes and no, and at most 20 whole numbers, if there are at most half as many
    as rows. Raises DataError for a target that cannot be used so, or that does not vary.
    """
    if column.kind == "empty":
        raise DataError(f"{table.source}: no cell of the target {column.name!r} holds anything")
    column = _as_integers(column)
    auto = task == "auto"
    why = ""
    if auto:
        task, why = _task_of(column, table.rows)
    # What cannot be read as numbers may still be names of classes, if that was asked for.
    guessed = auto and column.kind == "category"
    if task == "regression" or guessed or not column.named:
        names = 'task = "classification" takes it for names of classes' if column.named else ""
        table.refuse_problem(column, names)
    if task == "regression":
        return _numbers(table, column, why)
    return _classes(table, column, auto)


def _task_of(column: Column, rows: int) -> tuple[str, str]:
    """Return the kind of task, and why it is not the one that might be expected."""
    if column.kind in ("boolean", "category"):
        return "classification", ""
    if column.kind != "integer":
        return "regression", ""
    different = len(np.unique(column.values))
    if different > MOST_AUTO_CLASSES:
        return "regression", f" ({different:,} different whole numbers)"
    if 2 * different > rows:
        return "regression", f" ({different} different whole numbers in {rows} rows)"
    return "classification", ""


def _numbers(table: Table, column: Column, why: str) -> Target:
    if column.kind in ("category", "boolean"):
        where = f"{table.source} {table.place(0)}, column {column.name!r}"
        first = column.levels[int(column.values[0])]
        raise DataError(f"{where} = {first!r} is no number, which a regression needs")
    values = column.numbers()
    if values.min() == values.max():
        raise DataError(
            f"{table.source}: every row has {column.name} = {values[0]:.17g}; a target that varies "
            "is needed"
        )
    other = '; task="classification" changes it' if column.kind == "integer" else ""
    unit = f", in {column.unit}" if column.unit else ""
    said = f"target {column.name}: regression{why}{unit}{other}"
    return Target(column.name, "regression", values, (), said, column.unit)


def _classes(table: Table, column: Column, auto: bool) -> Target:
    values, labels = column.categories()
    present = np.flatnonzero(np.bincount(values, minlength=len(labels)))
    if len(present) < len(labels):  # rows that were dropped had the other ones
        values = np.searchsorted(present, values)
        labels = tuple(labels[place] for place in present.tolist())
    if len(labels) < 2:
        raise DataError(
            f"{table.source}: every row has {column.name} = {labels[0]!r}; "
            "at least two classes are needed"
        )
    if 2 * len(labels) > table.rows:
        raise DataError(
            f"{table.source}: the target {column.name!r} has {len(labels):,} different values in "
            f"{table.rows:,} rows, e.g. {labels[0]!r}; classes need two rows each on average"
        )
    other = '; task="regression" changes it' if auto and column.kind == "integer" else ""
    said = f"target {column.name}: classification, {len(labels)} classes{other}"
    return Target(column.name, "classification", values, labels, said)


def _as_integers(column: Column) -> Column:
    """Return a column of floats that are whole, such as 1.0 and 2.0, as integers."""
    values = column.values
    if column.kind != "number" or not (np.abs(values) < EXACT).all():
        return column
    whole = values.astype(np.int64)
    return replace(column, kind="integer", values=whole) if (whole == values).all() else column
