from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.ads.wavefunction import psi
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.standard import (
    standard_ads_point,
    standard_gram_point,
)
from heliostat_methods.amplitudes.reconstruction.errors import NotReconstructed
from heliostat_methods.amplitudes.reconstruction.factored_poles import (
    factored_in_poles,
    poles_along,
)
from heliostat_methods.amplitudes.reconstruction.invariants import invariant, planar_propagators
from heliostat_methods.amplitudes.reconstruction.lifted_function import reconstruct_function
from heliostat_methods.amplitudes.reconstruction.lines import with_product
from heliostat_methods.amplitudes.reconstruction.rational_function import RationalFunction

COEFFICIENTS = st.lists(st.fractions(max_denominator=10**6), max_size=6)


def stream(seed=0):
    return np.random.default_rng(seed)


def along(point, field, t):
    return with_product(point.over(field), (0, 1), t)


@given(COEFFICIENTS, COEFFICIENTS, st.sampled_from([1, 7]))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_any_quotient_of_polynomials_comes_back(above, below, lanes):
    below = [*below, Fraction(1)]
    given_function = RationalFunction(tuple(above), tuple(below))
    found = reconstruct_function(
        lambda field, t: given_function.at(t, field), stream(), lanes=lanes
    ).function
    assert found.denominator[-1] == 1
    assert len(found.numerator) <= len(above) and len(found.denominator) <= len(below)
    for t in range(-20, 20):
        denominator = sum(x * t**i for i, x in enumerate(below))
        if denominator:
            value = sum((x * t**i for i, x in enumerate(above)), Fraction(0)) / denominator
            assert found.at(t) == value


@pytest.mark.parametrize(
    ("n", "expected"),
    [(4, "(12 t^2 + 77 t - 63) / (s_{0,1} s_{1,2})"), (5, None), (6, None)],
)
@pytest.mark.parametrize("lanes", [1, 16])
def test_amplitudes_as_functions_of_one_product(n, expected, lanes):
    point = standard_gram_point(n)
    found = reconstruct_function(
        lambda field, t: amplitude("ym", along(point, field, t)), stream(), lanes=lanes
    )
    assert found.function.at(point.kk[0][1]) == amplitude("ym", point)
    names = planar_propagators(n)
    poles = poles_along(lambda t: {name: invariant(name, with_product(point, (0, 1), t))
                                   for name in names})  # fmt: skip
    factored = factored_in_poles(found.function, poles)
    assert factored.rest == () and dict(factored.powers) == dict.fromkeys(poles, 1)
    if expected:
        assert str(factored) == expected


def test_wavefunction_coefficients_as_functions_of_an_energy():
    point = standard_ads_point(4)
    k, s = point.norms, point.planar_norms[0, 2]

    def evaluate(field, t):
        here = point.over(field)
        here = here.with_norms((t, *here.norms[1:]))
        return psi("yms_minimal", here, scalars=((0, 1), (2, 3)))

    found = reconstruct_function(evaluate, stream(), variable="k0").function
    poles = poles_along(lambda t: {"E": t + sum(k[1:]), "k12+s": t + k[1] + s, "k0": t,
                                   "k34+s": k[2] + k[3] + s})  # fmt: skip
    assert "k34+s" not in poles  # it does not depend on k0
    assert found.at(2) == Fraction(-170785, 10915938)
    factored = factored_in_poles(found, poles)
    assert str(factored) == "(27/1081 k0^2 + 2/23 k0 - 181441/38916) / (E (k12+s))"


def test_wavefunction_coefficients_as_functions_of_a_planar_norm():
    point = standard_ads_point(4)
    k = point.norms

    def evaluate(field, t):
        here = point.over(field)
        planar = {(0, 2): t, (1, 3): here.planar_norms[1, 3]}
        return psi("yms_minimal", AdSPoint(here.norms, planar, here.ek, here.ee, field),
                   scalars=((0, 1), (2, 3)))  # fmt: skip

    found = reconstruct_function(evaluate, stream(), variable="s").function
    poles = {"s": (0, 1), "k12+s": (k[0] + k[1], 1), "k34+s": (k[2] + k[3], 1)}
    text = "(-1/34 s^3 - 1279/612 s - 1) / (s (k12+s) (k34+s))"
    assert str(factored_in_poles(found, poles)) == text


def test_equal_streams_give_equal_results():
    point = standard_gram_point(5)

    def search():
        return reconstruct_function(
            lambda field, t: amplitude("bas", along(point, field, t)), stream(3), lanes=9
        )

    assert search() == search()


def test_poles_that_samples_meet_are_drawn_again():
    primes = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
    found = reconstruct_function(
        lambda field, t: field.one / ((t + 1) * (t + 2)), stream(), primes=primes
    )
    assert str(found.function) == "(1) / (t^2 + 3 t + 2)"
    assert found.skipped[:2] == (5, 7)


def test_what_is_no_rational_function_is_refused():
    with pytest.raises(NotReconstructed, match="most_points: 40 values modulo 2147483647 do not"):
        reconstruct_function(lambda field, t: t**100, stream(), most_points=40)
    with pytest.raises(NotReconstructed, match="reconstruct_function: 3 primes do not suffice"):
        reconstruct_function(lambda field, t: t + field.number(10**50), stream(), most=3)
    with pytest.raises(NotReconstructed, match=r"no sample modulo any of 2 primes.*division by 0"):
        reconstruct_function(lambda field, t: t / (t - t), stream(), most=2)


def test_arguments_out_of_range_are_named():
    point = standard_gram_point(4)
    with pytest.raises(ValueError, match="lanes: 0, expected at least 1"):
        reconstruct_function(lambda field, t: t, stream(), lanes=0)
    with pytest.raises(
        ValueError, match=r"pair: \(0, 3\), expected two different legs from 0 to 2"
    ):
        with_product(point, (0, 3), 1)
    with pytest.raises(ValueError, match=r"balance: \(1, 2\), expected another pair"):
        with_product(point, (2, 1), 1)


def test_factors_without_a_name_and_powers_are_written():
    x = Fraction
    # 5 / ((2 t + 4)^2 (t^2 - 2)), the denominator made monic
    function = RationalFunction((x(5, 4),), (x(-8), x(-8), x(2), x(4), x(1)), "t")
    factored = factored_in_poles(function, {"E": (4, 2), "s": (0, 1)})
    assert str(factored) == "5 / (E^2 (t^2 - 2))"


@pytest.mark.parametrize(
    ("poles", "message"),
    [
        ({"s": (1, 0)}, r"poles\['s'\]: \(1, 0\), expected \(a, b\) of a \+ b t with b not 0"),
        ({"s": (1, 2, 3)}, r"poles\['s'\]: \(1, 2, 3\), expected"),
        ({"s": (1, 1), "u": (2, 2)}, r"poles\['u'\]: 0 at t = -1 as 's' is"),
    ],
)
def test_poles_that_cannot_be_told_apart_are_named(poles, message):
    with pytest.raises(ValueError, match=message):
        factored_in_poles(RationalFunction((Fraction(1),), (Fraction(1),)), poles)


def test_a_pole_that_is_not_linear_is_named():
    with pytest.raises(ValueError, match=r"values\['s'\]: not linear in t"):
        poles_along(lambda t: {"s": t * t})
