"""The loop of a scalar in AdS4 around four and more legs: regulated, cyclic, with scalars."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.amplitudes.ads.gluon_currents import AdSCurrents
from heliostat_methods.amplitudes.ads.scalar_loop import sewn_scalar_loop
from heliostat_methods.amplitudes.kinematics.random_points import random_ads_point
from heliostat_methods.amplitudes.kinematics.standard import (
    standard_ads_point,
    standard_gram_point,
)
from heliostat_methods.amplitudes.loops.ads_sewing import (
    integrated_over_p,
    regulated_scalar_loop,
)
from heliostat_methods.amplitudes.operators.substitution import substituted
from heliostat_methods.amplitudes.operators.terms import Pair

EDGES, LE = (22 / 3, 25 / 3, 14 / 3, 6.0, 5.0), (-4, -6, -1, 3, 2)


def at(n: int):
    return standard_ads_point(n), EDGES[:n], LE[:n]


def test_three_legs_need_no_regulator():
    found = regulated_scalar_loop(*at(3), 0.7)
    assert found.finite == pytest.approx(sewn_scalar_loop(*at(3), 0.7), rel=1e-11)
    assert abs(found.pole) < 1e-15


@pytest.mark.parametrize("n", (4, 5))
def test_the_finite_part_does_not_depend_on_the_regulator(n):
    one, other = (regulated_scalar_loop(*at(n), 0.7, linear=x) for x in (False, True))
    assert other.finite == pytest.approx(one.finite, rel=1e-10)
    # int (1+x)^2 e^{-2x} is 5/2 of int e^{-2x}
    assert other.pole == pytest.approx(2.5 * one.pole, rel=1e-10)


@pytest.mark.parametrize("n", (4, 5))
def test_integrated_over_p_it_does_not_matter_where_the_ring_is_cut(n):
    found = [integrated_over_p(*at(n), first=i) for i in range(n)]
    for one in found[1:]:
        assert one.finite == pytest.approx(found[0].finite, rel=1e-9)
        assert one.pole == pytest.approx(found[0].pole, rel=1e-9)
    fixed = [regulated_scalar_loop(*at(n), 0.7, first=i).finite for i in (0, 1)]
    assert fixed[0] != pytest.approx(fixed[1], rel=1e-3)


@pytest.mark.parametrize(("n", "pair"), [(4, (0, 1)), (4, (1, 3)), (4, (0, 3)), (5, (1, 2))])
def test_pair_operators_make_external_scalars(n, pair):
    point, edges, le = at(n)
    scalars = regulated_scalar_loop(point, edges, le, 0.7, pair)
    products = [0 if leg in pair else x for leg, x in enumerate(le)]
    operated = regulated_scalar_loop(substituted(Pair(*pair), point), edges, products, 0.7)
    ee = [list(row) for row in point.ee]
    i, j = pair
    ee[i][j] = ee[j][i] = ee[i][j] + 1
    moved = point.with_polarisations(point.ek, tuple(map(tuple, ee)))
    above, below = (regulated_scalar_loop(x, edges, le, 0.7) for x in (moved, point))
    assert scalars.finite != 0
    for name in ("pole", "finite"):
        expected = pytest.approx(getattr(scalars, name), rel=1e-10, abs=1e-17)
        assert getattr(operated, name) == expected
        expected = pytest.approx(getattr(scalars, name), rel=1e-7, abs=1e-15)
        assert getattr(above, name) - getattr(below, name) == expected


@pytest.mark.parametrize("seed", range(3))
def test_the_pole_has_one_propagator_in_each_term(seed):
    point = random_ads_point(4, np.random.default_rng(seed)).over("float64")
    edges, le, p = np.array(EDGES[:4]), LE[:4], 0.9
    found = regulated_scalar_loop(point, edges, le, p)
    d = p**2 + edges**2
    total = 0.0
    for i, j in ((0, 2), (1, 3)):
        a, b = (_constant(point, start) for start in (i, j))
        square = point.planar_norm(i, j) ** 2
        between = (d[i] - d[j]) ** 2 / (d[i] * d[j])
        total += a * b / 4 * (between - square * (1 / d[i] + 1 / d[j]))
    assert found.pole == pytest.approx(total, rel=1e-9)


def _constant(point, start):
    """a of A_P -> a k_P for two legs."""
    currents = AdSCurrents(point, [(start + i) % 4 for i in range(3)])
    terms = {power: c for (key, power), c in currents.vector(0, 2).terms.items()
             if key == currents.exponents.zero}  # fmt: skip
    if not terms:  # k.N is 0 at this point
        return 0.0
    k = currents.momentum(0, 2)
    place = int(np.argmax(np.abs(k)))
    ratio = terms[0][place] / k[place]
    assert terms[0] == pytest.approx([ratio * x for x in k], abs=1e-12)
    return ratio


def test_momenta_may_be_an_array():
    p = np.array([0.3, 0.7, 2.0])
    found = regulated_scalar_loop(*at(4), p)
    for i, x in enumerate(p):
        one = regulated_scalar_loop(*at(4), x)
        assert found.finite[i] == pytest.approx(one.finite, rel=1e-9)
        assert found.pole[i] == pytest.approx(one.pole, rel=1e-9)


def test_unusual_requests_are_named():
    point, edges, le = at(4)
    for arguments, message in [
        ((standard_gram_point(4), edges, le, 0.7), "point: GramPoint, expected an AdSPoint"),
        ((point, edges[:3], le, 0.7), "edge_norms: 3 numbers, expected 4"),
        ((point, (1, -2, 3, 4), le, 0.7), r"edge_norms\[1\] = -2.0, expected a positive norm"),
        ((point, edges, (1, 2, 3, np.nan), 0.7), "le: .* expected finite numbers"),
        ((point, edges, (1, 2, 3, "x"), 0.7), "le: .* expected 4 numbers"),
        ((point, edges, le, 0), "p: 0, expected a positive number"),
        ((point, edges, le, 1e-5), "p: 1e-05, expected at least 0.001 of the smallest"),
        ((point, edges, le, 0.7, (0,)), "expected an even number"),
        ((point, edges, le, 0.7, [(0, 1), (2, 3)]), "expected none, or two legs of one flavour"),
        ((point, edges, le, 0.7, (0, 1, 2, 3)), "more are not derived"),
    ]:
        with pytest.raises(ValueError, match=message):
            regulated_scalar_loop(*arguments)
    with pytest.raises(ValueError, match="first: 4, expected a leg from 0 to 3"):
        regulated_scalar_loop(point, edges, le, 0.7, first=4)
