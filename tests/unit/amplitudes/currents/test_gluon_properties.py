"""What every Yang-Mills amplitude fulfils, on random exact points."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point

PROPERTY = settings(max_examples=12, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
LEGS = st.integers(3, 7)


def point_of(n: int, seed: int, field: str = "gf") -> GramPoint:
    return random_gram_point(n, np.random.default_rng(seed), field)


def with_longitudinal(point: GramPoint, leg: int) -> GramPoint:
    """Return the point at which e_leg = k_leg."""
    n = point.n
    ek, ee = [list(row) for row in point.ek], [list(row) for row in point.ee]
    ek[leg] = [point.momentum_product(leg, j) for j in range(n - 1)]
    for j in range(n):
        ee[leg][j] = ee[j][leg] = point.polarisation_momentum(j, leg)
    ee[leg][leg] = point.field.zero
    return GramPoint(point.kk, ek, ee, point.field)


@PROPERTY
@given(n=LEGS, seed=SEEDS, data=st.data())
def test_a_longitudinal_gluon_decouples(n: int, seed: int, data: st.DataObject) -> None:
    leg = data.draw(st.integers(0, n - 1))
    assert amplitude("ym", with_longitudinal(point_of(n, seed), leg)) == 0


@PROPERTY
@given(n=LEGS, seed=SEEDS, data=st.data())
def test_orders_are_cyclic_and_reversal_has_a_sign(n: int, seed: int, data: st.DataObject) -> None:
    point = point_of(n, seed)
    order = tuple(data.draw(st.permutations(range(n))))
    value = amplitude("ym", point, order)
    turn = data.draw(st.integers(1, n - 1))
    assert amplitude("ym", point, order[turn:] + order[:turn]) == value
    assert amplitude("ym", point, order[::-1]) == (-1) ** n * value


@PROPERTY
@given(n=st.integers(4, 6), seed=SEEDS, data=st.data())
def test_amplitudes_are_affine_in_each_product(n: int, seed: int, data: st.DataObject) -> None:
    point = point_of(n, seed)
    i, j = sorted(data.draw(st.permutations(range(n)))[:2])

    def moved(step: int) -> Any:
        ee = [list(row) for row in point.ee]
        ee[i][j] = ee[j][i] = ee[i][j] + step
        return amplitude("ym", GramPoint(point.kk, point.ek, ee, point.field))

    assert moved(2) - 2 * moved(1) + moved(0) == 0
    free = point.ee[i][i] + 5
    ee = [list(row) for row in point.ee]
    ee[i][i] = free
    other = amplitude("ym", GramPoint(point.kk, point.ek, ee, point.field))
    assert other == moved(0)  # e_i.e_i drops out


@PROPERTY
@given(n=st.integers(3, 6), seed=SEEDS, leg=st.integers(0, 2), factor=st.integers(2, 9))
def test_amplitudes_are_linear_in_each_polarisation(
    n: int, seed: int, leg: int, factor: int
) -> None:
    point = point_of(n, seed)
    ek, ee = [list(row) for row in point.ek], [list(row) for row in point.ee]
    ek[leg] = [factor * x for x in ek[leg]]
    for j in range(n):
        ee[leg][j] = ee[j][leg] = factor * ee[leg][j]
    scaled = GramPoint(point.kk, ek, ee, point.field)
    assert amplitude("ym", scaled) == factor * amplitude("ym", point)


@pytest.mark.parametrize("n", [5, 6])
def test_a_soft_gluon_leaves_its_factor(n: int) -> None:
    """A_n -> (e_0.k_1 / k_0.k_1 - e_0.k_{n-1} / k_0.k_{n-1}) A_{n-1} up to O(delta)."""
    point = random_gram_point(n, np.random.default_rng(11))
    assert all(point.momentum_product(0, j) for j in (1, n - 1))
    hard = GramPoint(
        _conserving([row[1:] for row in point.kk[1:]]),
        _transverse([row[1:] for row in point.ek[1:]]),
        [row[1:] for row in point.ee[1:]],
    )
    errors = []
    for delta in (Fraction(1, 10**6), Fraction(1, 10**8)):
        kk = [list(row) for row in hard.kk]
        zeroth = [delta * x for x in point.kk[0][1:]]
        kk = [[Fraction(0), *zeroth], *([x, *row] for x, row in zip(zeroth, kk, strict=True))]
        total = sum(zeroth, Fraction(0))
        kk[-1][-2] -= total
        kk[-2][-1] -= total
        # e_{n-1}.k_0 is small as k_0 is, and e_{n-1}.k_{n-2} takes it up; all small e_i.k_0 alike
        ek = [[delta * point.ek[i + 1][0], *row] for i, row in enumerate(hard.ek)]
        ek[-1][-1] -= ek[-1][0]
        ee = point.ee
        soft = GramPoint(kk, [list(point.ek[0]), *ek], ee)
        last = soft.momentum_product(0, n - 1)
        factor = soft.ek[0][1] / soft.kk[0][1] - soft.polarisation_momentum(0, n - 1) / last
        ratio = amplitude("ym", soft) / (factor * amplitude("ym", hard))
        errors.append(abs(ratio - 1))
    assert errors[0] < 1e-3
    assert 90 < errors[0] / errors[1] < 110


def _conserving(kk: list[Any]) -> list[list[Fraction]]:
    rows = [list(row) for row in kk]
    m = len(rows)
    rest = sum(rows[i][j] for j in range(m) for i in range(j)) - rows[m - 2][m - 1]
    rows[m - 2][m - 1] = rows[m - 1][m - 2] = -rest
    return rows


def _transverse(ek: list[Any]) -> list[list[Fraction]]:
    rows = [list(row) for row in ek]
    rows[-1][-1] = -sum(rows[-1][:-1])
    return rows
