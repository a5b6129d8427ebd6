"""Arguments checked once, where an array enters: the message names the argument and the row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import ConfigError, DataError, nearest


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


LEAST_WEIGHT = 1e-200
"""Weights below this part of the largest count as 0: their sums would lose all digits."""


def weights(name: str, values: ArrayLike | None, rows: int) -> NDArray[np.float64]:
    """Return weights of mean 1 as float64 (rows,), all 1 for None; raises ArrayError."""
    if values is None:
        return np.ones(rows)
    usable = _numbers(
        name, values, rows, lambda x: np.isfinite(x) & (x >= 0), "a number, 0 or more"
    )
    largest = usable.max()
    if not largest > 0:
        # "zero" and "weight" are what scikit-learn's checks of estimators look for
        raise ArrayError(f"{name} is zero in every row, expected a positive sum")
    usable = usable / largest  # first, for the sum of large ones may overflow
    usable[usable < LEAST_WEIGHT] = 0
    mean_one: NDArray[np.float64] = usable * (rows / usable.sum())
    return mean_one


def matrix(name: str, values: ArrayLike, columns: int) -> NDArray[np.float64]:
    """Return finite numbers as float64 (rows, columns); raises ArrayError naming the first other.

    A row may be missing altogether: no rows are no error.
    """
    try:
        array = np.asarray(values)
    except ValueError:  # numpy's own, of rows of several lengths
        raise ArrayError(f"{name} has rows of several lengths, expected {columns:,}") from None
    if array.ndim != 2 or array.shape[1] != columns:
        raise ArrayError(f"{name} has shape {array.shape}, expected (rows, {columns})")
    numbers = _as_numbers(array)
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        row, place = bad[0]
        got = array[row : row + 1, place].tolist()[0]
        raise ArrayError(f"{name}, row {row}, column {place} is {got!r}, expected a finite number")
    return numbers


def _as_numbers(array: NDArray[Any]) -> NDArray[np.float64]:
    """Return real numbers as float64, NaN for all else."""
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    found = [_number_or_nan(value) for value in array.ravel().tolist()]
    return np.array(found, np.float64).reshape(array.shape)


def _number_or_nan(value: object) -> float:
    try:
        return float("nan") if isinstance(value, str | bytes) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return one of the choices; raises ArgumentError naming the nearest."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(name, value, " or ".join(map(repr, choices)), likely(value, choices))
    return value


def likely(value: object, choices: tuple[str, ...]) -> str:
    """Return the choice that was probably meant, as a hint; nothing where none comes close.

    For messages that have named all choices already.
    """
    close = nearest(value, choices) if isinstance(value, str) else None
    return "" if close is None else f"did you mean {close!r}?"


def whole(name: str, value: object, least: int, most: int) -> int:
    """Return a whole number from `least` to `most`; raises ArgumentError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ArgumentError(name, value, f"a whole number from {least:,} to {most:,}")
    if not least <= value <= most:
        raise ArgumentError(name, value, f"a whole number from {least:,} to {most:,}")
    return int(value)


def between(name: str, value: object, low: float, high: float) -> float:
    """Return a number above `low` and below `high`; raises ArgumentError."""
    return _number(
        name, value, f"a number above {low:g} and below {high:g}", lambda x: low < x < high
    )


def within(name: str, value: object, low: float, high: float) -> float:
    """Return a number from `low` to `high`; raises ArgumentError."""
    return _number(name, value, f"a number from {low:g} to {high:g}", lambda x: low <= x <= high)


def _number(name: str, value: object, expected: str, usable: Callable[[float], bool]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ArgumentError(name, value, expected)
    if not usable(float(value)):  # NaN compares false
        raise ArgumentError(name, value, expected)
    return float(value)


def _numbers(
    name: str, values: ArrayLike, rows: int | None, usable: Any, expected: str
) -> NDArray[np.float64]:
    array = column(name, values, rows)
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        bad = next(row for row, value in enumerate(array) if not _is_number(value))
        got = array[bad : bad + 1].tolist()[0]  # 'no' and not np.str_('no')
        raise ArrayError(f"{name}, row {bad} is {got!r}, expected {expected}") from None
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
