"""What a report says of the data: rows, columns and their kinds, the split, the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.contract import Dataset
from heliostat_search.names_of_data import class_names
from heliostat_search.preprocessing import FittedColumn
from heliostat_search.splits import Samples, Split

BINS = 24
"""Bars of a histogram of the target."""
MOST_LISTED = 6
"""Values of an attribute that are named."""


def data_account(dataset: Dataset, parts: Split) -> dict[str, Any]:
    """Return what is known of a data set and its split, as plain data.

    `rows`, `parts` (rows of each), `inputs` (features), `shape` of an image; `columns`, each with
    name, kind, range, unit, missing cells, `becomes` (features) or why it is `left_out`; `written`,
    how the file is written; `left_out` and `handled`, what was dropped or filled; `target`, with
    `classes` (name, then rows in all and in each part) or a `histogram` of the training part;
    `remarks`; `preprocessing`, which `Preprocessing.from_plain` reads; `attributes`, where the data
    set has some, each with its name and range.
    """
    about = dict(getattr(dataset, "about", {}))
    attributes = getattr(dataset, "attributes", None) or {}
    shape = getattr(dataset, "image_shape", None)
    account = {
        "rows": len(dataset.targets),
        "parts": {"train": len(parts.train), "valid": len(parts.valid), "test": len(parts.test)},
        "inputs": int(np.prod(parts.input_shape)),
        "shape": list(shape or parts.input_shape) if shape or len(parts.input_shape) > 1 else [],
        "written": about.get("written", ""),
        "columns": _columns(about, parts),
        "left_out": list(about.get("left_out", ())),
        "handled": list(about.get("handled", ())),
        "target": _target(dataset, parts, about.get("target", {})),
        "remarks": list(parts.remarks),
        "preprocessing": parts.preprocessing.plain(),
    }
    if attributes:
        account["attributes"] = [
            {"name": name, "range": _range(values)} for name, values in attributes.items()
        ]
    return account


def _range(values: NDArray[Any]) -> str:
    """Return the values of an attribute if they are few, else how many, or least and largest."""
    different = np.unique(values[values == values])
    if len(different) <= MOST_LISTED:
        return ", ".join(map(str, different.tolist()))
    if values.dtype.kind == "U":
        return f"{len(different):,} levels"
    return f"{different[0]:.6g} to {different[-1]:.6g}"


def _columns(about: dict[str, Any], parts: Split) -> list[dict[str, Any]]:
    """Return the columns that the reader told of, or those that the inputs have, as they become."""
    fitted = {column.name: column for column in parts.preprocessing.columns}
    told = about.get("columns") or [{"name": name, "kind": "number"} for name in fitted]
    return [
        {**column, "becomes": _becomes(fitted[column["name"]])}
        if column["name"] in fitted
        else dict(column)
        for column in told
    ]


def _becomes(column: FittedColumn) -> str:
    missing = ", and whether it is missing" if column.indicator else ""
    if column.how == "onehot":
        other = " and other" if column.other else ""
        return f"0 or 1 for {len(column.levels)} levels{other}{missing}"
    if column.how == "ordinal":
        return f"place among {len(column.levels)} levels{missing}"
    filled = f"number, {column.fill:.6g} where missing" if column.indicator else "number"
    return filled + missing


def _target(dataset: Dataset, parts: Split, told: dict[str, Any]) -> dict[str, Any]:
    target = dict(told)
    if dataset.task == "classification":
        counts = [_class_counts(dataset, rows) for rows in (parts.train, parts.valid, parts.test)]
        names = class_names(dataset)
        target["classes"] = [
            [name, int(sum(each)), *map(int, each)]
            for name, *each in zip(names, *counts, strict=True)
        ]
        return target
    values = dataset.targets[parts.train.rows].astype(np.float64)
    if np.ptp(values) > 0:
        heights, edges = np.histogram(values, BINS)
        target["histogram"] = {"edges": edges.tolist(), "rows": heights.tolist()}
    return target


def _class_counts(dataset: Dataset, part: Samples) -> NDArray[np.int64]:
    return np.bincount(dataset.targets[part.rows], minlength=dataset.classes)
