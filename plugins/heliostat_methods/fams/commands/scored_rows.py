"""From cells to what an audit judges: labels, scores and subgroups, or the cell that is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, DataError, did_you_mean, listed
from heliostat_methods.fams.commands.columns import Columns, read_columns
from heliostat_methods.fams.groups.coding import Subgroups, subgroups

LABELS = {"0": 0.0, "0.0": 0.0, "false": 0.0, "1": 1.0, "1.0": 1.0, "true": 1.0}
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "?", "<na>"})
"""Cells of a group's column that name no group, in small letters; as in tables of a run."""
MOST_VALUES = 6
"""Values of a label column that a message lists."""


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Labels 0 or 1 and scores from 0 to 1, (rows,) each, and the subgroups of the rows."""

    source: str
    y: NDArray[np.float64]
    score: NDArray[np.float64]
    groups: Subgroups
    by: tuple[str, ...]
    """Columns whose combinations are the subgroups."""
    outcome: str
    """What label 1 stands for: ``y = 1``."""


def read_scored_rows(
    path: Path,
    score: str,
    label: str,
    groups: Sequence[str],
    bands: Mapping[str, Sequence[float]],
    positive: str | None = None,
) -> ScoredRows:
    """Return the rows of a file; `bands`: edges between bands of a column of numbers.

    Raises ConfigError or DataError naming option, or line and column, and what was expected.
    """
    wanted = _wanted(score, label, groups)
    for name in bands:
        if name not in groups:
            hint = did_you_mean(name, groups)
            raise ConfigError("--bands", name, "a column that --groups names", hint)
    columns = read_columns(path, wanted)
    found = subgroups(
        {
            name: _banded(columns, name, bands[name]) if name in bands else _named(columns, name)
            for name in groups
        }
    )
    if len(found) == 1:
        raise ConfigError(
            "--groups",
            ",".join(groups),
            "columns that tell subgroups apart",
            f"all {len(columns):,} rows are one subgroup, {found.names[0]}, and an audit compares",
        )
    outcome = f"{label} = {'1' if positive is None else positive}"
    y = _labels(columns, label, positive)
    return ScoredRows(columns.source, y, _scores(columns, score), found, tuple(groups), outcome)


def _wanted(score: str, label: str, groups: Sequence[str]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    options = [(score, "--score"), (label, "--label"), *((one, "--groups") for one in groups)]
    for name, option in options:
        if name in wanted:
            raise ConfigError(option, name, f"a column that {wanted[name]} does not name")
        wanted[name] = option
    return wanted


def _scores(columns: Columns, name: str) -> NDArray[np.float64]:
    numbers = _numbers(columns, name, "a number from 0 to 1")
    bad = np.flatnonzero((numbers < 0) | (numbers > 1))
    if len(bad):
        percent = numbers.min() >= 0 and numbers.max() <= 100
        hint = "; these may be percentages, divide the column by 100" if percent else ""
        _refuse(columns, name, int(bad[0]), f"a number from 0 to 1{hint}")
    return numbers


def _numbers(columns: Columns, name: str, expected: str) -> NDArray[np.float64]:
    cells = columns.cells[name]
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            numbers[row] = math.nan if "_" in cell else float(cell)  # Python reads 1_0 as 10
        except ValueError:
            _refuse(columns, name, row, expected + _comma_hint(cell))
        if not math.isfinite(numbers[row]):
            _refuse(columns, name, row, expected)
    return numbers


def _comma_hint(cell: str) -> str:
    try:
        float(cell.replace(",", ".", 1))
    except ValueError:
        return ""
    return "; write a decimal point for the comma"


def _refuse(columns: Columns, name: str, row: int, expected: str) -> NoReturn:
    cell = columns.cells[name][row]
    got = f"holds {cell[:60]!r}" if cell else "is empty"
    raise DataError(f"{columns.place(row, name)} {got}, expected {expected}")


def _labels(columns: Columns, name: str, positive: str | None) -> NDArray[np.float64]:
    cells = columns.cells[name]
    values = sorted(set(cells))
    if "" in values:
        _refuse(columns, name, cells.index(""), "a label")
    if positive is not None:
        if positive not in values:
            hint = did_you_mean(positive, values, MOST_VALUES)
            raise ConfigError("--positive", positive, f"a value of column {name!r}", hint)
        return np.array([cell == positive for cell in cells], np.float64)
    for row, cell in enumerate(cells):
        if cell.lower() not in LABELS:
            say = f"0 or 1, or --positive VALUE; values: {listed(values, MOST_VALUES)}"
            _refuse(columns, name, row, say)
    return np.array([LABELS[cell.lower()] for cell in cells])


def _named(columns: Columns, name: str) -> NDArray[np.str_]:
    cells = columns.cells[name]
    absent = next((row for row, cell in enumerate(cells) if cell.lower() in MISSING), None)
    if absent is not None:
        expected = "the name of a group; write one, such as unknown, or leave the row out"
        _refuse(columns, name, absent, expected)
    return np.array(cells)


def _banded(columns: Columns, name: str, edges: Sequence[float]) -> NDArray[np.str_]:
    numbers = _numbers(columns, name, "a number, for --bands")
    middle = [f"{low:g}-{high:g}" for low, high in pairwise(edges)]
    names = np.array([f"<{edges[0]:g}", *middle, f"{edges[-1]:g}+"])
    bands: NDArray[np.str_] = names[np.searchsorted(np.array(edges), numbers, side="right")]
    return bands


def parsed_bands(texts: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Return {column: edges} of texts such as ``age=25,35,45``; raises ConfigError."""
    found: dict[str, tuple[float, ...]] = {}
    for text in texts:
        name, sign, cuts = text.rpartition("=")
        try:
            edges = tuple(float(cut) for cut in cuts.split(","))
        except ValueError:
            edges = ()
        rising = all(low < high for low, high in pairwise(edges))
        if not sign or not edges or not rising or not all(map(math.isfinite, edges)):
            raise ConfigError("--bands", text, "COLUMN=EDGE,EDGE,... with increasing numbers")
        if name.strip() in found:
            hint = f"all edges of a column in one, as in {name.strip()}=25,35,45"
            raise ConfigError("--bands", text, "each column once", hint)
        found[name.strip()] = edges
    return found
