"""The reference points are those whose numbers are printed beside their known values."""

from __future__ import annotations

import pytest

from heliostat_methods.amplitudes.kinematics.standard import (
    standard_ads_point,
    standard_gram_point,
)


def test_four_legs() -> None:
    point = standard_gram_point(4)
    assert [point.momentum_product(i, j) for i, j in ((0, 1), (0, 2), (1, 2))] == [14, 7, -21]
    ek = [[point.polarisation_momentum(i, j) for j in range(3)] for i in range(4)]
    assert ek == [[0, 2, -2], [-1, 0, 4], [3, 1, 0], [-4, -5, 9]]
    upper = [list(point.ee[i][i:]) for i in range(4)]
    assert upper == [[-4, 1, -3, 2], [-3, -4, 4], [4, -3], [-1]]


def test_five_legs() -> None:
    point = standard_gram_point(5)
    pairs = ((0, 3), (1, 2), (1, 3), (2, 3))
    assert [point.momentum_product(i, j) for i, j in pairs] == [8, 5, 11, -45]
    ek = [[point.polarisation_momentum(i, j) for j in range(4)] for i in range(5)]
    assert ek == [[0, 2, -2, 5], [-1, 0, 4, 1], [3, 1, 0, -3], [-4, -5, 5, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("n", range(3, 9))
def test_the_last_leg_is_massless_and_transverse(n: int) -> None:
    point = standard_gram_point(n)
    assert point.momentum_product(n - 1, n - 1) == 0
    assert point.polarisation_momentum(n - 1, n - 1) == 0
    assert sum(point.momentum_product(0, j) for j in range(n)) == 0


def test_planar_norms() -> None:
    point = standard_ads_point(4)
    assert [str(point.planar_norms[pair]) for pair in ((0, 2), (1, 3))] == ["23/2", "53/6"]
    assert point.norms == (2, 3, 5, 7)
    # momenta add up to 0 at the boundary, whatever the norms
    for i in range(4):
        assert sum(point.momentum_product(i, j) for j in range(4)) == 0
        assert point.momentum_product(i, i) == -(point.norms[i] ** 2)
