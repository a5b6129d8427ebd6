from fractions import Fraction

import numpy as np
import pytest

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point
from heliostat_methods.amplitudes.reconstruction.ansatz import fit_ansatz
from heliostat_methods.amplitudes.reconstruction.errors import NotReconstructed
from heliostat_methods.amplitudes.reconstruction.invariants import (
    invariant,
    pair_propagators,
    planar_propagators,
)
from heliostat_methods.amplitudes.reconstruction.monomials import monomials

S, T = "s_{0,1}", "s_{1,2}"


def stream(seed=0):
    return np.random.default_rng(seed)


def flavours(*pairs):
    return lambda point: amplitude("yms", point, scalars=pairs)


def named(theory):
    return lambda point: amplitude(theory, point)


@pytest.mark.parametrize(
    ("target", "dimension", "poles", "text"),
    [
        (flavours((0, 1), (2, 3)), 2, [S], f"(-{S} - {T}) / {S}"),
        (flavours((0, 2), (1, 3)), 0, [], "1"),
        (named("nlsm"), 2, [], f"{S} + {T}"),
        (named("bas"), 2, [S, T], f"({S} + {T}) / ({S} {T})"),
    ],
)
def test_amplitudes_of_four_scalars_and_pions(target, dimension, poles, text):
    fit = fit_ansatz(target, 4, monomials(4, dimension), poles, stream())
    assert (str(fit), fit.residual_rank, fit.rank) == (text, 0, len(fit.monomials))
    point = standard_gram_point(4)
    assert fit.at(point) == target(point)


@pytest.mark.parametrize(
    ("n", "theory", "dimension", "gluons", "poles"),
    [
        (4, "ym", 4, range(4), planar_propagators(4)),
        (5, "bas", 6, (), planar_propagators(5)),
        (6, "nlsm", 8, (), ["s_{0,1,2}", "s_{1,2,3}", "s_{2,3,4}"]),
    ],
)
def test_amplitudes_of_more_terms_hold_at_rational_points(n, theory, dimension, gluons, poles):
    fit = fit_ansatz(named(theory), n, monomials(n, dimension, gluons), poles, stream())
    assert fit.fits and fit.rank == len(fit.monomials)
    point = standard_gram_point(n)
    assert fit.at(point) == amplitude(theory, point)


def test_a_pole_too_few_leaves_a_residual_rank():
    fit = fit_ansatz(named("bas"), 4, monomials(4, 0), [S], stream())
    assert (fit.fits, fit.residual_rank, fit.rank, fit.coefficients) == (False, 1, 1, None)
    assert str(fit) == "no combination of 1 monomials over these poles"
    with pytest.raises(ValueError, match="coefficients: None, expected an ansatz that fits"):
        fit.at(standard_gram_point(4))


def test_a_pole_too_many_cancels():
    fit = fit_ansatz(named("bas"), 4, monomials(4, 4), {S: 2, T: 1}, stream())
    assert str(fit) == f"({S}^2 + {S} {T}) / ({S}^2 {T})"


def test_monomials_that_depend_on_others_get_no_coefficient():
    listed = [(S,), (T,), ("s_{0,2}",)]
    fit = fit_ansatz(lambda point: 3 * invariant("s_{0,2}", point), 4, listed, [], stream())
    assert fit.rank == 2 and str(fit) == f"-3 {S} - 3 {T}"


def test_rational_coefficients_and_nothing_at_all():
    def third(point):
        half = point.field.number(Fraction(-(10**12), 3))
        return invariant(S, point) * half

    assert str(fit_ansatz(third, 4, monomials(4, 2), [], stream())) == f"-1000000000000/3 {S}"
    nothing = fit_ansatz(lambda point: point.field.zero, 4, monomials(4, 2), [], stream())
    assert str(nothing) == "0" and nothing.confirmations == 1


def test_small_primes_do_not_mislead():
    primes = (3, 5, 7, 11, 13, 17, 19, 23, 101, 103, 107)
    target = flavours((0, 1), (2, 3))
    fit = fit_ansatz(target, 4, monomials(4, 4), [S, T], stream(), primes=primes, confirm=2)
    point = standard_gram_point(4)
    assert fit.at(point) == target(point)


def test_equal_streams_give_equal_fits():
    fits = [fit_ansatz(named("bas"), 5, monomials(5, 6), planar_propagators(5), stream(2))
            for _ in range(2)]  # fmt: skip
    assert fits[0] == fits[1]


def test_the_count_of_monomials():
    assert [len(planar_propagators(n)) for n in (4, 5, 6, 7)] == [2, 5, 9, 14]
    assert [len(pair_propagators(n)) for n in (4, 5, 6)] == [3, 10, 15]
    # (e.e)(e.e) s s: 3 x 3; (e.e)(k.e)(k.e) s: 6 x 4 x 2; (k.e)^4: 16
    assert len(monomials(4, 4, range(4))) == 9 + 48 + 16
    assert monomials(4, 1) == [] and monomials(4, 0) == [()]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"monomials": []}, "monomials: none, expected at least one"),
        ({"monomials": [("s_{0,9}",)]}, r"'s_\{0,9\}' is no product of 4 legs such as"),
        ({"poles": ["x"]}, "'x' is no product of 4 legs"),
        ({"poles": {S: -1}}, r"poles\['s_\{0,1\}'\]: -1, expected a power of at least 0"),
        ({"extra": 0}, "extra: 0, expected at least 1 point"),
        ({"confirm": 0}, "confirm: 0, expected at least 1"),
    ],
)
def test_what_an_ansatz_cannot_be_is_named(changed, message):
    arguments = {"monomials": [(S,)], "poles": [S], "extra": 4} | changed
    with pytest.raises(ValueError, match=message):
        fit_ansatz(named("bas"), 4, rng=stream(), **arguments)


def test_coefficients_beyond_the_primes_are_refused():
    def huge(point):
        return invariant(S, point) * point.field.number(10**60)

    with pytest.raises(NotReconstructed, match="fit_ansatz: 4 primes do not suffice"):
        fit_ansatz(huge, 4, monomials(4, 2), [], stream(), most=4)
