"""Subgroups as numbers: one column, several columns crossed, or a data frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.groups.arguments import ArrayError


@dataclass(frozen=True, eq=False)
class Subgroups:
    """The subgroup of each row: `codes` (rows,) from 0, `names` in order of the code.

    Every code has a row where it was made from rows; names read ``"race=Black, sex=F"``, or the
    value alone for one column without a name. Groups stand in the order of their sorted values.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.names)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of each group."""
        return np.bincount(self.codes, minlength=len(self.names))

    def at(self, rows: NDArray[Any]) -> Subgroups:
        """Return the subgroups of some rows; numbers and names stay, also of groups without one."""
        return Subgroups(self.codes[rows], self.names)


def subgroups(
    sensitive_features: Any, rows: int | None = None, argument: str = "sensitive_features"
) -> Subgroups:
    """Return the subgroups that columns name: all combinations of values that some row has.

    `sensitive_features`: one column, a matrix or list of columns' rows, a mapping of names to
    columns, a data frame or series of pandas, or `Subgroups`. Raises ArrayError naming the first
    row whose value is missing, and for a length other than `rows`.
    """
    if isinstance(sensitive_features, Subgroups):
        _check_rows(argument, len(sensitive_features.codes), rows)
        return sensitive_features
    columns = _columns(sensitive_features, argument)
    codes: NDArray[np.int64] = np.zeros(0, np.int64)
    texts: list[list[str]] = []
    for at, (name, values) in enumerate(columns):
        where = f"{argument}[{name!r}]" if name else argument
        _check_rows(where, len(values), rows if rows is not None else len(columns[0][1]))
        levels, own = _levels(where, values)
        codes = own if at == 0 else codes * len(levels) + own
        texts.append([f"{name}={level}" if name else str(level) for level in levels])
        # what was seen so far, numbered anew: crossing many columns may not overflow
        seen, codes = np.unique(codes, return_inverse=True)
        if at == 0:
            names = [texts[0][one] for one in seen]
        else:
            names = [f"{names[one // len(levels)]}, {texts[at][one % len(levels)]}" for one in seen]
    return Subgroups(codes.astype(np.int64), tuple(names))


def _columns(given: Any, argument: str) -> list[tuple[str, NDArray[Any]]]:
    if _is_arrow_table(given):
        names, columns = list(given.column_names), list(given.columns)
    elif isinstance(given, Mapping):
        names, columns = list(given), list(given.values())
    elif hasattr(given, "columns"):
        names = list(given.columns)
        _check_names(argument, names)
        columns = [given[name] for name in names]
    else:
        return _unnamed(given, argument)
    _check_names(argument, names)
    if not names:
        raise ArrayError(f"{argument} has no column")
    named = zip(map(str, names), columns, strict=True)
    found = [(name, _array(column, f"{argument}[{name!r}]")) for name, column in named]
    for name, values in found:
        if values.ndim != 1:
            raise ArrayError(f"{argument}[{name!r}] has shape {values.shape}, expected a column")
    _check_filled(argument, found[0][1])
    return found


def _is_arrow_table(given: Any) -> bool:
    return hasattr(given, "column_names") and hasattr(given, "columns")


def _check_names(argument: str, names: list[Any]) -> None:
    """Refuse two columns of one name, in the text by which groups are told apart, too."""
    for at, name in enumerate(map(str, names)):
        if name in map(str, names[:at]):
            raise ArrayError(f"{argument} has two columns called {name!r}; rename one")


def _unnamed(given: Any, argument: str) -> list[tuple[str, NDArray[Any]]]:
    """Return a column, or the columns of a matrix, of which none has a name."""
    array = _array(given, argument)
    if array.ndim not in (1, 2):
        raise ArrayError(f"{argument} has shape {array.shape}, expected columns")
    _check_filled(argument, array)
    if array.ndim == 2 and array.shape[1] != 1:
        return [(f"column {at}", array[:, at]) for at in range(array.shape[1])]
    name = getattr(given, "name", None)
    return [("" if name is None else str(name), array.reshape(-1))]


def _check_filled(argument: str, values: NDArray[Any]) -> None:
    if values.ndim == 2 and values.shape[1] == 0:
        raise ArrayError(f"{argument} has no column")
    if len(values) == 0:
        raise ArrayError(f"{argument} is empty")


def _array(values: Any, where: str) -> NDArray[Any]:
    """Return values as an array; lists as objects, for as texts NaN would be one of many."""
    try:
        if isinstance(values, list | tuple):
            return _of_list(values)
        return np.asarray(values)
    except ValueError:
        raise ArrayError(f"{where} has rows of different lengths, expected columns") from None


def _of_list(values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind in "SU":
        return np.asarray(values, dtype=object)
    return array


def _check_rows(where: str, got: int, rows: int | None) -> None:
    if rows is not None and got != rows:
        raise ArrayError(f"{where} has {got:,} rows, expected {rows:,}")


def _levels(where: str, values: NDArray[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the sorted different values of a column and the number of each row's."""
    missing = _missing(values)
    bad = np.flatnonzero(missing)
    if len(bad):
        raise ArrayError(f"{where}, row {bad[0]} is missing; name its group or leave the row out")
    if values.dtype == object and all(isinstance(one, str) for one in values):
        values = values.astype(str)  # sorted faster
    try:
        levels, codes = np.unique(values, return_inverse=True)
    except TypeError:  # texts beside numbers
        levels, codes = np.unique(values.astype(str), return_inverse=True)
    return levels.tolist(), codes.reshape(-1).astype(np.int64)


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype != object:
        return np.asarray(values != values, bool)  # NaN, NaT
    return np.array([_is_missing(one) for one in values], bool)


def _is_missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # the NA of pandas is neither equal nor unequal
        return True
