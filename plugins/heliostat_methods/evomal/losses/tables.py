"""Tables of primitives by name: the sets of this package, and sets with a user's own operations.

A table's name says all of it: ``standard``, or JSON of a set and operations. So it travels to
workers and into stored losses as text, and rows, which hold functions, never do.
"""

from __future__ import annotations

import copyreg
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from heliostat_methods.evomal.losses.operations import read_table
from heliostat_methods.evomal.losses.primitives import (
    TABLES,
    LossExpressionError,
    PrimitiveTable,
    set_named,
)


@lru_cache(maxsize=64)
def table_named(name: str) -> PrimitiveTable:
    """Return the table of that name, or of JSON that says a set and more operations.

    Raises ``LossExpressionError`` naming the sets that exist, and for operations that cannot be.
    """
    if not name.startswith("{"):
        return set_named(name)
    try:
        return read_table(json.loads(name))
    except LossExpressionError:
        raise
    except (ValueError, RecursionError, AttributeError) as error:
        raise LossExpressionError(f"primitives: {error}") from None


def table_of(named: Any) -> PrimitiveTable:
    """Return the table that plain data name: text, or a set with operations."""
    if not isinstance(named, Mapping):
        return table_named(str(named))
    try:
        return table_named(json.dumps(dict(named), sort_keys=True, separators=(",", ":")))
    except TypeError as error:
        raise LossExpressionError(f"primitives: {error}") from None


def plain_name(table: PrimitiveTable) -> Any:
    """Return what ``table_of`` reads."""
    return json.loads(table.name) if table.name.startswith("{") else table.name


def _by_name(table: PrimitiveTable) -> tuple[Any, tuple[str]]:
    if TABLES.get(table.name) is not table and not table.name.startswith("{"):
        raise TypeError(f"table {table.name!r} is not one of {', '.join(TABLES)}")
    return table_named, (table.name,)


copyreg.pickle(PrimitiveTable, _by_name)
