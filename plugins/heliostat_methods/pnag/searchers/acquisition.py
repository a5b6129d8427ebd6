"""How much an architecture is expected to add to a front whose cost and error are both uncertain.

Expected hypervolume improvement in two objectives that are minimised, both normal and independent:
the front cuts the plane into strips of cost; in each the gain is a product of two one-dimensional
expectations (Emmerich, Deutz, Klinkenberg 2011; Yang et al. 2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Column = NDArray[np.float64]


def staircase(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nondominated ones of points (n, 2), by cost, errors falling, without equal ones.

    Of the first objective's ties only the best is on it.
    """
    return points[_first(points, np.arange(len(points)))]


def layers(points: NDArray[np.float64]) -> Iterator[NDArray[np.int64]]:
    """Yield the places of the front of points (n, 2), of the front of the rest, and so on.

    Each by cost; of equal points the first comes first, the others in later layers.
    """
    left = np.arange(len(points))
    while len(left):
        layer = _first(points, left)
        yield layer
        left = np.setdiff1d(left, layer)


def _first(points: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    ordered = places[np.lexsort((points[places, 1], points[places, 0]))]
    least = np.minimum.accumulate(points[ordered, 1])
    lower = np.concatenate([[True], least[1:] < least[:-1]])[: len(ordered)]
    on: NDArray[np.int64] = ordered[lower]
    return on


def expected_improvement(
    cost: tuple[Column, Column],
    error: tuple[Column, Column],
    front: NDArray[np.float64],
    reference: NDArray[np.float64],
) -> Column:
    """Return the expected gain of hypervolume of n candidates, (n,).

    `cost`, `error`: mean and standard deviation, (n,) each, a deviation of 0 for what is known.
    `front`: a `staircase` (k, 2), of which what is not below the reference (2,) does not count.
    """
    front = front[np.all(front < reference, axis=1)]
    edges = np.concatenate([front[:, 0], [reference[0]]])
    ceilings = np.concatenate([[reference[1]], front[:, 1]])
    total = np.zeros(len(cost[0]))
    before: Column | float = 0.0
    for edge, ceiling in zip(edges, ceilings, strict=True):
        reached = shortfall(edge, *cost)
        total += (reached - before) * shortfall(ceiling, *error)
        before = reached
    return total


def shortfall(bound: float, mean: Column, deviation: Column) -> Column:
    """Return the expectation of max(bound - x, 0) for normal x, (n,)."""
    sure = np.maximum(bound - mean, 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = np.where(deviation > 0, (bound - mean) / deviation, 0)
    density = np.exp(-(np.clip(z, -40, 40) ** 2) / 2) / math.sqrt(2 * math.pi)
    doubtful = np.maximum(deviation * density + (bound - mean) * ndtr(z), sure)
    return np.where(deviation > 0, doubtful, sure)
