"""Reference points of small integers, on which tables of known values are given."""

from __future__ import annotations

from fractions import Fraction

from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint, planar_pairs
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint

NORMS = (2, 3, 5, 7, 11, 13, 17, 19)


def standard_gram_point(n: int) -> GramPoint:
    """Return a rational point of n legs without a zero propagator for n = 3..8."""
    kk = [[0] * (n - 1) for _ in range(n - 1)]
    for i in range(n - 1):
        for j in range(i + 1, n - 1):
            value = (2 * (i + 1) ** 2 + 3 * (j + 1) ** 3 + 5 * (i + 1) * (j + 1)) % 23 + 1
            kk[i][j] = kk[j][i] = value
    last = kk[n - 3][n - 2]
    rest = sum(kk[i][j] for j in range(n - 1) for i in range(j)) - last
    kk[n - 3][n - 2] = kk[n - 2][n - 3] = -rest
    return GramPoint(kk, *_polarisations(n))


def standard_ads_point(n: int) -> AdSPoint:
    """Return a rational point of n <= 8 legs with the polarisations of `standard_gram_point`."""
    planar = {
        (i, j): Fraction(17, 2) + (3 * i + 5 * j + i * j) % 7 + Fraction(i, 3)
        for i, j in planar_pairs(n)
    }
    return AdSPoint(NORMS[:n], planar, *_polarisations(n))


def _polarisations(n: int) -> tuple[list[list[int]], list[list[int]]]:
    ek = [
        [0 if i == j else (4 * i + 7 * j + i * j) % 11 - 5 for j in range(n - 1)] for i in range(n)
    ]
    ek[n - 1][n - 2] = -sum(ek[n - 1][: n - 2])
    ee = [[(2 * min(i, j) + 5 * max(i, j) + 3 * i * j) % 9 - 4 for j in range(n)] for i in range(n)]
    return ek, ee
