"""Training, validation and test rows of every subgroup, at most so many for training.

The recipe: for each group in increasing order one permutation of its rows; the first
``min(rows_per_group, rows // 2)`` train, the rest test. Validation rows are the last of the
training rows, so that the test part is that of the recipe whatever share validates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.groups.arguments import ArgumentError
from heliostat_methods.fams.groups.coding import Subgroups


@dataclass(frozen=True, eq=False)
class GroupSplit:
    """Numbers of the rows of each part, group after group; disjoint, together all rows."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]


def split_groups(
    groups: Subgroups,
    rng: np.random.Generator,
    rows_per_group: int | None = 100,
    validation: float = 0.0,
) -> GroupSplit:
    """Return the parts of all rows; the test part depends on `rng` and `rows_per_group` alone.

    `rows_per_group`: most training rows of a group, with those that validate; never more than half
    of the group, so a group of one row is in the test part alone. None: half of each group.
    `validation`: share of them that validates, rounded down in each group. Raises ArgumentError
    for values out of range.
    """
    _check(rows_per_group, validation)
    parts: list[list[NDArray[np.int64]]] = [[], [], []]
    # a stable sort keeps the rows of a group in their order
    members = np.split(np.argsort(groups.codes, kind="stable"), np.cumsum(groups.sizes)[:-1])
    for rows in members:
        shuffled = rng.permutation(rows)
        half = len(rows) // 2
        used = half if rows_per_group is None else min(int(rows_per_group), half)
        cut = used - int(validation * used)
        for part, some in zip(parts, np.split(shuffled, [cut, used]), strict=True):
            part.append(some)
    return GroupSplit(*(np.concatenate(part).astype(np.int64) for part in parts))


def _check(rows_per_group: object, validation: float) -> None:
    whole = isinstance(rows_per_group, int | np.integer) and not isinstance(rows_per_group, bool)
    if rows_per_group is not None and not (whole and rows_per_group >= 1):  # type: ignore[operator]
        raise ArgumentError("rows_per_group", rows_per_group, "a whole number, 1 or more")
    if not 0 <= validation < 1:
        raise ArgumentError("validation", validation, "a share of the training rows, 0 to below 1")
