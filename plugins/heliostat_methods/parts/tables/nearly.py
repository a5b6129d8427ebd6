"""Texts that are hardly meant as texts: numbers or dates with mistakes, signs or units."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import numpy as np

from heliostat_methods.parts.tables.cells import STYLES, is_moment
from heliostat_methods.parts.tables.columns import Column

MOSTLY = 0.9
"""Share of numbers, or dates, from which other texts of a column are taken for mistakes."""
LOOKED_AT = 200
"""Different texts of a column among which dates are looked for."""
_MOMENT = re.compile(
    r"(?=.*\d).*\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b"
    r"|.*\d ?[ap]\.?m\b|\d{1,2}[/.-]\d{1,2}[/.-]\d{2}(?:\D|\Z)",
    re.IGNORECASE | re.ASCII,
)
_UNIT = re.compile(r"[$€£¥]\s?[\d.,]+\Z|[\d.,]+\s?(?:[$€£¥%°]|[A-Za-z²³/]{1,4})\Z", re.ASCII)


def problem_of(
    column: Column,
    numbers: Sequence[int | float | None],
    place: Callable[[int], str],
    *,
    settable: bool,
) -> str:
    """Return why the texts of a column are hardly meant as texts, or nothing.

    `numbers`: what each level is as a number. `settable`: how numbers and dates are written can be
    set.
    """
    name, levels = column.name, column.levels
    others = [other for other in STYLES if all(other.value(level) is not None for level in levels)]
    if others:
        first = next(level for level, number in zip(levels, numbers, strict=True) if number is None)
        ways: dict[float, str] = {}
        for other in others:
            value = float(other.value(first) or 0)
            signs = f"decimal = {other.decimal!r} and thousands = {other.thousands!r}"
            ways.setdefault(value, f"{value:.10g} with {signs}")
        what = f"column {name!r} = {first!r} may be {' or '.join(ways.values())}"
        return f"{what}: set both" if settable else f"{what}, for it is stored as text"
    known = np.array([number is not None for number in numbers])
    found = _refused(column, known, place, "finite number")
    if found:
        return found
    some = [is_moment(level) for level in levels[:LOOKED_AT]]
    if 2 * sum(some) < len(some):
        return ""
    dates = np.array([*some, *map(is_moment, levels[LOOKED_AT:])])
    if dates.all():
        return f"column {name!r} holds dates or times that are not all written in one way"
    return _refused(column, dates, place, "date or time")


def remark_on(column: Column, numbers: Sequence[int | float | None]) -> str:
    """Return what is told of a column that is taken for text though it holds numbers."""
    known = np.array([number is not None for number in numbers])
    counts = _counts(column)
    if 2 * counts[known].sum() >= counts.sum():
        other = column.levels[int(np.argmin(known))]
        return f"{counts[known].sum():,} cells are numbers, {other!r} is none"
    if all(map(_MOMENT.match, column.levels)):
        return f"like dates or times, e.g. {column.levels[0]!r}, but not as 2024-02-29 or 14:30"
    if all(map(_UNIT.match, column.levels)):
        return f"numbers with a unit, e.g. {column.levels[0]!r}"
    return ""


def _counts(column: Column) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.bincount(column.values[column.values >= 0], minlength=len(column.levels))


def _refused(
    column: Column,
    known: np.ndarray[tuple[int], np.dtype[np.bool_]],
    place: Callable[[int], str],
    what: str,
) -> str:
    """Return the first cell that is no such thing, if most of the column are."""
    counts = _counts(column)
    if counts[known].sum() < MOSTLY * counts.sum():
        return ""
    row = int(np.argmax(np.append(~known, False)[column.values]))
    bad = column.levels[int(column.values[row])]
    return (
        f"{place(row)}, column {column.name!r} = {bad!r} is no {what}, as most of the column are; "
        f"missing_cells = [{json.dumps(bad, ensure_ascii=False)}] takes the cell for a missing one"
    )
