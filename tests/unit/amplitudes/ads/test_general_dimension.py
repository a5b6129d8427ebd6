"""Wavefunction coefficients of any dimension by quadrature."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.ads.general_dimension import psi_quadrature
from heliostat_methods.amplitudes.ads.quadrature import radial_grid
from heliostat_methods.amplitudes.ads.wavefunction import psi
from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint, planar_pairs
from heliostat_methods.amplitudes.kinematics.standard import standard_ads_point

EE = [[0, 3, -2, 2], [3, -3, -2, -3], [-2, -2, -1, 0], [2, -3, 0, 3]]
POINT = AdSPoint((2, 3, 4, 3), {(0, 2): "9/2", (1, 3): "11/2"},
                 [[0, -1, 2], [-1, 0, 2], [3, 2, 0], [1, -3, 2]], EE)  # fmt: skip


def test_known_value():
    found = psi_quadrature("ym", POINT, 3, zmax=8)
    assert found.value == pytest.approx(0.8079337342037571, rel=1e-14)
    assert not found.diverges and found.cutoff == 0 and found.zmax == 8


@pytest.mark.parametrize(("n", "tolerance"), [(3, 1e-14), (4, 1e-14), (5, 1e-13), (6, 1e-12)])
def test_three_dimensions_agree_with_exponentials(n, tolerance):
    point = standard_ads_point(n)
    found, exact = psi_quadrature("ym", point, 3), float(psi("ym", point))
    assert found.value == pytest.approx(exact, rel=tolerance)
    assert abs(found.value - exact) <= 3 * found.error <= 1e-11 * abs(exact)


def test_three_dimensions_agree_for_scalars():
    point = standard_ads_point(4)
    for pairs in (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3),)):
        for theory in ("yms", "yms_minimal"):
            found = psi_quadrature(theory, point, 3, scalars=pairs)
            exact = float(psi(theory, point, scalars=pairs))
            assert found.value == pytest.approx(exact, rel=1e-12, abs=1e-15)


CYCLES = [(3, 3, None), (4, 3, 0.1), (4, 4, 0.01), (3, 6, 0.2),
          (5, 4, None), (5, 5, None), (5, 7, 0.1)]  # fmt: skip


@pytest.mark.parametrize(("n", "d", "cutoff"), CYCLES)
def test_no_leg_is_special_in_any_dimension(n, d, cutoff):
    words = [tuple(range(i, n)) + tuple(range(i)) for i in range(n)]
    first, *others = (
        psi_quadrature("ym", standard_ads_point(n), d, cutoff=cutoff, word=word) for word in words
    )
    for other in others:
        assert other.value == pytest.approx(first.value, rel=1e-11)
        assert abs(other.value - first.value) <= 3 * (first.error + other.error)


def test_three_legs_in_six_dimensions_by_hand():
    point, cutoff = standard_ads_point(3), 0.1
    phi = [lambda z, k=float(k): (k * z) ** 2 * bessel(k * z) for k in point.norms]

    def bessel(x):
        from scipy.special import kv

        return kv(2, x)

    from scipy.integrate import quad

    def integrand(z):
        return z**-3 * math.prod(f(z) / f(cutoff) for f in phi)

    # psi = (1/2) V3(e_0, e_1).e_2 int; at d = 3 the integral is 1/10
    half_vertex = 10 * float(psi("ym", point))
    by_hand = half_vertex * quad(integrand, cutoff, 10, epsabs=0, epsrel=1e-12)[0]
    found = psi_quadrature("ym", point, 6, cutoff=cutoff)
    assert found.value == pytest.approx(by_hand, rel=1e-10)


def test_cutoff_is_needed_where_psi_diverges_and_grows_with_its_logarithm():
    with pytest.raises(ValueError, match=r"cutoff: None, but for 4 legs psi diverges .* d = 4"):
        psi_quadrature("ym", POINT, 4)
    values = [psi_quadrature("ym", POINT, 4, cutoff=10.0**-k) for k in (2, 4, 6)]
    assert all(found.diverges for found in values)
    steps = np.diff([found.value for found in values])
    assert steps[1] == pytest.approx(steps[0], rel=1e-2)
    assert not psi_quadrature("ym", standard_ads_point(5), 5).diverges
    with pytest.raises(ValueError, match="5 legs psi diverges"):
        psi_quadrature("ym", standard_ads_point(5), 6)


def test_cutoff_goes_away_where_psi_converges():
    point = standard_ads_point(5)
    without = psi_quadrature("ym", point, 4)
    with_it = psi_quadrature("ym", point, 4, cutoff=1e-5)
    assert with_it.value == pytest.approx(without.value, rel=1e-3)


def test_units_of_momentum_drop_out():
    for d, n, cutoff in ((3, 5, None), (5, 4, 0.1)):
        point = standard_ads_point(n).over("float64")
        scaled = AdSPoint([1e20 * x for x in point.norms],
                          {pair: 1e20 * x for pair, x in point.planar_norms.items()},
                          [[1e20 * x for x in row] for row in point.ek], point.ee)  # fmt: skip
        found = psi_quadrature("ym", point, d, cutoff=cutoff)
        far = psi_quadrature("ym", scaled, d, cutoff=cutoff and cutoff * 1e-20)
        assert far.value == pytest.approx(found.value * 1e20 ** (d - n), rel=1e-11)


@given(st.integers(3, 4), st.floats(-150, 150), st.sampled_from([0.3, 1.0, 2.0]), st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_stated_error_holds_or_the_point_is_refused(n, decade, spread, data):
    point = standard_ads_point(n)
    norm = st.floats(-spread, spread).map(lambda x: 10.0 ** (decade + x))
    point = AdSPoint([data.draw(norm) for _ in range(n)],
                     {pair: data.draw(norm) for pair in planar_pairs(n)},
                     point.ek, point.ee, field="float64")  # fmt: skip
    try:
        found = psi_quadrature("ym", point, 3)
    except ValueError as refusal:
        assert "zmax:" in str(refusal) or "norms:" in str(refusal)
        return
    assert abs(found.value - float(psi("ym", point.over("rational")))) <= 3 * found.error


def test_coarse_grid_says_so():
    fine = psi_quadrature("ym", POINT, 3)
    coarse = psi_quadrature("ym", POINT, 3, panels=4, order=2)
    assert abs(coarse.value - fine.value) <= 3 * coarse.error
    assert coarse.error > 1e3 * fine.error


def test_running_integrals_of_a_polynomial_with_a_weight():
    grid = radial_grid(0.0, 2.0, 12, 12, 1.0)
    z = grid.z
    assert grid.from_start(z**3) == pytest.approx(z**4 / 4, rel=1e-12, abs=1e-15)
    assert grid.to_end(z**3) == pytest.approx((16 - z**4) / 4, rel=1e-12, abs=1e-13)
    assert grid.from_start(np.ones_like(z), 3.0) == pytest.approx(
        (1 - np.exp(-3 * z)) / 3, rel=1e-8
    )
    assert float(grid.integral(z)) == pytest.approx(2, rel=1e-14)


ERRORS = [
    ({"d": 2}, "d: 2, expected a whole number from 3 to 16"),
    ({"d": 3.5}, "d: 3.5, expected a whole number"),
    ({"panels": 1}, "panels: 1, expected a whole number from 2"),
    ({"order": True}, "order: True, expected a whole number"),
    ({"zmax": -1}, "zmax: -1, expected a positive number"),
    ({"cutoff": math.nan}, "cutoff: nan, expected a positive number"),
    ({"cutoff": 9.0, "zmax": 8.0}, "cutoff: 9.0, expected less than zmax = 8.0"),
    ({"zmax": 1e9}, "zmax: .* norms are too far apart"),
    ({"theory": "ym_phi3"}, "theory: 'ym_phi3', expected one of ym, yms, yms_minimal"),
]


@pytest.mark.parametrize(("changed", "message"), ERRORS)
def test_unusual_settings_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        psi_quadrature(**{"theory": "ym", "point": POINT, "d": 3} | changed)


def test_norms_that_are_not_positive_are_named():
    with pytest.raises(InvalidPoint, match=r"norms\[3\] = -9.0, expected a positive norm"):
        psi_quadrature("ym", POINT.with_norms((2, 3, 4, -9)), 3)
    arrays = [np.array([1.0, 2.0])] * 4
    many = AdSPoint(arrays, POINT.planar_norms, POINT.ek, POINT.ee, field="float64")
    with pytest.raises(InvalidPoint, match=r"norms\[0\]: an array, expected one point"):
        psi_quadrature("ym", many, 3)


def test_result_is_a_value():
    found = psi_quadrature("ym", POINT, 3)
    assert found == psi_quadrature("ym", POINT, 3) and replace(found, d=4) != found
