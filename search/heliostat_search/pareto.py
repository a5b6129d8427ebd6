"""Trade-offs between objectives that are all minimised: dominance, the front, its hypervolume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import DataError


def dominates(a: ArrayLike, b: ArrayLike) -> bool:
    """Return whether `a` is nowhere worse than `b` and somewhere better; both (objectives,).

    Raises DataError for points of other shapes.
    """
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.ndim != 1 or left.shape != right.shape:
        raise DataError(
            f"points of one shape (objectives,) needed, got {left.shape}, {right.shape}"
        )
    return bool(np.all(left <= right) and np.any(left < right))


def front(points: ArrayLike) -> list[int]:
    """Return the indices of the points that no other point dominates; points: (n, objectives).

    Ordered by the first objective, ties by the next ones, equal points by index: the order does
    not depend on how the points were sorted. Equal points are all kept. Raises DataError for NaN.
    """
    values = _points(points)
    kept: list[int] = []
    # In lexicographic order a later point never dominates an earlier one.
    for index in _lexicographic(values):
        best = values[kept]
        point = values[index]
        if not np.any(np.all(best <= point, axis=1) & np.any(best < point, axis=1)):
            kept.append(index)
    return kept


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Return the measure of the region that the points dominate, bounded by `reference`, exactly.

    points: (n, objectives), reference: (objectives,). A point that is not better than the reference
    in every objective adds nothing. Two objectives are swept in O(n log n); more are handled by
    exclusive contributions (While, Bradstreet, Barone 2012, the WFG algorithm), for small n. Raises
    DataError for NaN, points of another shape, and a reference that is not finite or does not fit.
    """
    values = _points(points)
    corner = np.asarray(reference, dtype=np.float64)
    if corner.shape != values.shape[1:]:
        raise DataError(
            f"a reference of shape {values.shape[1:]} needed, as many objectives as the points "
            f"have, got {corner.shape}"
        )
    if not np.all(np.isfinite(corner)):
        raise DataError(f"a finite reference needed, got {corner.tolist()}")
    inside = values[np.all(values < corner, axis=1)]
    return _volume(inside, corner)


def _volume(points: NDArray[np.float64], corner: NDArray[np.float64]) -> float:
    points = np.unique(points[front(points)], axis=0)
    if len(points) == 0:
        return 0.0
    if points.shape[1] == 1:
        return float(corner[0] - points[0, 0])
    if points.shape[1] == 2:
        ceilings = np.concatenate([corner[1:], points[:-1, 1]])
        return float(np.sum((corner[0] - points[:, 0]) * (ceilings - points[:, 1])))
    total = 0.0
    for index, point in enumerate(points):
        # What later points share with this one: they, pulled back into this point's box.
        shared = np.maximum(points[index + 1 :], point)
        total += float(np.prod(corner - point)) - _volume(shared, corner)
    return total


def _lexicographic(values: NDArray[np.float64]) -> Sequence[int]:
    # np.lexsort is stable and takes its last key first.
    return [int(index) for index in np.lexsort(values.T[::-1])]


def _points(points: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] == 0:
        raise DataError(f"points of shape (n, objectives) needed, got {values.shape}")
    bad = np.argwhere(np.isnan(values))
    if len(bad):
        row, column = bad[0].tolist()
        raise DataError(f"point {row}, objective {column} is NaN: no order exists")
    return values
