"""What a data set has to be, whoever built it, and what is told of one that can be used.

`split` asks for it before anything is divided, so no reader and no plugin gets round it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.contract import Dataset
from heliostat.errors import DataError, did_you_mean, listed
from heliostat_search.names_of_data import class_text, column_names
from heliostat_search.scales import scale_of

TASKS = ("regression", "classification")
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
LARGEST = 1e290
"""Sums of larger numbers may not be finite, so there is no mean to take out."""
FINEST = 1e-6
"""Values that are closer than this share of the middle half's width may become one in float32."""


def check_dataset(dataset: Dataset) -> tuple[str, ...]:
    """Return what has to be told of a data set: constant inputs, values that float32 merges.

    Raises DataError, naming row and column, if the data set breaks the protocol's promises or if
    its target does not vary.
    """
    name, inputs, targets = dataset.name, dataset.inputs, dataset.targets
    if dataset.task not in TASKS:
        raise DataError(
            f"{name}: unknown task {dataset.task!r}; {did_you_mean(dataset.task, TASKS)}"
        )
    if inputs.dtype not in FLOATS or inputs.ndim < 2 or 0 in inputs.shape:
        raise DataError(
            f"{name}: inputs of shape (samples, *shape) and dtype float32 or float64 needed, "
            f"got {inputs.shape} {inputs.dtype}"
        )
    if targets.shape != inputs.shape[:1]:
        raise DataError(
            f"{name}: one target per sample needed, shape {inputs.shape[:1]}, got {targets.shape}"
        )
    _check_inputs(dataset)
    if dataset.task == "regression":
        _check_numbers(dataset)
    else:
        _check_labels(dataset)
    _check_test_rows(dataset)
    _check_attributes(dataset)
    return (*_constants(dataset), *_merged(dataset))


def is_image(dataset: Dataset) -> bool:
    """Return whether the columns of a data set are pixels, which are scaled together."""
    return dataset.inputs.ndim > 2 or getattr(dataset, "image_shape", None) is not None


def merged_values(values: NDArray[Any], mean: float, deviation: float) -> int:
    """Return how many of the values (n,) become another one when they are scaled to float32.

    Those that are closer than a millionth of the width of their middle half are not counted: what
    lies that close is one value for any model.
    """
    if values.dtype == np.float32:
        return 0
    if not deviation > 0:  # closer than float64 can tell
        return 0
    ordered = np.sort(values)
    steps = np.diff(ordered)
    scaled = ((ordered - mean) / deviation).astype(np.float32)
    lost = (steps > 0) & (np.diff(scaled) == 0)
    if not lost.any():
        return 0
    quarter = len(ordered) // 4
    middle = ordered[len(ordered) - 1 - quarter] - ordered[quarter]
    return int(np.count_nonzero(lost & (steps > FINEST * middle)))


def _constants(dataset: Dataset) -> list[str]:
    if is_image(dataset):  # the margin of a picture never changes
        return []
    same = dataset.inputs.max(0) == dataset.inputs.min(0)
    names = [name for name, flat in zip(column_names(dataset), same, strict=True) if flat]
    if not names:
        return []
    return [f"constant inputs, which say nothing of the target: {listed(names)}"]


def _merged(dataset: Dataset) -> list[str]:
    told = []
    if not is_image(dataset):
        for name, column in zip(column_names(dataset), dataset.inputs.T, strict=True):
            told += _merge_text(f"input {name}", column)
    if dataset.task == "regression":
        told += _merge_text("the target", dataset.targets)
    return told


def _merge_text(what: str, values: NDArray[Any]) -> list[str]:
    if values.dtype == np.float32:  # what it merged cannot be seen any more
        return []
    scale = scale_of(values)
    count = merged_values(values, float(scale.mean), float(scale.deviation))
    if not count:
        return []
    return [
        f"{what}: {count:,} values cannot be told from their neighbours in float32, in which "
        "models are trained; a few values lie far from all others"
    ]


def _check_inputs(dataset: Dataset) -> None:
    name, inputs = dataset.name, dataset.inputs
    place = _first_bad(inputs)
    if place is None:
        return
    column = int(np.ravel_multi_index(place[1:], inputs.shape[1:]))
    value, what = inputs[place], _what_is_bad(inputs[place])
    called = plain = f"column {column}"
    if not is_image(dataset) and column_names(dataset)[column] != plain:
        called = f"column {column_names(dataset)[column]!r}"
    raise DataError(f"{name}: inputs row {place[0]}, {called} is {value}, {what}")


def _first_bad(values: NDArray[Any]) -> tuple[int, ...] | None:
    """Return the place of the first number that is not finite or too large, if there is one."""
    # Two numbers instead of a mask of the data's size; NaN is neither above nor below.
    if float(values.min()) >= -LARGEST and float(values.max()) <= LARGEST:
        return None
    bad = ~(np.abs(values) <= np.float64(LARGEST))
    return tuple(np.argwhere(bad)[0].tolist())


def _what_is_bad(value: Any) -> str:
    return f"beyond {LARGEST:g}" if np.isfinite(value) else "no finite number"


def _check_numbers(dataset: Dataset) -> None:
    name, targets = dataset.name, dataset.targets
    if dataset.classes != 1:
        raise DataError(f"{name}: classes = 1 needed for a regression, got {dataset.classes}")
    if targets.dtype not in FLOATS:
        raise DataError(
            f"{name}: float32 or float64 targets needed for a regression, got {targets.dtype}; "
            "class numbers need task = 'classification'"
        )
    place = _first_bad(targets)
    if place is not None:
        value, what = targets[place], _what_is_bad(targets[place])
        raise DataError(f"{name}: target of row {place[0]} is {value}, {what}")
    if targets.min() == targets.max():
        raise DataError(
            f"{name}: the target is {targets[0]:.17g} in every row; one that varies is needed"
        )


def _check_labels(dataset: Dataset) -> None:
    name, targets, classes = dataset.name, dataset.targets, dataset.classes
    if classes < 2:
        raise DataError(f"{name}: at least 2 classes needed for class labels, got {classes}")
    if targets.dtype != np.int64:
        raise DataError(f"{name}: int64 class numbers needed, got {targets.dtype}")
    bad = np.flatnonzero((targets < 0) | (targets >= classes))
    if len(bad):
        raise DataError(
            f"{name}: label {targets[bad[0]]} of row {bad[0]} is outside 0..{classes - 1}"
        )
    if targets.min() == targets.max():
        only = class_text(dataset, int(targets[0]))
        raise DataError(f"{name}: every row has {only}; at least two classes needed")


def _check_test_rows(dataset: Dataset) -> None:
    official = getattr(dataset, "test_rows", None)
    if official is None:
        return
    name, rows, count = dataset.name, np.asarray(official), len(dataset.inputs)
    if rows.ndim != 1 or rows.dtype != np.int64 or not 0 < len(rows) < count:
        raise DataError(
            f"{name}: test_rows, the official test set, needs int64 row numbers, at least one and "
            f"fewer than the {count} rows, got shape {rows.shape} {rows.dtype}"
        )
    bad = np.flatnonzero((rows < 0) | (rows >= count))
    if len(bad):
        raise DataError(f"{name}: test_rows holds {rows[bad[0]]}, outside 0..{count - 1}")
    values, counts = np.unique(rows, return_counts=True)
    if counts.max() > 1:
        raise DataError(f"{name}: test_rows holds {values[counts.argmax()]} more than once")


def _check_attributes(dataset: Dataset) -> None:
    for name, values in (getattr(dataset, "attributes", None) or {}).items():
        where, rows = f"{dataset.name}: attribute {name!r}", len(dataset.inputs)
        if not isinstance(name, str) or not name:
            raise DataError(f"{where} needs a name that is a text")
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "biufU":
            kind = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
            raise DataError(f"{where} needs an array of texts or numbers, got {kind}")
        if values.shape != (rows,):
            raise DataError(f"{where} needs one value per sample, {rows:,}, got {values.shape}")
