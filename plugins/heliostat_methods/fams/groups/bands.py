"""A number as bands, such as ages cut at 25, 35, 45 and 55, or tenths of its rows.

>>> import numpy as np
>>> banded("age", np.array([19, 25, 34, 70]), (25, 35, 55)).levels
('under 25', '25-34', '35-54', '55 and over')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError

MOST_BANDS = 1000
WHOLE = 2.0**53
"""Below it float64 tells whole numbers apart."""


@dataclass(frozen=True, eq=False)
class Coded:
    """An attribute as numbers: `codes` (rows,) are places in `levels`, which stand in order."""

    name: str
    codes: NDArray[np.int64]
    levels: tuple[str, ...]
    note: str = ""


def banded(
    name: str,
    values: NDArray[Any],
    cuts: Sequence[float] | int,
    rows: NDArray[np.int64] | None = None,
) -> Coded:
    """Return the band of each value; a value that equals a cut belongs to the band above it.

    `cuts`: increasing numbers, or how many bands of about equally many rows. Equal values share a
    band, so there may be fewer. Cuts at quantiles are values of the column, found from all rows
    that are given. `rows`: their numbers for messages, from 0 by default. Raises ArrayError naming
    a row that holds no finite number, ArgumentError for cuts that do not increase.
    """
    numbers = _numbers(name, values, rows)
    numbers = _numbers(name, values, rows)
    if isinstance(cuts, int | np.integer) and not isinstance(cuts, bool):
        return _quantile_bands(name, numbers, int(cuts))
    edges = _checked(name, cuts)
    texts = _texts(edges, digits=12)
    if values.dtype.kind == "f":  # 0.7 of float32 is below that of float64, and equals the cut
        with np.errstate(over="ignore"):
            edges = edges.astype(values.dtype).astype(np.float64)
    return _coded(name, numbers, edges, texts)


def _quantile_bands(name: str, numbers: NDArray[np.float64], count: int) -> Coded:
    edges = _quantiles(name, numbers, count)
    note = ""
    if len(edges) + 1 < count:
        note = f"{name}: {len(edges) + 1} of {count} bands, for many values are equal"
    return _coded(name, numbers, edges, _texts(edges, digits=4), note)


def _coded(
    name: str,
    numbers: NDArray[np.float64],
    edges: NDArray[np.float64],
    texts: list[str],
    note: str = "",
) -> Coded:
    codes = np.searchsorted(edges, numbers, side="right").astype(np.int64)
    return Coded(name, codes, _band_names(edges, numbers, texts), note)


def _numbers(
    name: str, values: NDArray[Any], rows: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = np.array([_number_or_nan(value) for value in values.tolist()])
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        value = values[bad[0]]
        shown = value.item() if hasattr(value, "item") else value
        row = bad[0] if rows is None else rows[bad[0]]
        raise ArrayError(
            f"columns[{name!r}], row {row} is {shown!r}, expected a finite number, "
            "for the column is cut into bands"
        )
    return numbers


def _number_or_nan(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _checked(name: str, cuts: object) -> NDArray[np.float64]:
    argument, expected = f"bands[{name!r}]", "increasing numbers, or how many bands of equal size"
    if isinstance(cuts, str | bool) or not isinstance(cuts, Sequence | np.ndarray):
        raise ArgumentError(argument, cuts, expected)
    try:
        edges = np.array([float(cut) for cut in cuts])
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(argument, cuts, expected) from None
    if len(edges) == 0 or not np.isfinite(edges).all() or (edges[1:] <= edges[:-1]).any():
        raise ArgumentError(argument, cuts, expected)
    return edges


def _quantiles(name: str, numbers: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    if not 2 <= count <= MOST_BANDS:
        raise ArgumentError(f"bands[{name!r}]", count, f"2 to {MOST_BANDS:,} bands")
    # "higher" picks a value of the column: the result cannot depend on the order of the rows
    edges = np.unique(np.quantile(numbers, np.arange(1, count) / count, method="higher"))
    above: NDArray[np.float64] = edges[edges > numbers.min()]
    return above


def _band_names(
    edges: NDArray[np.float64], numbers: NDArray[np.float64], texts: list[str]
) -> tuple[str, ...]:
    if len(edges) == 0:
        return (f"{numbers.min():g}",)
    return (
        f"under {texts[0]}",
        *_inner_names(edges, numbers, texts),
        f"{texts[-1]} and over",
    )


def _inner_names(
    edges: NDArray[np.float64], numbers: NDArray[np.float64], texts: list[str]
) -> list[str]:
    if not (_whole(edges) and _whole(numbers)):
        return [f"{low} to {high}" for low, high in pairwise(texts)]
    between = "-" if edges[0] >= 0 else " to "
    ends = [(int(low), int(high) - 1) for low, high in pairwise(edges.tolist())]
    return [f"{low}" if low == high else f"{low}{between}{high}" for low, high in ends]


def _whole(numbers: NDArray[np.float64]) -> bool:
    return bool(((np.floor(numbers) == numbers) & (np.abs(numbers) < WHOLE)).all())


def _texts(edges: NDArray[np.float64], digits: int) -> list[str]:
    """Return the cuts in as few digits, at least so many, as tell them apart."""
    if _whole(edges):
        return [str(int(edge)) for edge in edges]
    for places in range(digits, 17):
        texts = [f"{edge:.{places}g}" for edge in edges.tolist()]
        if len(dict.fromkeys(texts)) == len(texts):
            return texts
    return [repr(edge) for edge in edges.tolist()]
