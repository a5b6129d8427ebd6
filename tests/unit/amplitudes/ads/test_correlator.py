"""Correlators of four scalars in dS4."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import quad

from heliostat_methods.amplitudes.ads.correlator import correlator
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.standard import standard_ads_point, standard_gram_point

POINT = standard_ads_point(4)


def test_known_bracket():
    found = correlator(POINT)
    assert found.bracket == Fraction(146734858, 962421867)
    assert found.bracket == found.from_psi4 + found.from_exchange
    assert found.value == found.bracket / (16 * 2 * 3 * 5 * 7)


def test_quartic_vertex_adds_its_contact_term():
    difference = correlator(POINT, theory="yms").bracket - correlator(POINT).bracket
    assert difference == Fraction(4, 2 * 17)
    assert correlator(POINT, "abab", "yms").bracket == Fraction(-4, 17)
    assert correlator(POINT, "abab").bracket == 0


def energies():
    k, s, x = POINT.norms, POINT.planar_norms[0, 2], POINT.kk
    products = (k[0] ** 2 - k[1] ** 2) * (k[2] ** 2 - k[3] ** 2) / s**2
    v = -sum(a * b * x[i][j] for i, a in ((0, 1), (1, -1)) for j, b in ((0, 1), (1, 1), (2, 2)))
    return k[0] + k[1], k[2] + k[3], s, v + products, products


def test_exchange_is_that_of_full_line_propagators():
    k12, k34, s, transverse, products = energies()
    e = k12 + k34
    line = 2 * (e + s) / (s * e * (k12 + s) * (k34 + s))
    assert correlator(POINT).bracket == -transverse * line + 2 * products / (k12 * k34 * e)
    # int int over R^2 of e^{-k12 |z| - k34 |z'|} e^{-s |z-z'|} / (2s), the inner one by hand
    k12, k34, s = float(k12), float(k34), float(s)

    def inner(z):
        near = (1 - np.exp(-(k34 - s) * z)) / (k34 - s) * np.exp(-s * z)
        return near + np.exp(-s * z) / (k34 + s) + np.exp(-k34 * z) / (k34 + s)

    value = quad(lambda z: np.exp(-k12 * z) * inner(z) / s, 0, 20, epsabs=0, epsrel=1e-12)[0]
    assert value == pytest.approx(float(line), rel=1e-10)


def test_other_channel_is_the_same_with_legs_counted_on():
    k, x = POINT.norms, POINT.planar_norms
    nothing = [[0] * 4 for _ in range(4)]
    turned = AdSPoint((*k[1:], k[0]), {(0, 2): x[1, 3], (1, 3): x[0, 2]},
                      [row[:3] for row in nothing], nothing)  # fmt: skip
    assert correlator(POINT, "abba") == correlator(turned, "aabb")


ERRORS = [
    ((standard_ads_point(5),), "point: 5 legs, expected 4"),
    ((standard_gram_point(4),), "point: GramPoint, expected an AdSPoint"),
    ((POINT, "aaaa"), "one flavour on all legs is not covered"),
    ((POINT, "aab"), "flavours: 'aab', expected one for each of 4 legs"),
    ((POINT, "aabc"), "expected two flavours, each on two legs"),
    ((POINT, "aabb", "ym"), "theory: 'ym', expected one of yms_minimal, yms"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_what_is_not_covered_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        correlator(*arguments)
