"""Linear algebra modulo a prime below 2^31, on int64 arrays: ranks, null spaces, solutions."""

from __future__ import annotations

import numpy as np

from heliostat_methods.amplitudes.fields.residue_arrays import Integers


def reduced_rows(matrix: Integers, prime: int) -> tuple[Integers, list[int]]:
    """Return the reduced echelon form without its zero rows, (rank, columns), and its pivots.

    ``matrix``: (rows, columns), integers from 0 to p - 1.
    """
    rows = np.array(matrix, dtype=np.int64) % prime
    pivots: list[int] = []
    for column in range(rows.shape[1]):
        top = len(pivots)
        below = np.flatnonzero(rows[top:, column])
        if not below.size:
            continue
        at = top + int(below[0])
        if at != top:
            rows[[top, at]] = rows[[at, top]]
        rows[top] = rows[top] * pow(int(rows[top, column]), -1, prime) % prime
        factors = rows[:, column].copy()
        factors[top] = 0
        changed = np.flatnonzero(factors)
        right = rows[changed, column:]  # to the left the pivot's row is 0
        rows[changed, column:] = (right - factors[changed, None] * rows[top, column:]) % prime
        pivots.append(column)
        if len(pivots) == rows.shape[0]:
            break
    return rows[: len(pivots)], pivots


def rank(matrix: Integers, prime: int) -> int:
    """Return the rank of a matrix (rows, columns)."""
    return len(reduced_rows(matrix, prime)[1])


def null_space(matrix: Integers, prime: int) -> Integers:
    """Return a basis (dimension, columns) of all x with matrix x = 0, one free column each.

    It is the one of the reduced form: 1 in its own free column, 0 in the others'.
    """
    rows, pivots = reduced_rows(matrix, prime)
    columns = rows.shape[1]
    free = [column for column in range(columns) if column not in pivots]
    basis = np.zeros((len(free), columns), dtype=np.int64)
    for i, column in enumerate(free):
        basis[i, column] = 1
        basis[i, pivots] = -rows[:, column] % prime
    return basis


def residual_rank(matrix: Integers, targets: Integers, prime: int) -> int:
    """Return how many independent targets are no combination of columns.

    ``matrix`` (rows, columns), ``targets`` (rows, targets): rank([matrix | targets]) less
    rank(matrix). It needs more rows than columns and targets together to say anything.
    """
    _, pivots = reduced_rows(np.hstack([matrix, targets]), prime)
    return sum(column >= matrix.shape[1] for column in pivots)


def product(a: Integers, b: Integers, prime: int) -> Integers:
    """Return the matrix product a b modulo a prime; no sum of products leaves int64."""
    total = np.zeros((a.shape[0], b.shape[1]), dtype=np.int64)
    for k in range(a.shape[1]):
        total = (total + a[:, k, None] * b[k]) % prime
    return total
