"""What has to be told of a data set once it is divided: sentences for a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.contract import Dataset
from heliostat.errors import listed
from heliostat_search.dataset_checks import is_image, merged_values
from heliostat_search.leakage import rows_in_both
from heliostat_search.names_of_data import class_text
from heliostat_search.preprocessing import Preprocessing

UNBALANCED = 4
"""How many times more rows the largest class has than the smallest before it is told."""


def split_remarks(
    dataset: Dataset,
    inputs: NDArray[Any],
    fitted: Preprocessing,
    parts: Sequence[NDArray[np.int64]],
) -> list[str]:
    """Return remarks on a split; `parts` are the rows of train, validation and test.

    `inputs` (rows, ...) are encoded by the training part and not scaled, `fitted` says how.
    """
    train, *others = parts
    rest = np.concatenate(others)
    return [
        *_flat(dataset, inputs, train, fitted),
        *_merged(dataset, inputs, fitted),
        *_unknown(dataset, fitted, rest),
        *_unbalanced(dataset),
        *_repeated(dataset, train, others),
    ]


def _flat(
    dataset: Dataset, inputs: NDArray[Any], train: NDArray[np.int64], fitted: Preprocessing
) -> list[str]:
    """Return which inputs vary, but not in the training part."""
    if is_image(dataset):  # a pixel at the margin
        return []
    part = inputs[train]
    same = (part.max(0) == part.min(0)) & (inputs.max(0) > inputs.min(0))
    names = [name for name, flat in zip(fitted.features, same, strict=True) if flat]
    return [f"constant in the training part, so never used: {listed(names)}"] if names else []


def _merged(dataset: Dataset, inputs: NDArray[Any], fitted: Preprocessing) -> list[str]:
    """Return which inputs float32 rounds where nothing was taken out of them."""
    if inputs.dtype == np.float32 or is_image(dataset) or fitted.mean:
        return []
    counts = [merged_values(column, 0.0, 1.0) for column in inputs.T]
    return [
        f"input {name}: float32 makes {count:,} values equal to their neighbours; standardize "
        "keeps them apart"
        for name, count in zip(fitted.features, counts, strict=True)
        if count
    ]


def _unknown(dataset: Dataset, fitted: Preprocessing, rest: NDArray[np.int64]) -> list[str]:
    """Return in how many rows outside of the training part a level is new."""
    raw = getattr(dataset, "raw", None)
    if raw is None:
        return []
    told = []
    for column, one in zip(raw.columns, fitted.columns, strict=True):
        if column.how == "number":
            continue
        known = np.array([level in one.levels for level in column.levels] + [True])
        count = int(np.count_nonzero(~known[column.values[rest]]))
        if count and not one.other:
            told.append(
                f"{column.name}: {count:,} of {len(rest):,} rows of validation and test hold "
                "levels that the training part lacks"
            )
    return told


def _unbalanced(dataset: Dataset) -> list[str]:
    if dataset.task != "classification":
        return []
    counts = np.bincount(dataset.targets, minlength=dataset.classes)
    present = np.flatnonzero(counts)
    rarest = int(present[counts[present].argmin()])
    largest = int(counts.argmax())
    if counts[largest] < UNBALANCED * counts[rarest]:
        return []
    total = len(dataset.targets)
    return [
        f"classes are unbalanced: {class_text(dataset, rarest)} has {counts[rarest]:,} of "
        f"{total:,} rows, {class_text(dataset, largest)} {counts[largest]:,}; always saying the "
        f"latter errs in {1 - counts[largest] / total:.2g} of all rows"
    ]


def _repeated(
    dataset: Dataset, train: NDArray[np.int64], others: Sequence[NDArray[np.int64]]
) -> list[str]:
    """Return how many rows of validation and test stand in the training part as well."""
    told = []
    for part, name in zip(others, ("validation", "test"), strict=True):
        count = rows_in_both(dataset, train, part)
        if count:
            told.append(
                f"{count:,} of {len(part):,} {name} rows stand in the training part as well (equal "
                "inputs and target), so they measure memory and not what was learned"
            )
    return told
