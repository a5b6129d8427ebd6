"""What is said of a table: the line with which a run begins, and the account in its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat.errors import listed
from heliostat_methods.parts.tables.cells import moment_text
from heliostat_methods.parts.tables.columns import Column, number_text
from heliostat_search.preprocessing import FittedColumn

MOST_NAMED = 8
"""Columns that a line names."""
MOST_LISTED = 3
"""Levels that a table names."""
KINDS = {
    "number": "number",
    "integer": "whole number",
    "boolean": "yes or no",
    "category": "text",
    "date": "date",
    "time": "time of day",
    "empty": "empty",
}


def note_text(
    rows: int,
    said: str,
    fitted: Sequence[FittedColumn],
    left_out: Sequence[tuple[str, str]],
    handled: Sequence[str],
    target: str,
) -> str:
    """Return the line that says what a table was taken for."""
    inputs = listed([_input_text(column) for column in fitted], MOST_NAMED)
    parts = [said] if said else []
    parts.append(f"{rows:,} rows, inputs {inputs}")
    if left_out:
        names = [f"{name} ({why})" if why else name for name, why in left_out]
        parts.append(f"left out: {listed(names, MOST_NAMED)}")
    return "; ".join([*parts, *handled, target])


def _input_text(column: FittedColumn) -> str:
    if column.unit.partition(" ")[0] in ("days", "seconds"):
        return f"{column.name} ({column.unit})"
    if column.how == "ordinal":
        order = [f"{place} {level}" for place, level in enumerate(column.levels)]
        return f"{column.name} ({listed(order, MOST_LISTED)})"
    if column.how == "number":
        return column.name
    return f"{column.name} ({len(column.levels)} levels{' and other' if column.other else ''})"


def column_account(column: Column, why_not: str = "") -> dict[str, Any]:
    """Return a column as plain data: its kind, what is missing, its range, why it is no input."""
    account: dict[str, Any] = {"name": column.name, "kind": KINDS[column.kind]}
    if column.missing_cells:
        account["missing"] = column.missing_cells
    if column.unit:
        account["unit"] = column.unit
    if why_not:
        account["left_out"] = why_not
    known = column.values if column.missing is None else column.values[~column.missing]
    if column.kind in ("category", "boolean"):
        present = [column.levels[place] for place in np.unique(known).tolist()]
        few = len(present) <= MOST_LISTED
        account["range"] = ", ".join(sorted(present)) if few else f"{len(present):,} levels"
    elif len(known):
        account["range"] = f"{_end(column, known.min())} to {_end(column, known.max())}"
    return account


def cell_text(column: Column, row: int) -> str:
    """Return a cell that is not missing as a message shows it."""
    value = column.values[row]
    if column.levels:
        return repr(column.levels[int(value)])
    if column.kind in ("date", "time"):
        return moment_text(float(value), column.unit)
    return number_text(value)


def _end(column: Column, value: np.generic) -> str:
    if column.kind in ("date", "time"):
        return moment_text(float(value), column.unit)
    return str(value) if column.kind == "integer" else f"{float(value):.6g}"
