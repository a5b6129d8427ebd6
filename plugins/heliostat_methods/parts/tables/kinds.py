"""What a column of texts is: decided by all of its cells, never by the first ones alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.parts.tables.cells import (
    OF_DAY,
    Numerals,
    is_missing,
    moments,
    truth,
)
from heliostat_methods.parts.tables.columns import Column, Kind, of_integers
from heliostat_methods.parts.tables.nearly import problem_of, remark_on

INT64 = range(-(2**63), 2**63)


def column_of_texts(
    name: str,
    places: NDArray[np.int32],
    texts: Sequence[str],
    style: Numerals,
    place: Callable[[int], str],
    *,
    missing: frozenset[str] = frozenset(),
    month_first: bool | None = None,
    settable: bool = True,
    named: bool = False,
) -> Column:
    """Return the column whose cells are `texts[places]`, as the kind that all its cells have.

    Cells lose outer blanks. `missing` are further texts of missing cells, `place(row)` says where a
    row stands. A column that is no kind as a whole but nearly numbers or dates, or numbers of
    another style, has a `problem`; `settable` tells what it says. `named` cells are texts.
    """
    places, levels = _levels(places, texts, missing)
    gone = places < 0
    nothing = gone if gone.any() else None
    if not levels:
        return Column(name, "empty", places, nothing)
    column = Column(name, "category", places, nothing, levels)
    if named:
        return column
    numbers = [style.value(level) for level in levels]
    if all(number is not None for number in numbers):
        return _numbers(column, [number for number in numbers if number is not None])
    truths = [truth(level) for level in levels]
    if len(set(truths)) == 2 and None not in truths:
        return replace(column, kind="boolean", truth=tuple(map(bool, truths)))
    try:
        found = moments(list(levels), month_first)
    except ValueError:
        where = f"column {name!r} holds dates such as {levels[0]!r}"
        how = ": set month_first = true or false" if settable else ", for it is stored as text"
        return replace(column, problem=where + how)
    if found is not None:
        days, unit = found
        values = _by_place(np.array(days), places)
        kind: Kind = "time" if unit == OF_DAY else "date"
        return Column(name, kind, values, nothing, unit=unit)
    problem = problem_of(column, numbers, place, settable=settable)
    return replace(column, problem=problem, remark="" if problem else remark_on(column, numbers))


def _levels(
    places: NDArray[np.int32], texts: Sequence[str], missing: frozenset[str]
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return places in texts without outer blanks, -1 where nothing stands, and these texts."""
    levels: dict[str, int] = {}
    table = np.empty(len(texts), dtype=np.int32)
    for i, text in enumerate(texts):
        bare = text.strip()
        if is_missing(bare) or bare in missing:
            table[i] = -1
        else:
            table[i] = levels.setdefault(bare, len(levels))
    return table[places], tuple(levels)


def _numbers(column: Column, numbers: list[int | float]) -> Column:
    """Return the column as numbers; the first entry of `missing` cells is of no account."""
    name, gone = column.name, column.missing
    if all(isinstance(number, int) and number in INT64 for number in numbers):
        return of_integers(name, _by_place(np.array(numbers, np.int64), column.values), gone)
    exact = np.array(numbers, dtype=np.float64)
    if len(np.unique(exact)) < len(set(numbers)):
        problem = f"column {name!r} holds whole numbers that float64 cannot tell apart"
        return replace(column, problem=problem)
    return Column(name, "number", _by_place(exact, column.values), gone)


def _by_place(values: NDArray[Any], places: NDArray[np.int32]) -> NDArray[Any]:
    return values[np.maximum(places, 0)]
