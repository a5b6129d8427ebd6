"""Random kinematics modulo a prime, many points in one."""

from __future__ import annotations

import numpy as np

from heliostat_methods.amplitudes.fields.residue_arrays import (
    Integers,
    ResidueArray,
    ResidueArrayField,
)
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint

Draw = np.random.Generator


def random_gram_points(n: int, field: ResidueArrayField, rng: Draw, points: int) -> GramPoint:
    """Return uniform points of n >= 4 massless legs, each product an array (points,)."""
    _check_legs(n)
    ek, ee = _polarisations(n, field, rng, (points,))
    return GramPoint(_massless(n, field, rng, (points,)), ek, ee, field)


def random_gram_line(
    n: int, field: ResidueArrayField, rng: Draw, parameters: ResidueArray
) -> GramPoint:
    """Return points of a random line, k_i.k_j = a_ij + t b_ij, at parameters t (points,).

    Polarisations' products are the same at all of them. Every s_P is linear in t.
    """
    _check_legs(n)
    start, along = _massless(n, field, rng, ()), _massless(n, field, rng, ())
    kk = [[a + parameters * b for a, b in zip(*rows, strict=True)]
          for rows in zip(start, along, strict=True)]  # fmt: skip
    return GramPoint(kk, *_polarisations(n, field, rng, ()), field)


def distinct_residues(prime: int, rng: Draw, count: int) -> Integers:
    """Return different residues from 1 to p - 1, in the order drawn."""
    if count >= prime:
        raise ValueError(f"prime: {prime}, expected more residues than the {count} points needed")
    found: dict[int, None] = {}
    while len(found) < count:
        found.setdefault(int(rng.integers(1, prime)))
    return np.array(list(found), dtype=np.int64)


def _check_legs(n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 4:
        raise ValueError(f"n: {n!r}, expected at least 4 legs: three have no products that vary")


Rows = list[list[ResidueArray]]


def _massless(n: int, field: ResidueArrayField, rng: Draw, shape: tuple[int, ...]) -> Rows:
    kk = [[field.zero] * (n - 1) for _ in range(n - 1)]
    rest = field.zero
    for i in range(n - 1):
        for j in range(i + 1, n - 1):
            last = (i, j) == (n - 3, n - 2)
            kk[i][j] = kk[j][i] = -rest if last else _drawn(field, rng, shape)
            rest = rest + kk[i][j]
    return kk


def _polarisations(
    n: int, field: ResidueArrayField, rng: Draw, shape: tuple[int, ...]
) -> tuple[Rows, Rows]:
    ek = [[field.zero if i == j else _drawn(field, rng, shape) for j in range(n - 1)]
          for i in range(n)]  # fmt: skip
    total = field.zero
    for value in ek[n - 1][: n - 2]:
        total = total - value
    ek[n - 1][n - 2] = total
    ee = [[field.zero] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1, n):
            ee[i][j] = ee[j][i] = _drawn(field, rng, shape)
    return ek, ee


def _drawn(field: ResidueArrayField, rng: Draw, shape: tuple[int, ...]) -> ResidueArray:
    return ResidueArray(np.asarray(rng.integers(0, field.prime, size=shape)), field.prime)
