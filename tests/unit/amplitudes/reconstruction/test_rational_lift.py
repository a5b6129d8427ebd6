import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.reconstruction.prime_samples import large_primes
from heliostat_methods.amplitudes.reconstruction.rational_lift import (
    RationalLift,
    crt,
    lift_bound,
    rational_reconstruction,
    stable_reconstruction,
)

SMALL = (2, 3, 5, 7, 11, 13, 101)
LARGE = tuple(p for p, _ in zip(large_primes(), range(12), strict=False))
PRIMES = st.lists(st.sampled_from(SMALL + LARGE), min_size=1, max_size=8, unique=True)
EXACT = settings(deadline=None, derandomize=True, max_examples=200)


def residue(x: Fraction, p: int) -> int:
    return x.numerator * pow(x.denominator, -1, p) % p


def test_the_largest_primes_below_two_to_the_31():
    assert LARGE[:4] == (2147483647, 2147483629, 2147483587, 2147483579)


@given(PRIMES, st.data())
@EXACT
def test_remainders_give_back_every_number_below_the_product(primes, data):
    product = math.prod(primes)
    value = data.draw(st.integers(0, product - 1))
    assert crt([value % p for p in primes], primes) == (value, product)


@given(PRIMES, st.data())
@EXACT
def test_every_rational_within_the_bound_comes_back(primes, data):
    modulus = math.prod(primes)
    bound = lift_bound(modulus)
    n = data.draw(st.integers(-bound, bound))
    d = data.draw(st.integers(1, max(bound, 1)))
    x = Fraction(n, d)
    if bound and math.gcd(x.denominator, modulus) == 1:
        assert rational_reconstruction(residue(x, modulus), modulus) == x


@given(st.integers(2, 400), st.data())
@EXACT
def test_what_is_lifted_has_the_residue_and_keeps_the_bound(modulus, data):
    given_residue = data.draw(st.integers(-modulus, 2 * modulus))
    found = rational_reconstruction(given_residue, modulus)
    bound = lift_bound(modulus)
    listed = {
        Fraction(n, d)
        for d in range(1, bound + 1) if math.gcd(d, modulus) == 1
        for n in range(-bound, bound + 1) if (n - d * given_residue) % modulus == 0
        and math.gcd(n, d) == 1
    }  # fmt: skip
    assert listed == (set() if found is None else {found})


@given(st.fractions(max_denominator=10**30), st.integers(1, 3))
@EXACT
def test_a_stable_number_is_the_right_one_or_none(x, confirm):
    found = stable_reconstruction([residue(x, p) for p in LARGE[:5]], LARGE[:5], confirm)
    assert found in (None, x)
    size = max(abs(x.numerator), x.denominator)
    if size <= lift_bound(math.prod(LARGE[: 5 - confirm])):
        assert found == x


def test_a_number_that_primes_do_not_confirm_is_none():
    x = Fraction(10**40, 7)
    assert stable_reconstruction([residue(x, p) for p in LARGE[:4]], LARGE[:4]) is None
    assert stable_reconstruction([5], LARGE[:1]) is None


def test_a_wrong_candidate_gives_way_to_the_right_one():
    x = Fraction(123456789012345678901, 98765432109876543)
    lift = RationalLift()
    seen = []
    for p in LARGE[:8]:
        lift = lift.with_residue(residue(x, p), p)
        seen.append((lift.candidate, lift.confirmations))
    assert seen[-1][0] == x and seen[-1][1] >= 2
    assert all(count == 0 for candidate, count in seen if candidate != x)


@pytest.mark.parametrize(
    ("residues", "primes", "message"),
    [
        ([], [], "primes: 0 for 0 residues, expected as many, at least 1"),
        ([1, 2], [3], "primes: 1 for 2 residues"),
        ([1, 2, 3], [3, 5, 3], r"primes\[2\]: 3, expected no common factor with 3"),
        ([1], [1], r"primes\[0\]: 1, expected a modulus above 1"),
    ],
)
def test_moduli_that_are_none_are_named(residues, primes, message):
    with pytest.raises(ValueError, match=message):
        crt(residues, primes)


def test_other_errors_name_field_value_and_what_was_expected():
    with pytest.raises(ValueError, match="modulus: 1, expected one above 1"):
        rational_reconstruction(0, 1)
    with pytest.raises(ValueError, match="confirm: 0, expected at least 1: an unconfirmed number"):
        stable_reconstruction([1], [7], 0)
    with pytest.raises(ValueError, match="prime: 7, expected one that was not used yet"):
        RationalLift().with_residue(1, 7).with_residue(1, 7)
