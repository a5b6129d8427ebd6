"""The loop of a scalar around three legs in AdS4."""

import math
from fractions import Fraction

import numpy as np
import pytest

from heliostat_methods.amplitudes.ads.scalar_loop import sewn_scalar_loop
from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.standard import standard_ads_point, standard_gram_point
from heliostat_methods.amplitudes.operators.substitution import substituted
from heliostat_methods.amplitudes.operators.terms import Pair

POINT = AdSPoint((5, 6, 3), {}, [[0, -7], [-9, 0], [8, -8]],
                 [[-8, -2, 7], [-2, 8, 2], [7, 2, -1]])  # fmt: skip
EDGES = (Fraction(22, 3), Fraction(25, 3), Fraction(14, 3))
LE = (-4, -6, -1)
# p = 0.7; made by an independent implementation
GLUONS = 8.763716807614e-05
SCALARS = {(0, 1): 6.325925336739e-05, (1, 2): -4.649409605575e-05, (0, 2): 3.789465892713e-05}


def test_known_value_around_gluons():
    assert sewn_scalar_loop(POINT, EDGES, LE, 0.7) == pytest.approx(GLUONS, rel=1e-12)


@pytest.mark.parametrize("pair", SCALARS)
def test_pair_operator_makes_external_scalars(pair):
    loop_products = [0 if leg in pair else x for leg, x in enumerate(LE)]
    operated = sewn_scalar_loop(substituted(Pair(*pair), POINT), EDGES, loop_products, 0.7)
    scalars = sewn_scalar_loop(POINT, EDGES, LE, 0.7, scalars=pair)
    assert scalars == pytest.approx(SCALARS[pair], rel=1e-12)
    assert operated == pytest.approx(scalars, rel=1e-13)


@pytest.mark.parametrize("pair", SCALARS)
def test_pair_operator_is_a_difference(pair):
    i, j = pair
    ee = [list(row) for row in POINT.ee]
    ee[i][j] = ee[j][i] = ee[i][j] + 1
    moved = POINT.with_polarisations(POINT.ek, tuple(map(tuple, ee)))
    difference = sewn_scalar_loop(moved, EDGES, LE, 0.7) - sewn_scalar_loop(POINT, EDGES, LE, 0.7)
    assert difference == pytest.approx(SCALARS[pair], rel=1e-10)


def test_momenta_may_be_an_array():
    p = np.array([0.3, 0.7, 2.0])
    found = sewn_scalar_loop(POINT, EDGES, LE, p)
    assert found == pytest.approx([sewn_scalar_loop(POINT, EDGES, LE, x) for x in p], rel=1e-13)


ERRORS = [
    ((standard_ads_point(4), EDGES, LE, 0.7), "point: 4 legs, expected 3: from four legs on"),
    ((standard_gram_point(3), EDGES, LE, 0.7), "point: GramPoint, expected an AdSPoint"),
    ((POINT, EDGES[:2], LE, 0.7), "edge_norms: 2 numbers, expected 3"),
    ((POINT, (1, -2, 3), LE, 0.7), r"edge_norms\[1\] = -2.0, expected a positive norm"),
    ((POINT, EDGES, (1, 2), 0.7), "le: 2 numbers, expected 3"),
    ((POINT, EDGES, (1, 2, math.nan), 0.7), "le: .* expected finite numbers"),
    ((POINT, EDGES, LE, 0), "p: 0, expected a positive number"),
    ((POINT, EDGES, LE, 0.7, (0,)), "expected an even number"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_unusual_requests_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        sewn_scalar_loop(*arguments)


def test_norms_that_are_not_positive_are_named():
    with pytest.raises(InvalidPoint, match=r"norms\[2\] = -11.0, expected a positive norm"):
        sewn_scalar_loop(POINT.with_norms((5, 6, -11)), EDGES, LE, 0.7)
