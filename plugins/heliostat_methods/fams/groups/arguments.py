"""Arguments checked once, where an array enters: the message names the argument and the row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import ConfigError, DataError


class ArgumentError(ConfigError, ValueError):
    """A value of an argument that cannot be used; a ValueError, as scikit-learn's users expect."""


class ArrayError(DataError, ValueError):
    """An array that cannot be used: names the argument and its first bad row, counted from 0."""


def column(name: str, values: ArrayLike, rows: int | None = None) -> NDArray[Any]:
    """Return a column of `rows` values; raises ArrayError for another shape or length."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ArrayError(f"{name} has shape {array.shape}, expected one value a row")
    if rows is not None and len(array) != rows:
        raise ArrayError(f"{name} has {len(array):,} rows, expected {rows:,}")
    if len(array) == 0:
        raise ArrayError(f"{name} is empty")
    return array


def labels(name: str, values: ArrayLike, rows: int | None = None) -> NDArray[np.float64]:
    """Return labels 0 and 1 as float64 (rows,); raises ArrayError naming the first other one."""
    return _numbers(name, values, rows, lambda x: (x == 0) | (x == 1), "0 or 1")


def scores(name: str, values: ArrayLike, rows: int | None = None) -> NDArray[np.float64]:
    """Return scores from 0 to 1 as float64 (rows,); raises ArrayError naming the first other."""
    return _numbers(name, values, rows, lambda x: (x >= 0) & (x <= 1), "a number from 0 to 1")


def _numbers(
    name: str, values: ArrayLike, rows: int | None, usable: Any, expected: str
) -> NDArray[np.float64]:
    array = column(name, values, rows)
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        bad = next(row for row, value in enumerate(array) if not _is_number(value))
        raise ArrayError(f"{name}, row {bad} is {array[bad]!r}, expected {expected}") from None
    wrong = np.flatnonzero(~usable(numbers))  # NaN compares false
    if len(wrong):
        raise ArrayError(f"{name}, row {wrong[0]} is {array[wrong[0]]}, expected {expected}")
    return numbers


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True
