"""Which columns of a table are inputs, how each becomes numbers, and what is said of the others."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from heliostat.errors import DataError, did_you_mean
from heliostat_methods.parts.tables.cells import YES_OR_NO
from heliostat_methods.parts.tables.columns import Column, Table
from heliostat_search.preprocessing import RawColumn

Encoding = Literal["onehot", "ordinal", "drop"]
Missing = Literal["error", "drop", "median"]
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
"""Names that TOML takes without quotes."""


@dataclass(frozen=True)
class Encodings:
    """How columns become numbers: `of` by name; one-hot has a feature for at most `most_levels`."""

    of: Mapping[str, Encoding]
    most_levels: int


@dataclass(frozen=True)
class Chosen:
    """The inputs of a table, and why each other column is none."""

    columns: tuple[Column, ...]
    left_out: tuple[tuple[str, str], ...]


def chosen_inputs(
    table: Table, target: str, names: Sequence[str] | None, encodings: Encodings
) -> Chosen:
    """Return the inputs: those that are named, or all that can say anything of the target.

    Raises DataError where nothing is left.
    """
    left_out = list(table.left_out)
    columns = []
    for column in table.columns:
        if column.name == target:
            continue
        if names is not None and column.name not in names:
            left_out.append((column.name, ""))
            continue
        why = _why_not(table, column, encodings.of.get(column.name), named=names is not None)
        if why:
            left_out.append((column.name, why))
        else:
            columns.append(column)
    if not columns:
        reasons = "; ".join(f"{name} ({why})" if why else name for name, why in left_out)
        raise DataError(f"{table.source}: no column besides {target!r} can be an input: {reasons}")
    if names is not None:
        columns.sort(key=lambda column: list(names).index(column.name))
    return Chosen(tuple(columns), tuple(left_out))


def raw_column(table: Table, column: Column, encodings: Encodings) -> RawColumn:
    """Return the column as what it is encoded from."""
    how = encodings.of.get(column.name)
    if how is None:
        how = "onehot" if column.kind == "category" else None
    if how in ("onehot", "ordinal"):
        places, levels = column.categories()
        return RawColumn(column.name, places, how, levels, encodings.most_levels)
    unit = YES_OR_NO if column.kind == "boolean" else column.unit
    return RawColumn(column.name, column.numbers(), unit=unit)


def check_names(
    table: Table, target: str, names: Sequence[str] | None, encodings: Encodings
) -> None:
    """Raise DataError for inputs and encodings that name no column, or the target."""
    source = table.source
    if names is not None and not names:
        raise DataError(f"{source}: columns is empty; at least one input is needed")
    for place, name in enumerate(names or ()):
        table.column(name)
        if name == target:
            raise DataError(f"{source}: column {name!r} is the target, so it is no input")
        if name in (names or ())[:place]:
            raise DataError(f"{source}: column {name!r} is named twice in columns")
    for name in encodings.of:
        if name == target:
            raise DataError(f"{source}: encode names {name!r}, which is the target")
        if name not in table.header:
            raise DataError(
                f"{source}: encode names {name!r}, which is no column; "
                f"{did_you_mean(name, table.header)}"
            )


def _why_not(table: Table, column: Column, how: Encoding | None, *, named: bool) -> str:
    """Return why a column is no input, or nothing; raises DataError for one that cannot be read."""
    if how == "drop":
        return "encode = drop"
    known = column.values if column.missing is None else column.values[~column.missing]
    if column.kind == "empty" or not len(known):
        return "empty"
    if how is None or not column.named:
        table.refuse_problem(column, _way_out(column))
    if column.missing is None and (known == known[0]).all():
        return f"constant {_cell_text(column, known[0])}"
    different = len(np.unique(known)) if column.kind == "category" else 0
    if how is None and not named and 2 * different > len(known):
        remark = f"; {column.remark}" if column.remark else ""
        return f"text, {different:,} values in {len(known):,} rows{remark}"
    return ""


def _way_out(column: Column) -> str:
    """Return what can be set for an input that is not what it seems to be."""
    key = column.name if _BARE_KEY.match(column.name) else json.dumps(column.name)
    if not column.named:
        return f'encode = {{{key} = "drop"}} leaves it out'
    return f'encode = {{{key} = "onehot"}} takes it for names, "drop" leaves it out'


def _cell_text(column: Column, value: float) -> str:
    return repr(column.levels[int(value)]) if column.levels else f"{value:.10g}"
