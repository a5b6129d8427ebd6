"""Rows that stand in two parts of a split: a test on them measures memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.contract import Dataset

_MULTIPLIER = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio, odd: the multiplier of Fibonacci hashing (Knuth, vol. 3)."""
_BLOCK = 1 << 18
"""Numbers that are hashed at once."""


def rows_in_both(dataset: Dataset, first: NDArray[np.int64], second: NDArray[np.int64]) -> int:
    """Return how many rows of `second` have the inputs and the target of a row of `first`."""
    keys = _row_keys(dataset)
    ordered = first[np.argsort(keys[first], kind="stable")]
    begins = np.searchsorted(keys[ordered], keys[second], side="left")
    ends = np.searchsorted(keys[ordered], keys[second], side="right")
    suspects = np.flatnonzero(ends > begins)
    # A key is 64 bits of a hash: rows that share one are compared, first of all with the first.
    same = _equal(dataset, second[suspects], ordered[begins[suspects]])
    count = int(np.count_nonzero(same))
    for i in suspects[~same].tolist():
        others = ordered[begins[i] + 1 : ends[i]]
        count += bool(_equal(dataset, np.full(len(others), second[i]), others).any())
    return count


def _row_keys(dataset: Dataset) -> NDArray[np.uint64]:
    """Return a hash of the inputs and the target of each row, (rows,)."""
    rows = dataset.inputs.reshape(len(dataset.inputs), -1)
    width = rows.shape[1]
    odd = (np.arange(width + 1, dtype=np.uint64) * np.uint64(2) + np.uint64(1)) * np.uint64(
        _MULTIPLIER
    )
    keys = _mixed(dataset.targets[:, None], odd[width:])
    step = max(1, _BLOCK // width)
    for begin in range(0, len(rows), step):
        keys[begin : begin + step] += _mixed(rows[begin : begin + step], odd[:width])
    return keys


def _mixed(block: NDArray[Any], odd: NDArray[np.uint64]) -> NDArray[np.uint64]:
    # Adding zero makes -0.0 and 0.0 one value.
    bits = (block.astype(np.float64) + 0.0).view(np.uint64)
    # Whole numbers have their bits at the upper end, where a product alone would lose them.
    bits ^= bits >> np.uint64(32)
    bits *= odd
    bits ^= bits >> np.uint64(29)
    total: NDArray[np.uint64] = bits.sum(axis=1, dtype=np.uint64)
    return total


def _equal(dataset: Dataset, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for each pair of rows whether they are equal."""
    inputs, targets = dataset.inputs, dataset.targets
    width = tuple(range(1, inputs.ndim))
    same: NDArray[np.bool_] = (targets[one] == targets[other]) & (inputs[one] == inputs[other]).all(
        axis=width
    )
    return same
