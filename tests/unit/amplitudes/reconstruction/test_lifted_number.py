import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.ads.wavefunction import psi
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.prime import Residue
from heliostat_methods.amplitudes.kinematics.standard import (
    standard_ads_point,
    standard_gram_point,
)
from heliostat_methods.amplitudes.reconstruction.errors import NotReconstructed
from heliostat_methods.amplitudes.reconstruction.lifted_number import reconstruct_number

# exact values at the standard points, from two independent computations
YANG_MILLS = {
    4: "-481/42", 5: "-7581/1885", 6: "-24263959/27873846",
    7: "-2003122492243206197/220268379634102800",
    8: "13139978866789902427513/80243475090204666240000",
}  # fmt: skip
PIONS = {4: "-7", 6: "-7999/34034", 8: "-39899459893/39803350860"}
WAVEFUNCTION = {
    3: "-4/5", 4: "-17988498211/94732314003",
    5: "-148058414201912587206572342/5430961198820685969115489815",
}  # fmt: skip


@pytest.mark.parametrize("n", YANG_MILLS)
def test_gluon_amplitudes_come_back_from_residues(n):
    point = standard_gram_point(n)
    found = reconstruct_number(lambda field: amplitude("ym", point.over(field)))
    assert found.value == Fraction(YANG_MILLS[n])
    assert found.confirmations == 1 and found.skipped == ()


@pytest.mark.parametrize("n", PIONS)
def test_pion_amplitudes_come_back_from_residues(n):
    point = standard_gram_point(n)
    found = reconstruct_number(lambda field: amplitude("nlsm", point.over(field)), confirm=2)
    assert found.value == Fraction(PIONS[n])
    assert found.confirmations == 2


@pytest.mark.parametrize("n", WAVEFUNCTION)
def test_wavefunction_coefficients_come_back_from_residues(n):
    point = standard_ads_point(n)
    found = reconstruct_number(lambda field: psi("ym", point.over(field)))
    assert found.value == Fraction(WAVEFUNCTION[n])


@given(st.fractions(max_denominator=10**60))
@settings(deadline=None, derandomize=True)
def test_any_rational_comes_back_or_is_refused(x):
    for most in (2, 4, 64):
        try:
            found = reconstruct_number(lambda field: field.number(x), most=most)
        except NotReconstructed:
            assert most < 64
        else:
            assert found.value == x and len(found.primes) <= most


def test_primes_that_divide_a_denominator_are_skipped_and_counted():
    range_of_primes = [p for p in range(11, 200) if all(p % d for d in range(2, p))]
    found = reconstruct_number(
        lambda field: field.number("3/35"), primes=(3, 5, 7, *range_of_primes), most=40
    )
    assert found.value == Fraction(3, 35)
    assert found.skipped == (5, 7)
    # s_{0,1} = 14, so modulo 7 the amplitude has a propagator that is 0
    point = standard_gram_point(4)
    found = reconstruct_number(
        lambda field: amplitude("ym", point.over(field)), primes=(7, 2147483647, 2147483629)
    )
    assert found.value == Fraction(-481, 42) and found.skipped == (7,)


def test_a_prime_listed_twice_confirms_nothing():
    with pytest.raises(NotReconstructed, match="1 primes do not suffice"):
        reconstruct_number(lambda field: field.one, primes=(101, 101, 101))


def test_residues_of_no_number_are_never_taken_for_one():
    draw = random.Random(0)
    with pytest.raises(NotReconstructed, match=r"64 primes do not suffice.* within most = 64"):
        reconstruct_number(lambda field: Residue(draw.randrange(field.prime), field.prime))


def test_a_point_that_is_singular_says_so():
    def evaluate(field):
        raise SingularKinematics("s_{1,2} = 0")

    with pytest.raises(NotReconstructed, match=r"no sample modulo any of 5 primes.*s_\{1,2\} = 0"):
        reconstruct_number(evaluate, most=5)


def test_other_errors_of_the_evaluation_pass_through():
    point = standard_gram_point(4)
    with pytest.raises(ValueError, match="theory: 'yn'"):
        reconstruct_number(lambda field: amplitude("yn", point.over(field)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"confirm": 0}, "confirm: 0, expected at least 1"),
        ({"most": 1}, "most: 1, expected at least 2 primes"),
        ({"primes": [9]}, "prime: 9, expected a prime below 2"),
        ({"primes": []}, "no primes given, expected at least 2"),
    ],
)
def test_arguments_out_of_range_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        reconstruct_number(lambda field: field.one, **arguments)


@pytest.mark.parametrize("value", [0.5, "1", None, True])
def test_what_is_no_residue_is_refused(value):
    with pytest.raises(ValueError, match=r"evaluate: .*, expected a residue modulo 2147483647"):
        reconstruct_number(lambda field: value)


def test_small_primes_confirm_only_by_many():
    # 11 and 17 alone gave -1/2 here, "confirmed"
    point = standard_gram_point(5)
    primes = [p for p in range(3, 400) if all(p % d for d in range(2, p))]
    found = reconstruct_number(lambda field: amplitude("ym", point.over(field)), primes, most=99)
    assert found.value == Fraction(-7581, 1885)
    assert found.confirmations > 3
