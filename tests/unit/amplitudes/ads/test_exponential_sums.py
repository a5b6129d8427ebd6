"""Sums of exponentials form a ring, and solve the radial equation exactly."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.ads.exponential_sum import ExpSum, sum_of_products
from heliostat_methods.amplitudes.ads.exponents import NamedExponents, NumberExponents
from heliostat_methods.amplitudes.ads.propagation import propagated, propagated_vector
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.floating import FLOAT64
from heliostat_methods.amplitudes.fields.prime import GF
from heliostat_methods.amplitudes.fields.rational import RATIONAL

EXACT = NumberExponents(RATIONAL)
fractions = st.fractions(min_value=-9, max_value=9, max_denominator=7)
norms = st.fractions(min_value=Fraction(1, 7), max_value=9, max_denominator=7)
powers = st.integers(0, 3)


def sums(exponents=norms, coefficients=fractions):
    terms = st.dictionaries(st.tuples(exponents, powers), coefficients, max_size=4)
    return terms.map(lambda t: ExpSum(EXACT, t))


def many(examples):
    return settings(max_examples=examples, deadline=None, derandomize=True)


@given(sums(fractions), sums(fractions), sums(fractions), fractions)
@many(60)
def test_ring_laws(a, b, c, x):
    nothing, one = ExpSum(EXACT, {}), ExpSum.exponential(EXACT, Fraction(0))
    assert a + b == b + a and (a + b) + c == a + (b + c)
    assert a * b == b * a and (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == nothing and not (a - a) and a * one == a and x * (a + b) == x * a + x * b


@given(sums(fractions), sums(fractions))
@many(40)
def test_derivative_obeys_the_product_rule(a, b):
    assert (a * b).derivative() == a.derivative() * b + a * b.derivative()


@given(sums())
@many(40)
def test_integral_of_a_derivative_is_minus_the_value_at_0(a):
    at_zero = sum((c for (_, m), c in a.terms.items() if m == 0), Fraction(0))
    assert a.derivative().integral() == -at_zero


@given(sums(), norms)
@many(80)
def test_propagated_source_solves_the_equation_with_a_zero_at_the_boundary(source, w):
    found = propagated(source, w)
    assert found.derivative().derivative() - w * w * found == source
    assert sum((c for (_, m), c in found.terms.items() if m == 0), Fraction(0)) == 0


@given(sums())
@many(40)
def test_longitudinal_source_is_integrated_twice(source):
    found = propagated(source, Fraction(0))
    assert found.derivative().derivative() == source


@pytest.mark.parametrize("power", [0, 1, 2])
def test_source_in_resonance_is_the_limit_of_near_ones(power):
    w, z = 1.5, 0.8
    exponents = NumberExponents(FLOAT64)
    at = propagated(ExpSum.exponential(exponents, w, power=power), w)
    step = 1e-2  # digits are lost as (K - w)^{power+1}, so no smaller one; the mean errs by step^2
    near = [
        propagated(ExpSum.exponential(exponents, w + d, power=power), w).at(z)
        for d in (step, -step)
    ]
    assert sum(near) / 2 == pytest.approx(at.at(z), rel=1e-3)
    assert max(m for _, m in at.terms) == power + 1


def test_simplest_resonant_source():
    w = Fraction(3)
    found = propagated(ExpSum.exponential(EXACT, w, Fraction(5)), w)
    assert found == ExpSum(EXACT, {(w, 1): Fraction(-5, 6)})  # -z v e^{-wz} / (2w)


def test_vector_source_solves_the_equation_of_axial_gauge():
    momentum, low = (Fraction(1), Fraction(2)), (Fraction(-1), Fraction(-4))  # k.k = -9
    w = Fraction(3)
    source = ExpSum(EXACT, {(Fraction(2), 1): (Fraction(1), Fraction(4)),
                            (w, 0): (Fraction(-2), Fraction(1, 3))})  # fmt: skip
    found = propagated_vector(source, w, momentum, low)
    along = found.mapped(lambda v: v[0] * low[0] + v[1] * low[1])
    pulled = along.mapped(lambda c: tuple(c * x for x in momentum))
    assert found.derivative().derivative() - 9 * found - pulled == source


def test_longitudinal_source_without_exponential_is_named():
    with pytest.raises(SingularKinematics, match="longitudinal source with K = 0 does not cancel"):
        propagated(ExpSum.exponential(EXACT, Fraction(0), Fraction(2)), Fraction(0))


def test_longitudinal_source_whose_norms_sum_to_zero_is_named():
    named = NamedExponents(RATIONAL, {(0,): Fraction(2), (1, 2): Fraction(-2)})
    source = ExpSum.exponential(named, named.key((0,), (1, 2)))
    with pytest.raises(SingularKinematics, match=r"K = \|k_0\| \+ \|k_1\+k_2\| = 0 does not"):
        propagated(source, named.zero)


def test_field_that_grows_is_refused():
    with pytest.raises(SingularKinematics, match=r"K\^2 = w\^2 for K = -2 and w = 2"):
        propagated(ExpSum.exponential(EXACT, Fraction(-2)), Fraction(2))


def test_pole_of_an_integral_is_named():
    named = NamedExponents(RATIONAL, {(0,): Fraction(2), (1,): Fraction(-2)})
    with pytest.raises(SingularKinematics, match=r"\|k_0\| \+ \|k_1\| = 0: the integral"):
        ExpSum.exponential(named, named.key((0,), (1,))).integral()


def test_integral_counts_powers():
    found = ExpSum(EXACT, {(Fraction(2), 3): Fraction(1), (Fraction(3), 0): Fraction(1)})
    assert found.integral() == Fraction(6, 16) + Fraction(1, 3)
    assert ExpSum(EXACT, {}).integral() == 0


def test_exponents_may_be_residues():
    field = GF(101)
    exponents = NumberExponents(field)
    a = ExpSum.exponential(exponents, exponents.key("1/3"), field.number(7))
    assert (a * a).integral() == field.number("147/2")


def test_vectors_multiply_with_numbers_alone():
    vector = ExpSum(EXACT, {(Fraction(1), 0): (Fraction(1), Fraction(2))})
    number = ExpSum(EXACT, {(Fraction(2), 1): Fraction(3)})
    expected = ExpSum(EXACT, {(Fraction(3), 1): (Fraction(3), Fraction(6))})
    assert number * vector == vector * number == expected
    assert sum_of_products(EXACT, [(number, vector), (number, vector)]) == 2 * expected
    with pytest.raises(TypeError, match="two vectors have no product"):
        vector * vector


def test_named_norms_know_which_legs_they_stand_for():
    named = NamedExponents(RATIONAL, {(0,): Fraction(2), (1,): Fraction(3), (0, 1): Fraction(4)})
    key = named.key((0,)) + named.key((0, 1)) + named.key((0,))
    assert named.names(key) == ((0,), (0,), (0, 1)) and named.value(key) == 8
    assert named.text(key) == "|k_0| + |k_0| + |k_0+k_1|"
    with pytest.raises(KeyError):
        named.key((5,))


def test_numpy_numbers_multiply_sums():
    a = ExpSum.exponential(NumberExponents(FLOAT64), 1.0)
    assert (np.float64(2) * a).at(0.5) == pytest.approx(2 * math.exp(-0.5))


def test_misuse_is_named():
    with pytest.raises(ValueError, match="power: -1, expected a whole number from 0"):
        ExpSum.exponential(EXACT, Fraction(1), power=-1)
    with pytest.raises(ValueError, match="exponents of two kinds do not mix"):
        ExpSum(EXACT, {}) + ExpSum(NumberExponents(FLOAT64), {})
    with pytest.raises(ValueError, match="a sum over rational has no value"):
        ExpSum.exponential(EXACT, Fraction(1)).at(0.5)
    with pytest.raises(ValueError, match="expected one number; named norms take arrays"):
        NumberExponents(FLOAT64).key(np.array([1.0, 2.0]))
    with pytest.raises(TypeError):
        ExpSum(EXACT, {}) + 1
