"""A table as a data set: its target, its inputs, what is missing, and what is said of all that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError, listed
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.tables.account import MOST_NAMED, column_account, note_text
from heliostat_methods.parts.tables.attributes import attribute, check_groups
from heliostat_methods.parts.tables.columns import Column, Table
from heliostat_methods.parts.tables.inputs import (
    Encoding,
    Encodings,
    Missing,
    check_names,
    chosen_inputs,
    raw_column,
)
from heliostat_methods.parts.tables.targets import target_of
from heliostat_search.preprocessing import Preprocessing, RawColumn, RawInputs

MIN_ROWS = 10


@dataclass(frozen=True)
class Choices:
    """What is chosen of a table; the meaning is that of the parameters of `csv_dataset`."""

    target: str | None
    task: str
    columns: Sequence[str] | None
    encode: Mapping[str, Encoding] | None
    most_levels: int
    missing: Missing
    missing_cells: Sequence[str]
    """Those by which the table was read."""
    groups: Sequence[str] = ()


def table_dataset(name: str, table: Table, choices: Choices) -> ArrayDataset:
    """Return a table as a data set; `target` is the last column by default.

    Its `raw` is what a split encodes by its training part; its `inputs` are encoded by all rows.
    Raises DataError naming column and row for what cannot be used.
    """
    target, columns, missing = choices.target, choices.columns, choices.missing
    encodings = Encodings(choices.encode or {}, choices.most_levels)
    goal = table.column(table.header[-1] if target is None else target)
    check_names(table, goal.name, columns, encodings)
    check_groups(table, goal.name, choices.groups)
    handled: list[str] = []
    if goal.missing is not None and goal.kind != "empty":
        if missing == "error":
            table.refuse_missing(goal)
        handled.append(f"{_rows(goal.missing_cells)} without target dropped")
        table = _kept(table, goal.missing)
        goal = table.column(goal.name)
    answer = target_of(table, goal, choices.task)
    chosen = chosen_inputs(table, goal.name, columns, encodings)
    gaps = [column for column in chosen.columns if column.missing is not None]
    if gaps and missing == "error":
        table.refuse_missing(gaps[0])
    if gaps and missing == "drop":
        gone = np.any([c.missing for c in gaps if c.missing is not None], axis=0)
        handled.append(f"{_rows(int(gone.sum()))} with missing cells dropped")
        table = _kept(table, gone)
        goal = table.column(goal.name)
        answer = target_of(table, goal, answer.task)
        chosen = chosen_inputs(table, goal.name, columns, encodings)
    elif gaps:
        handled.append(f"filled: {listed([_gap_text(c, table.rows) for c in gaps], MOST_NAMED)}")
    handled += [
        f"{column.name} taken for text: {column.remark}"
        for column in chosen.columns
        if column.remark and column.name not in encodings.of
    ]
    raw = RawInputs(
        tuple(raw_column(table, column, encodings) for column in chosen.columns),
        tuple(choices.missing_cells),
        table.written,
    )
    fitted = raw.fit(np.arange(table.rows))
    inputs = raw.encoded(fitted)
    reasons = dict(chosen.left_out)
    return ArrayDataset(
        name=name,
        task=answer.task,
        inputs=inputs,
        targets=answer.values,
        classes=len(answer.labels) or 1,
        columns=fitted.features,
        labels=answer.labels,
        note=note_text(
            table.rows, table.said, fitted.columns, chosen.left_out, handled, answer.said
        ),
        raw=_on_matrix(raw, fitted, inputs),
        about={
            "written": table.said,
            "target": column_account(goal),
            "columns": [
                column_account(column, reasons.get(column.name, ""))
                for column in table.columns
                if column.name != goal.name
            ],
            "left_out": [f"{one} ({why})" if why else one for one, why in chosen.left_out],
            "handled": handled,
        },
        attributes={one: attribute(table.column(one)) for one in choices.groups},
    )


def _kept(table: Table, gone: NDArray[np.bool_]) -> Table:
    kept = table.at(~gone)
    if kept.rows < MIN_ROWS:
        raise DataError(
            f"{table.source}: {kept.rows} of {table.rows} rows are left without missing cells, at "
            f"least {MIN_ROWS} needed"
        )
    return kept


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _gap_text(column: Column, rows: int) -> str:
    how = "a level of its own" if column.kind == "category" else "by the median"
    return f"{column.name} ({column.missing_cells:,} of {rows:,}, {how})"


def _on_matrix(raw: RawInputs, fitted: Preprocessing, inputs: NDArray[np.float64]) -> RawInputs:
    """Return the same with numbers that lie in the matrix already, so that memory holds them once.

    A column with missing cells keeps its own: the matrix holds what fills them.
    """
    columns: list[RawColumn] = []
    begin = 0
    for column, one in zip(raw.columns, fitted.columns, strict=True):
        whole = column.how == "number" and not one.indicator
        columns.append(replace(column, values=inputs[:, begin]) if whole else column)
        begin += len(one.features)
    return replace(raw, columns=tuple(columns))
