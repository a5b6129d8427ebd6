"""Fields by name, by what numbers are, and what they refuse."""

from __future__ import annotations

import sys
from fractions import Fraction

import numpy as np
import pytest

from heliostat_methods.amplitudes.fields.floating import COMPLEX128, FLOAT64, FloatField
from heliostat_methods.amplitudes.fields.inferred import field_of
from heliostat_methods.amplitudes.fields.multiprecision import MultiprecisionField
from heliostat_methods.amplitudes.fields.named import field_named
from heliostat_methods.amplitudes.fields.prime import (
    GF,
    MERSENNE_31,
    Residue,
    is_prime,
    primes_below,
)


@pytest.mark.parametrize("prime", [0, 1, 4, 9, -7, 2**31 + 11, 3.0, True, 2**40])
def test_a_modulus_that_is_no_prime_below_2_31_is_refused(prime: int) -> None:
    with pytest.raises(ValueError, match=r"prime: .*expected (a prime|one) below 2\^31, such as"):
        GF(prime)


def test_the_refusal_names_the_nearest_prime_below() -> None:
    with pytest.raises(ValueError, match="such as 97"):
        GF(100)


def test_modulo_2_there_is_no_half() -> None:
    with pytest.raises(ValueError, match="prime: 2, expected an odd one, such as 3"):
        GF(2)


def test_primes_are_those_that_no_smaller_number_divides() -> None:
    sieved = [n for n in range(2, 2000) if all(n % d for d in range(2, int(n**0.5) + 1))]
    assert [n for n in range(2000) if is_prime(n)] == sieved
    assert primes_below(2**31, 2) == [2147483647, 2147483629]
    # composite, and prime to Fermat's test with base 2; with 2 and 3; with 2, 3 and 5
    assert not any(map(is_prime, (2047, 1373653, 25326001)))


def test_residues_of_two_primes_do_not_mix() -> None:
    with pytest.raises(ValueError, match="modulo 7 and 11 do not mix"):
        Residue(1, 7) + Residue(1, 11)
    with pytest.raises(ValueError, match="another prime than 7"):
        GF(7).number(Residue(1, 11))


def test_a_fraction_without_residue_is_refused() -> None:
    with pytest.raises(ValueError, match="1/7 has no residue modulo 7"):
        GF(7).number(Fraction(1, 7))


def test_division_by_a_multiple_of_the_prime_is_refused() -> None:
    with pytest.raises(ZeroDivisionError, match="modulo 7"):
        Residue(1, 7) / 14


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rationals", "field: 'rationals', expected one of .*did you mean 'rational'"),
        ("gf:ten", "expected a prime below 2\\^31 after 'gf:'"),
        ("gf:12", "expected a prime below 2\\^31, such as 11"),
        ("float64:3", "expected one of"),
        ("mpmath:3", "digits: 3, expected 15 to 10000"),
    ],
)
def test_a_name_that_is_no_field_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        field_named(name)


def test_flint_without_python_flint_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(ImportError, match="'rational' gives the same numbers"):
        field_named("flint")


def test_numbers_say_their_field() -> None:
    assert field_of([1, Fraction(1, 2), "3/4"]).name == "rational"
    assert field_of([1, 2.5]) is FLOAT64
    assert field_of([1, 2.5, 1j]) is COMPLEX128
    assert field_of([np.zeros(3), 1]) is FLOAT64
    assert field_of([np.zeros(3, complex), 1.0]) is COMPLEX128
    assert field_of([1, Residue(3, 7)]).name == "gf:7"
    assert field_of([1.5], "gf").name == f"gf:{MERSENNE_31}"
    with pytest.raises(ValueError, match="say the field, such as field='mpmath:50'"):
        field_of([MultiprecisionField().one])


def test_floats_refuse_what_is_not_finite_and_say_where() -> None:
    with pytest.raises(ValueError, match=r"inf at \[1\] is no finite number"):
        FLOAT64.number(np.array([1.0, np.inf]))
    with pytest.raises(ValueError, match="no number of float64"):
        FLOAT64.number(Fraction(10**400))
    assert not FLOAT64.negligible(float("nan"), 1.0)
    assert not FLOAT64.negligible(1.0, float("inf"))
    with pytest.raises(ValueError, match="dtype: 'float32', expected 'float64' or 'complex128'"):
        FloatField("float32")


def test_one_bad_entry_of_a_batch_spoils_no_other() -> None:
    quotient = FLOAT64.divide(np.array([1.0, 1.0]), np.array([0.0, 2.0]))
    assert quotient[1] == 0.5 and np.isinf(quotient[0])
