"""Which rows a step sees: shuffled, or drawn so that every subgroup is seen equally often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def shuffled(rows: int, size: int, draws: np.random.Generator) -> list[Rows]:
    """Return one epoch: each row once, in batches of `size`; the last may be smaller."""
    return _cut(draws.permutation(rows), size)


def drawn(chances: NDArray[np.float64], size: int, draws: np.random.Generator) -> list[Rows]:
    """Return one epoch of as many rows and batches, drawn with replacement by their chances."""
    rows = len(chances)
    return _cut(draws.choice(rows, size=rows, p=chances), size)


def balanced_chances(groups: Rows, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return chances (rows,) that give every group the same, 1/n_a for a row of weight 1.

    A row of another weight counts as that many rows of its group.
    """
    chances = weights / np.bincount(groups, weights)[groups]
    share: NDArray[np.float64] = chances / chances.sum()
    return share


def _cut(order: Rows, size: int) -> list[Rows]:
    return [order[at : at + size] for at in range(0, len(order), size)]
