"""Exact values at the reference points, from two implementations that were written apart."""

from __future__ import annotations

from fractions import Fraction

import pytest

from heliostat_methods.amplitudes.acting.apply import apply
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point
from heliostat_methods.amplitudes.operators.terms import Insertion, Operator, Pair

GLUONS = {
    3: "-8",
    4: "-481/42",
    5: "-7581/1885",
    6: "-24263959/27873846",
    7: "-2003122492243206197/220268379634102800",
    8: "13139978866789902427513/80243475090204666240000",
}
ONE_PAIR = {
    4: "-52/21",
    5: "473/2730",
    6: "-110992163/5597523360",
    7: "-39343858194485707/1101341898170514000",
}
TWO_PAIRS = {4: "1", 5: "0", 6: "-853/27846"}
TRACE_OF_THREE = {4: "5/42", 5: "3583/237510", 6: "760213/112041930"}
BIADJOINT = {4: "1/42", 5: "431/158340", 6: "3257519/39182663520"}
BIADJOINT_REVERSED = {4: "1/21", 5: "-8/1305", 6: "3061/25117092"}
PIONS = {4: "-7", 5: "0", 6: "-7999/34034", 8: "-39899459893/39803350860"}


def made(operator: Operator, n: int) -> Fraction:
    found: Fraction = apply(operator, "ym")(standard_gram_point(n))
    return found


@pytest.mark.parametrize("n", GLUONS)
def test_gluons(n: int) -> None:
    assert amplitude("ym", standard_gram_point(n)) == Fraction(GLUONS[n])


@pytest.mark.parametrize("n", ONE_PAIR)
def test_one_pair_of_scalars(n: int) -> None:
    assert made(Pair(0, 1), n) == Fraction(ONE_PAIR[n])
    point = standard_gram_point(n)
    assert amplitude("yms", point, scalars=(0, 1)) == Fraction(ONE_PAIR[n])


@pytest.mark.parametrize("n", TWO_PAIRS)
def test_two_pairs_of_scalars_of_two_flavours(n: int) -> None:
    assert made(Pair(0, 2) * Pair(1, 3), n) == Fraction(TWO_PAIRS[n])
    point = standard_gram_point(n)
    assert amplitude("yms", point, scalars=((0, 2), (1, 3))) == Fraction(TWO_PAIRS[n])


@pytest.mark.parametrize("n", TRACE_OF_THREE)
def test_three_scalars_in_one_trace(n: int) -> None:
    operator = Pair(0, n - 1) * Insertion(0, 2, n - 1)
    assert made(operator, n) == Fraction(TRACE_OF_THREE[n])
    point = standard_gram_point(n)
    assert amplitude("ym_phi3", point, trace=(0, 2, n - 1)) == Fraction(TRACE_OF_THREE[n])


@pytest.mark.parametrize("n", BIADJOINT)
def test_biadjoint_scalars(n: int) -> None:
    point = standard_gram_point(n)
    reverse = (0, *range(n - 2, 0, -1), n - 1)
    assert amplitude("bas", point) == Fraction(BIADJOINT[n])
    assert amplitude("bas", point, (None, reverse)) == Fraction(BIADJOINT_REVERSED[n])


@pytest.mark.parametrize("n", PIONS)
def test_pions(n: int) -> None:
    assert amplitude("nlsm", standard_gram_point(n)) == Fraction(PIONS[n])


@pytest.mark.parametrize("field", ["flint", "gf", "float64", "complex128", "mpmath:40"])
def test_every_field_has_the_same_values(field: str) -> None:
    if field == "flint":
        pytest.importorskip("flint", reason="python-flint is not installed")
    point = standard_gram_point(6).over(field)
    numbers = point.field
    for theory, expected in (("ym", GLUONS[6]), ("bas", BIADJOINT[6]), ("nlsm", PIONS[6])):
        difference = amplitude(theory, point) - numbers.number(Fraction(expected))
        assert numbers.negligible(difference, 1)
