"""Euclidean distances of many rows, in portions that fit the caches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from heliostat_methods.strokegan.metrics.checks import Floats

NUMBERS = 1 << 18


def exact_distances(x: Floats, y: Floats) -> Floats:
    """Return distances (n, m) of rows (n, d), (m, d) by differences, so that equal rows have 0.

    Rows are of the order of 1; what differs by less than 1e-160 is equal.
    """
    found = np.empty((len(x), len(y)))
    for begin, end in _portions(len(x), y.size):
        apart = x[begin:end, None] - y
        found[begin:end] = np.sqrt(np.einsum("nmd,nmd->nm", apart, apart))
    return found


def product_distances(x: Floats, y: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield (first row, squared distances) of rows (n, d), (m, d), as products of matrices.

    Both are taken from y's first row, so that rows that equal it have exactly 0. Errors are some
    1e-15 of the largest squared distance from there.
    """
    # Of wide rows this is a hundred times as fast as differences.
    left, right = x - y[0], y - y[0]
    norms = np.einsum("nd,nd->n", right, right)
    for begin, end in _portions(len(x), len(y)):
        some = left[begin:end]
        squares = np.einsum("nd,nd->n", some, some)[:, None] + norms - 2.0 * some @ right.T
        yield begin, np.maximum(squares, 0.0)


def _portions(rows: int, numbers: int) -> Iterator[tuple[int, int]]:
    step = max(1, NUMBERS // max(1, numbers))
    for begin in range(0, rows, step):
        yield begin, min(begin + step, rows)
