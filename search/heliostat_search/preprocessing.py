"""Columns of a table as numbers for a model: fitted on the training part, kept as plain data.

A category becomes a column of 0 and 1 for each level of the training part (one-hot), the rarer ones
share one called "other"; a missing number becomes the median of the training part, with a column of
0 and 1 that says so. It is what scikit-learn's ColumnTransformer does with OneHotEncoder,
OrdinalEncoder and SimpleImputer (the tests compare them); but what those have learned is kept by
pickling alone, and a run folder holds none.

    >>> columns = (RawColumn("city", np.array([0, 1, 0, -1]), "onehot", levels=("bern", "rome")),)
    >>> raw = RawInputs(columns)
    >>> fitted = raw.fit(np.array([0, 1, 3]))
    >>> fitted.features
    ('city = bern', 'city = rome', 'city (missing)')
    >>> fitted.apply({"city": ["rome", "oslo", None]}).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from heliostat.contract import Dataset
from heliostat.errors import DataError, did_you_mean
from heliostat_search.names_of_data import column_names

How = Literal["number", "onehot", "ordinal"]
MOST_LEVELS = 20
"""Levels of a category that get a column of their own, unless another number is set."""
BLOCK = 1 << 15
"""Rows that are encoded at once."""
UNKNOWN = -1.0
"""Place of a level among ordinal ones that the training part does not hold."""


@dataclass(frozen=True, eq=False)
class RawColumn:
    """One input before anything is learned of it.

    `values` (rows,): numbers with NaN where a cell is missing; or, for "onehot" and "ordinal",
    places in `levels`, -1 where it is missing. `levels` stand in their order. `most_levels` get a
    column of their own, where one-hot. `unit` is that of the numbers, where it is known.
    """

    name: str
    values: NDArray[Any]
    how: How = "number"
    levels: tuple[str, ...] = ()
    most_levels: int = MOST_LEVELS
    unit: str = ""

    def fit(self, rows: NDArray[np.int64]) -> FittedColumn:
        """Return what is learned of those rows."""
        part = self.values[rows]
        if self.how == "number":
            gone = np.isnan(part)
            known = part[~gone]
            with np.errstate(over="ignore"):  # numbers that large are refused before they are used
                fill = float(np.median(known)) if len(known) else 0.0
            return FittedColumn(self.name, self.how, fill, bool(gone.any()), unit=self.unit)
        counts = np.bincount(part[part >= 0], minlength=len(self.levels))
        present = np.flatnonzero(counts)
        other = self.how == "onehot" and len(present) > self.most_levels
        if other:
            frequent = sorted(present.tolist(), key=lambda place: (-counts[place], place))
            present = np.sort(frequent[: self.most_levels])
        levels = tuple(self.levels[place] for place in present.tolist())
        indicator = bool((part < 0).any())
        return FittedColumn(self.name, self.how, None, indicator, levels, other, self.unit)

    def encode(self, fitted: FittedColumn, features: NDArray[np.float64]) -> None:
        """Write the features of all rows into (rows, features of this column)."""
        places = {level: place for place, level in enumerate(fitted.levels)}
        # One place more than there are levels, for a missing cell, which is -1.
        table = np.array([places.get(level, -1) for level in self.levels] + [-1], dtype=np.int64)
        # In blocks, for what is made on the way would take the memory of the column again.
        for first in range(0, len(self.values), BLOCK):
            values, block = self.values[first : first + BLOCK], features[first : first + BLOCK]
            if self.how != "number":
                block[:] = fitted.of_places(table[values], values < 0)
                continue
            gone = np.isnan(values)
            block[:, 0] = np.where(gone, fitted.fill or 0.0, values)
            if fitted.indicator:
                block[:, 1] = gone


@dataclass(frozen=True, eq=False)
class FittedColumn:
    """What was learned of a column: what fills a missing number, which levels have a place.

    `indicator`: the training part has missing cells, so a feature says where. `other`: levels
    without a place share one.
    """

    name: str
    how: How
    fill: float | None = None
    indicator: bool = False
    levels: tuple[str, ...] = ()
    other: bool = False
    unit: str = ""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the column becomes, in their order."""
        missing = (f"{self.name} (missing)",) if self.indicator else ()
        if self.how != "onehot":
            return self.name, *missing
        own = tuple(f"{self.name} = {level}" for level in self.levels)
        return (*own, *((f"{self.name} (other)",) if self.other else ()), *missing)

    def of_places(self, places: NDArray[np.int64], gone: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the features of cells by their place among the levels, -1 for no place."""
        if self.how == "ordinal":
            known = np.where(places < 0, UNKNOWN, places)
            return np.stack([known, gone], axis=1) if self.indicator else known[:, None]
        features = np.zeros((len(places), len(self.features)))
        rows = np.flatnonzero(places >= 0)
        features[rows, places[rows]] = 1
        if self.other:
            features[(places < 0) & ~gone, len(self.levels)] = 1
        if self.indicator:
            features[gone, -1] = 1
        return features

    def of_cells(self, cells: Sequence[Any]) -> NDArray[np.float64]:
        """Return the features of new cells: numbers or texts, None or NaN where one is missing."""
        gone = np.array([_is_missing(cell) for cell in cells], dtype=bool)
        if self.how != "number":
            places = {level: place for place, level in enumerate(self.levels)}
            found = [-1 if none else places.get(str(cell), -1)
                     for cell, none in zip(cells, gone, strict=True)]  # fmt: skip
            return self.of_places(np.array(found, dtype=np.int64), gone)
        if self.fill is None and gone.any():
            raise DataError(f"column {self.name!r} misses a cell, and nothing is known to fill it")
        try:
            values = [self.fill if none else float(cell)
                      for cell, none in zip(cells, gone, strict=True)]  # fmt: skip
        except (TypeError, ValueError):
            bad = next(cell for cell in cells if not _is_missing(cell) and not _is_number(cell))
            raise DataError(f"column {self.name!r} holds {bad!r}; a number was expected") from None
        numbers = np.array(values, dtype=np.float64)
        return np.stack([numbers, gone], axis=1) if self.indicator else numbers[:, None]


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """How rows become inputs: columns encoded one by one, then mean and deviation taken out.

    `mean` and `deviation` hold one number for each feature, one for all, or none (not scaled).
    `missing_cells`: texts of cells that hold nothing, and numbers as texts. `written`: how the file
    wrote its cells, as its reader says it, for those of new rows that may be read in two ways.
    """

    columns: tuple[FittedColumn, ...]
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    missing_cells: tuple[str, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of all features."""
        return tuple(name for column in self.columns for name in column.features)

    def scaled(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> Preprocessing:
        """Return this, with what is taken out of the features at the end."""
        flat = (tuple(map(float, numbers.ravel())) for numbers in (mean, deviation))
        return replace(self, mean=next(flat), deviation=next(flat))

    def apply(self, table: Mapping[str, Sequence[Any]]) -> NDArray[np.float64]:
        """Return new rows as a model of these data takes them, (rows, features).

        `table`: the cells of each column by name, as numbers or texts, None where one is missing;
        further columns are left out. Raises DataError for a column that is absent or unusable.
        """
        for column in self.columns:
            if column.name not in table:
                hint = did_you_mean(column.name, list(table))
                raise DataError(f"no column {column.name!r}; {hint}")
        features = np.hstack(
            [column.of_cells(self._known(table[column.name])) for column in self.columns]
        )
        return (features - self.mean) / self.deviation if self.mean else features

    def _known(self, cells: Sequence[Any]) -> Sequence[Any]:
        """Return cells with None for those that hold nothing."""
        if not self.missing_cells:
            return cells
        numbers = {float(word) for word in self.missing_cells if _is_number(word)}
        return [
            None if str(cell) in self.missing_cells or (_is_number(cell) and float(cell) in numbers)
            else cell
            for cell in cells
        ]  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, for JSON; `from_plain` is the way back."""
        columns = []
        for column in self.columns:
            one: dict[str, Any] = {"name": column.name, "how": column.how}
            if column.fill is not None:
                one["fill"] = column.fill
            optional = {"indicator": column.indicator, "levels": list(column.levels),
                        "other": column.other, "unit": column.unit}  # fmt: skip
            columns.append(one | {name: value for name, value in optional.items() if value})
        plain = {"columns": columns, "mean": list(self.mean), "deviation": list(self.deviation)}
        cells = {"missing_cells": list(self.missing_cells), "written": dict(self.written)}
        return plain | {name: value for name, value in cells.items() if value}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Preprocessing:
        """Return what `plain` wrote; raises DataError for anything else."""
        try:
            columns = tuple(
                FittedColumn(**{**one, "levels": tuple(one.get("levels", ()))})
                for one in data["columns"]
            )
            words = tuple(data.get("missing_cells", ()))
            written = dict(data.get("written", {}))
            return cls(columns, tuple(data["mean"]), tuple(data["deviation"]), words, written)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"no preprocessing that `plain` wrote: {error}") from None


@dataclass(frozen=True, eq=False)
class RawInputs:
    """The inputs of a data set before anything is learned of them: its `raw`.

    `missing_cells`: texts of cells that hold nothing, and `written`, how the file wrote its cells,
    so that new rows are read alike.
    """

    columns: tuple[RawColumn, ...]
    missing_cells: tuple[str, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict)

    def fit(self, rows: NDArray[np.int64]) -> Preprocessing:
        """Return what is learned of those rows."""
        columns = tuple(column.fit(rows) for column in self.columns)
        return Preprocessing(columns, missing_cells=self.missing_cells, written=self.written)

    def encoded(self, fitted: Preprocessing) -> NDArray[np.float64]:
        """Return the features of all rows, (rows, features), not scaled."""
        features = np.empty((len(self.columns[0].values), len(fitted.features)))
        begin = 0
        for raw, column in zip(self.columns, fitted.columns, strict=True):
            end = begin + len(column.features)
            raw.encode(column, features[:, begin:end])
            begin = end
        return features


def plain_columns(dataset: Dataset) -> Preprocessing:
    """Return the preprocessing of inputs that are numbers already; pixels have no names."""
    if dataset.inputs.ndim > 2 or getattr(dataset, "image_shape", None) is not None:
        return Preprocessing(())
    return Preprocessing(tuple(FittedColumn(name, "number") for name in column_names(dataset)))


def _is_missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell)


def _is_number(cell: object) -> bool:
    try:
        float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True
