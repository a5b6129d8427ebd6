"""Subgroups from attributes: columns crossed, numbers cut into bands, small groups merged.

>>> people = {"sex": ["F", "M", "F", "F"], "age": [20, 50, 31, 33]}
>>> built = build_groups(people, by=["sex", "age"], bands={"age": [25, 35]})
>>> built.subgroups.names
('sex=F, age=under 25', 'sex=F, age=25-34', 'sex=M, age=35 and over')
>>> build_groups(people, bands={"age": [25, 35]}, min_group_size=2, merge="drop").rows
array([2, 3])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import did_you_mean
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError, column, likely
from heliostat_methods.fams.groups.bands import Coded, banded
from heliostat_methods.fams.groups.coding import Subgroups
from heliostat_methods.fams.groups.merging import (
    MERGES,
    Merge,
    Node,
    partly,
    placed,
    rows_text,
)

MISSING = ("error", "group", "drop")


@dataclass(frozen=True, eq=False)
class BuiltGroups:
    """Subgroups of the rows that were kept.

    `subgroups`: codes (kept,) and names. `rows` (kept,): their numbers among the rows given,
    increasing. `note`: what was merged or left out, empty if nothing was.
    """

    subgroups: Subgroups
    rows: NDArray[np.int64]
    note: str = ""


def build_groups(
    columns: Any,
    by: Sequence[str] = (),
    bands: Mapping[str, Sequence[float] | int] | None = None,
    min_group_size: int = 1,
    merge: Merge = "keep",
    missing: Literal["error", "group", "drop"] = "error",
) -> BuiltGroups:
    """Return the subgroups that attributes make, crossed; groups stand in order of their levels.

    `columns`: a mapping of names to columns, or a data frame. `by`: attributes to cross, all
    columns by default; where groups are merged the last ones go first. `bands`: where numbers are
    cut, or into how many bands of about equal size, by name. `merge`: groups of fewer than
    `min_group_size` rows stay ("keep"), are left out ("drop"), or are merged with the small ones
    of the same parent, which has the attributes but the last, until they are large enough
    ("parent"); what is too small even together is the last group. `missing`: rows without a value
    are refused, are a level of their own, or left out. Nothing depends on the order of rows.

    Raises ValueError (ArgumentError, ArrayError) naming the argument, attribute or row.
    """
    _check_choice("merge", merge, MERGES)
    _check_choice("missing", missing, MISSING)
    _check_size(min_group_size)
    chosen = _chosen(columns, by, bands or {})
    absent = {name: _missing_cells(values) for name, values in chosen.items()}
    rows, notes = _kept_rows(absent, missing)
    coded = [
        _coded(name, values[rows], absent[name][rows], (bands or {}).get(name), rows)
        for name, values in chosen.items()
    ]
    notes += [one.note for one in coded if one.note]
    codes, groups = _crossed(coded)
    where, told = placed(groups, np.bincount(codes).tolist(), min_group_size, merge)
    found, kept = _subgroups(codes, groups, where, coded)
    return BuiltGroups(found, rows[kept], "; ".join(filter(None, [*notes, told])))


def _check_choice(argument: str, value: object, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        expected = f"one of {', '.join(choices)}"
        raise ArgumentError(argument, value, expected, likely(value, choices))


def _check_size(size: object) -> None:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ArgumentError("min_group_size", size, "a whole number, 1 or more")


def _chosen(
    columns: Any, by: Sequence[str], bands: Mapping[str, Sequence[float] | int]
) -> dict[str, NDArray[Any]]:
    if not isinstance(columns, Mapping) and not hasattr(columns, "columns"):
        raise ArgumentError("columns", columns, "a mapping of names to columns, or a data frame")
    known = {str(name): name for name in (columns if isinstance(columns, Mapping)
                                          else columns.columns)}  # fmt: skip
    names = [by] if isinstance(by, str) else list(by) or list(known)
    if not names:
        raise ArrayError("columns is empty, expected at least one attribute")
    for place, name in enumerate(names):
        if name not in known:
            hint = did_you_mean(str(name), known)
            raise ArgumentError(f"by[{place}]", name, "the name of an attribute", hint)
        if name in names[:place]:
            raise ArgumentError(f"by[{place}]", name, "each attribute once")
    for name in bands:
        if name not in names:
            hint = did_you_mean(str(name), names)
            raise ArgumentError("bands", name, "attributes that `by` names", hint)
    found: dict[str, NDArray[Any]] = {}
    for name in names:
        rows = len(found[names[0]]) if found else None
        found[name] = column(f"columns[{name!r}]", columns[known[name]], rows)
    return found


def _missing_cells(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype == object:
        return np.array([_is_missing(one) for one in values.tolist()], dtype=bool)
    return np.asarray(values != values, dtype=bool)


def _is_missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # the NA of pandas is neither equal nor unequal
        return True


def _kept_rows(
    absent: Mapping[str, NDArray[np.bool_]], missing: str
) -> tuple[NDArray[np.int64], list[str]]:
    count = len(next(iter(absent.values())))
    gone = np.zeros(count, bool)
    for name, cells in absent.items():
        if missing == "error" and cells.any():
            raise ArrayError(
                f"columns[{name!r}], row {cells.argmax()} is missing; missing = 'group' makes "
                "such rows a group, 'drop' leaves them out"
            )
        gone |= cells
    if missing != "drop" or not gone.any():
        return np.arange(count), []
    if gone.all():
        raise ArrayError(f"columns: a value of {', '.join(absent)} is missing in every row")
    return np.flatnonzero(~gone), [f"{rows_text(int(gone.sum()))} without a value left out"]


def _coded(
    name: str,
    values: NDArray[Any],
    absent: NDArray[np.bool_],
    cuts: Sequence[float] | int | None,
    rows: NDArray[np.int64],
) -> Coded:
    """Return an attribute as codes; what is missing has the level after all others."""
    codes = np.zeros(len(values), np.int64)
    known = np.flatnonzero(~absent)
    one = Coded(name, codes, ())
    if len(known):
        found = values[known]
        one = _levels(name, found) if cuts is None else banded(name, found, cuts, rows[known])
    if not absent.any():
        return one
    codes[known], codes[absent] = one.codes, len(one.levels)
    return Coded(name, codes, (*one.levels, "(missing)"), one.note)


def _levels(name: str, values: NDArray[Any]) -> Coded:
    try:
        levels, codes = np.unique(values, return_inverse=True)
    except TypeError:  # texts beside numbers
        levels, codes = np.unique(values.astype(str), return_inverse=True)
    texts = tuple(_level_text(level) for level in levels.tolist())
    return Coded(name, codes.reshape(-1).astype(np.int64), texts)


def _level_text(level: object) -> str:
    if isinstance(level, float) and level.is_integer() and abs(level) < 2**53:
        return str(int(level))
    return str(level)


def _crossed(coded: Sequence[Coded]) -> tuple[NDArray[np.int64], list[Node]]:
    """Return the group of each row and the levels of each group, groups in order of levels."""
    codes: NDArray[np.int64] = np.zeros(len(coded[0].codes), np.int64)
    groups: list[Node] = [()]
    for one in coded:
        count = len(one.levels)
        # what was seen so far, numbered anew: crossing many columns may not overflow
        seen, inverse = np.unique(codes * count + one.codes, return_inverse=True)
        groups = [(*groups[place // count], place % count) for place in seen.tolist()]
        codes = inverse.reshape(-1).astype(np.int64)
    return codes, groups


def _subgroups(
    codes: NDArray[np.int64],
    groups: list[Node],
    where: Sequence[Node | None],
    coded: Sequence[Coded],
) -> tuple[Subgroups, NDArray[np.int64]]:
    """Return the groups that rows ended in, in order of their levels, and the rows in one."""
    present = dict.fromkeys(node for node in where if node is not None)
    nodes = sorted(present, key=lambda node: _order(node, len(coded)))
    place = {node: number for number, node in enumerate(nodes)}
    new = np.array([-1 if node is None else place[node] for node in where], np.int64)[codes]
    kept = np.flatnonzero(new >= 0)
    return Subgroups(new[kept], _names(nodes, groups, where, coded)), kept


def _order(node: Node, length: int) -> tuple[float, ...]:
    """Return the key by which what was merged stands behind what was not."""
    return (*node, *[float("inf")] * (length - len(node)))


def _names(
    nodes: list[Node], groups: list[Node], where: Sequence[Node | None], coded: Sequence[Coded]
) -> tuple[str, ...]:
    names, elsewhere = [], partly(groups, where)
    for node in nodes:
        name = ", ".join(f"{one.name}={one.levels[level]}"
                         for one, level in zip(coded, node, strict=False)) or "all"  # fmt: skip
        rest = len(node) < len(coded) and elsewhere[node]
        names.append(f"{name} (rest)" if rest else name)
    return tuple(names)
