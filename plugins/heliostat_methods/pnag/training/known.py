"""Results that are known: a table that answers in place of an evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat import PartRef, stored
from heliostat.errors import DataError
from heliostat_methods.pnag.spaces.moves import row_keys
from heliostat_methods.pnag.spaces.space import Archs, KnownSpace, SearchSpace

Answers = Callable[[Archs], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Accuracy and cost of canonical architectures, (n,) each."""


@stored("pnag.table")
@dataclass(frozen=True, eq=False)
class Table:
    """All architectures of a space with accuracy and cost, (n,) each, in the order of their rows.

    Without architectures the space itself is asked, which has too many to list.
    """

    space: PartRef
    archs: Archs
    accuracy: NDArray[np.float64]
    cost: NDArray[np.float64]


def answers(table: Table, space: SearchSpace) -> Answers:
    """Return what looks architectures up; an unknown one is a DataError that names it."""
    if len(table.archs) == 0:
        if not isinstance(space, KnownSpace):
            raise DataError(f"{space.name}: neither a table nor a space that is known")
        return space.look_up
    places = {key: place for place, key in enumerate(row_keys(table.archs))}

    def look_up(archs: Archs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rows = [places.get(key, -1) for key in row_keys(archs)]
        if -1 in rows:
            raise DataError(f"no result of {space.write(archs[rows.index(-1)])}")
        return table.accuracy[rows], table.cost[rows]

    return look_up
