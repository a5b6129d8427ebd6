"""The recursion of three- and four-point vertices equals the cubic form, written here again.

2 s_P A_P^n = sum over XY=P of (A_X.k_Y) A_Y^n + A_{X,m} F_Y^{mn} - (X <-> Y)
F_P^{mn}    = k_P^m A_P^n - k_P^n A_P^m - sum over XY=P of A_X^m A_Y^n - A_X^n A_Y^m
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from heliostat_methods.amplitudes.currents.theories import amplitude, bg_currents, semi_on_shell
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point


def cubic_numerators(point: GramPoint, word: tuple[int, ...]) -> dict[tuple[int, int], np.ndarray]:
    """Return 2 s_P A_P in the free basis, with Fractions."""
    d = 2 * point.n - 1
    gram = np.array(
        [[*point.kk[i], *(point.ek[j][i] for j in range(point.n))] for i in range(point.n - 1)]
        + [[*point.ek[i], *point.ee[i]] for i in range(point.n)]
    )
    k = {(i, i + 1): np.array(point.momentum(leg)) for i, leg in enumerate(word)}
    a = {(i, i + 1): np.array(point.polarisation(leg)) for i, leg in enumerate(word)}
    f = {p: np.outer(k[p], a[p]) - np.outer(a[p], k[p]) for p in k}
    numerators = {}
    for length in range(2, len(word) + 1):
        for i in range(len(word) - length + 1):
            p = (i, i + length)
            k[p] = k[i, i + 1] + k[i + 1, p[1]]
            numerator = np.array([Fraction(0)] * d)
            commutator = np.zeros((d, d), dtype=object)
            for m in range(i + 1, p[1]):
                x, y = (i, m), (m, p[1])
                for left, right, sign in ((x, y, 1), (y, x, -1)):
                    low = gram @ a[left]
                    numerator = numerator + sign * ((low @ k[right]) * a[right] + low @ f[right])
                commutator = commutator + np.outer(a[x], a[y]) - np.outer(a[y], a[x])
            numerators[p] = numerator
            if length < point.n - 1:
                a[p] = numerator / (k[p] @ gram @ k[p])
                f[p] = np.outer(k[p], a[p]) - np.outer(a[p], k[p]) - commutator
    return numerators


@pytest.mark.parametrize("n", [4, 5, 6])
def test_amplitudes_and_currents_agree(n: int) -> None:
    point = standard_gram_point(n)
    word = tuple(range(n - 1))
    expected = cubic_numerators(point, word)
    assert list(semi_on_shell("ym", point, word)) == list(expected[0, n - 1])
    low = point.space.lower(point.polarisation(n - 1))
    closed = sum(x * y for x, y in zip(expected[0, n - 1], low, strict=True))
    assert amplitude("ym", point) == closed / 2


def test_currents_of_another_word_agree() -> None:
    point = random_gram_point(5, np.random.default_rng(4))
    word = (3, 0, 4)
    expected = cubic_numerators(point, word)
    currents = bg_currents("ym", point, word)
    for (i, j), numerator in expected.items():
        s = sum(point.momentum_product(word[a], word[b]) for b in range(i, j) for a in range(i, b))
        assert [2 * s * x for x in currents[i, j]] == list(numerator)


@pytest.mark.parametrize("n", [4, 5, 6])
def test_currents_are_transverse(n: int) -> None:
    point = standard_gram_point(n)
    word = tuple(range(n - 1))
    for (i, j), current in bg_currents("ym", point, word).items():
        low = point.space.lower(current)
        assert sum(low[word[a]] for a in range(i, j)) == 0
