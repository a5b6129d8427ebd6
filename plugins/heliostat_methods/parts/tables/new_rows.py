"""New rows of a table as the inputs of a model, by what a run has learned of its training part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.parts.tables.account import cell_text
from heliostat_methods.parts.tables.cells import DAYS, SECONDS, YES_OR_NO, truth
from heliostat_methods.parts.tables.columns import Column, Table
from heliostat_search.preprocessing import FittedColumn, Preprocessing

DAY = 86_400.0
"""Seconds of one."""


def prepared(table: Table, fitted: Preprocessing) -> NDArray[np.float64]:
    """Return the inputs of all rows, (rows, features), encoded and scaled as in the run.

    Columns that are no inputs are left out. Raises DataError for one that is absent, or that holds
    something else than in the run.
    """
    return fitted.apply({one.name: _cells(table, one) for one in fitted.columns})


def _cells(table: Table, fitted: FittedColumn) -> list[Any]:
    column = table.column(fitted.name)
    if fitted.how != "number":
        places, levels = column.categories()
        # Place -1, a missing cell, takes the last entry.
        names = [*levels, None]
        return [names[place] for place in places.tolist()]
    table.refuse_problem(column)
    if column.kind == "empty":
        return [None] * table.rows
    return list(_numbers(table, column, fitted.unit).tolist())


def _numbers(table: Table, column: Column, unit: str) -> NDArray[np.float64]:
    """Return numbers in the unit of the run: one that saw no time of day counts days."""
    if unit == YES_OR_NO and column.kind == "category":  # rows that all say yes are no boolean
        return _truths(column, table.source)
    if column.kind == "category":
        raise _other(table, column, column.values >= 0, unit)
    values = column.numbers()
    known = ~np.isnan(values)
    has = YES_OR_NO if column.kind == "boolean" else column.unit
    factor = {(DAYS, SECONDS): DAY, (SECONDS, DAYS): 1 / DAY}.get((has, unit))
    if factor is not None:
        return values * factor
    if not has and unit == YES_OR_NO:  # written as 1 and 0
        known &= (values != 0) & (values != 1)
        has = unit if not known.any() else has
    if has != unit:
        raise _other(table, column, known, unit)
    return values


def _other(table: Table, column: Column, cells: NDArray[np.bool_], unit: str) -> DataError:
    """Return the error that names the first of these cells, which are not what the run saw."""
    row = int(cells.argmax())
    cell = cell_text(column, row)
    return DataError(
        f"{table.source} {table.place(row)}, column {column.name!r} holds {cell}; the run took "
        f"it for {'yes or no' if unit == YES_OR_NO else unit or 'numbers'}"
    )


def _truths(column: Column, source: str) -> NDArray[np.float64]:
    truths = []
    for level in column.levels:
        found = truth(level)
        if found is None:
            raise DataError(f"{source}: column {column.name!r} holds {level!r}, neither yes nor no")
        truths.append(float(found))
    numbers: NDArray[np.float64] = np.array([*truths, np.nan])[column.values]
    return numbers
