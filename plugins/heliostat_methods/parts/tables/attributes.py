"""Columns of a table that say who a row is about: attributes, of which subgroups are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.parts.tables.columns import Column, Table
from heliostat_search.names_of_data import MISSING_TEXT


def attribute(column: Column) -> NDArray[Any]:
    """Return a column as an attribute, (rows,): texts as they stand, numbers as they are.

    A text that is missing is "(missing)", a number NaN; dates and times are numbers in their unit.
    """
    if column.levels:
        # place -1, a missing cell, takes the last entry
        texts: NDArray[Any] = np.array([*column.levels, MISSING_TEXT])[column.values]
        return texts
    if column.kind == "integer" and column.missing is None:
        return column.values
    return column.numbers()


def check_groups(table: Table, target: str, names: Sequence[str]) -> None:
    """Raise DataError for groups that name no column, the target, or an empty column."""
    for place, name in enumerate(names):
        column = table.column(name)
        if name == target:
            raise DataError(f"{table.source}: column {name!r} is the target, so it makes no groups")
        if name in names[:place]:
            raise DataError(f"{table.source}: column {name!r} is named twice in groups")
        if column.kind == "empty":
            raise DataError(f"{table.source}: column {name!r} is empty, so it makes no groups")
