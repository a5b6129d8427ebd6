"""Random legal points, to test identities on."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.errors import NoPoint
from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.floating import FloatField
from heliostat_methods.amplitudes.fields.inferred import field_of
from heliostat_methods.amplitudes.fields.prime import PrimeField
from heliostat_methods.amplitudes.fields.random_numbers import Draw, random_numbers
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint, planar_pairs
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint

_DENOMINATORS = (1, 2, 3, 5, 7)
_TRIES = 1000


def random_gram_point(
    n: int, rng: np.random.Generator, field: Field | str = "rational", size: int = 9
) -> GramPoint:
    """Return a random legal point of n >= 3 legs at which no propagator of the order 0..n-1 is 0.

    Products are a/b with |a| <= ``size`` and b of 1, 2, 3, in exact fields and in mpmath; uniform
    residues modulo a prime; standard normal floats, with an imaginary part where the field has one.
    Those that constraints fix follow from them. ValueError where a small prime has no such point.
    """
    field = field_of((), field)
    if n < 3:
        raise ValueError(f"n: {n}, expected at least 3 legs")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"size: {size!r}, expected a whole number from 1")
    draw = random_numbers(field, rng, size)
    for _ in range(_TRIES):
        kk = _momenta(n, draw, field)
        if not _singular(kk, n, field):
            return GramPoint(kk, *_polarisations(n, draw, field), field)
    raise NoPoint(f"field: {field} with size {size}: no point of {n} legs without a pole found")


def random_ads_point(n: int, rng: np.random.Generator, field: Field | str = "rational") -> AdSPoint:
    """Return a random point of n >= 3 legs with positive norms, which need no triangle inequality.

    Norms are a/b with 9 <= a <= 90 and b of 1, 2, 3, 5, 7, so that poles rarely meet; uniform
    residues other than 0 modulo a prime; floats between 1 and 10. Polarisations as in
    `random_gram_point`.
    """
    field = field_of((), field)
    if n < 3:
        raise ValueError(f"n: {n}, expected at least 3 legs")

    def norm() -> Number:
        if isinstance(field, PrimeField):
            return field.number(int(rng.integers(1, field.prime)))
        if isinstance(field, FloatField):
            return field.number(float(rng.uniform(1, 10)))
        return field.number(Fraction(int(rng.integers(9, 91)), int(rng.choice(_DENOMINATORS))))

    norms = [norm() for _ in range(n)]
    planar = {pair: norm() for pair in planar_pairs(n)}
    return AdSPoint(norms, planar, *_polarisations(n, random_numbers(field, rng, 9), field), field)


def _momenta(n: int, draw: Draw, field: Field) -> list[list[Any]]:
    kk = [[field.zero] * (n - 1) for _ in range(n - 1)]
    total = field.zero
    for j in range(n - 1):
        for i in range(j):
            value = -total if (i, j) == (n - 3, n - 2) else draw()
            total = total + value
            kk[i][j] = kk[j][i] = value
    return kk


def _singular(kk: list[list[Any]], n: int, field: Field) -> bool:
    for i in range(n - 1):
        s = field.zero
        for j in range(i + 1, n - 1):
            for a in range(i, j):
                s = s + kk[a][j]
            if j - i < n - 2 and field.is_zero(s):
                return True
    return False


def _polarisations(n: int, draw: Draw, field: Field) -> tuple[list[list[Any]], list[list[Any]]]:
    ek = [[field.zero if i == j else draw() for j in range(n - 1)] for i in range(n)]
    total = field.zero
    for value in ek[n - 1][: n - 2]:
        total = total + value
    ek[n - 1][n - 2] = -total
    ee = [[field.zero] * n for _ in range(n)]
    for i in range(n):
        for j in range(i, n):
            ee[i][j] = ee[j][i] = draw()
    return ek, ee
