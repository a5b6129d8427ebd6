"""Every field adds, multiplies and divides as fields do, and reads what it writes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.fields.field import Field
from heliostat_methods.amplitudes.fields.named import field_named
from heliostat_methods.amplitudes.fields.symbols import SymbolField

NAMES = ("rational", "flint", "gf", "gf:10007", "float64", "complex128", "mpmath:40", "symbols")
LAWS = settings(max_examples=30, deadline=None, derandomize=True)
FRACTIONS = st.fractions(min_value=-1000, max_value=1000, max_denominator=99)


@pytest.fixture(params=NAMES, scope="module")
def field(request: pytest.FixtureRequest) -> Field:
    if request.param == "flint":
        pytest.importorskip("flint", reason="python-flint is not installed")
    if request.param == "symbols":
        return SymbolField(["x", "y"], fractions=True)
    return field_named(request.param)


def same(field: Field, left: Any, right: Any) -> bool:
    scale = 1 if field.exact else 1 + abs(left)
    return field.negligible(left - right, scale)


@LAWS
@given(a=FRACTIONS, b=FRACTIONS, c=FRACTIONS)
def test_sums_and_products_are_those_of_a_ring(
    field: Field, a: Fraction, b: Fraction, c: Fraction
) -> None:
    x, y, z = map(field.number, (a, b, c))
    assert same(field, (x + y) + z, x + (y + z))
    assert same(field, x + y, y + x)
    assert same(field, x * (y + z), x * y + x * z)
    assert same(field, (x * y) * z, x * (y * z))
    assert same(field, x * y, y * x)
    assert same(field, x + field.zero, x)
    assert same(field, x * field.one, x)
    assert field.is_zero(x - x)
    assert same(field, x + (-x), field.zero)


@LAWS
@given(a=FRACTIONS, b=FRACTIONS)
def test_a_field_holds_what_rational_arithmetic_gives(
    field: Field, a: Fraction, b: Fraction
) -> None:
    x, y = field.number(a), field.number(b)
    assert same(field, x + y, field.number(a + b))
    assert same(field, x - y, field.number(a - b))
    assert same(field, x * y, field.number(a * b))
    if b and not field.is_zero(y):
        assert same(field, field.divide(x, y), field.number(a / b))
        assert same(field, field.divide(x, y) * y, x)


@LAWS
@given(a=FRACTIONS, whole=st.integers(-99, 99))
def test_whole_numbers_mix_with_those_of_a_field(field: Field, a: Fraction, whole: int) -> None:
    x = field.number(a)
    assert same(field, whole * x, field.number(whole) * x)
    assert same(field, x * whole, field.number(whole) * x)
    assert same(field, x + whole, x + field.number(whole))
    assert same(field, whole - x, field.number(whole) - x)


def test_division_by_zero_is_refused(field: Field) -> None:
    with pytest.raises(ZeroDivisionError):
        field.divide(field.one, field.zero)


@LAWS
@given(a=FRACTIONS, b=FRACTIONS)
def test_a_number_s_text_reads_as_the_same_number(field: Field, a: Fraction, b: Fraction) -> None:
    if field.name == "symbols":
        pytest.skip("symbols have no text that is read")
    x = field.number(a)
    if field.name == "complex128":
        x = x + 1j * float(b)
    if field.name.startswith("mpmath"):
        x = x + field.context.mpc(0, 1) * field.number(b)  # type: ignore[attr-defined]
    assert field.number(field.text(x)) == x
    if field.name != "float64":
        assert type(field.number(field.text(x))) is type(x)


@pytest.mark.parametrize("given_", [True, "seven", "1/0", object(), None, float("nan"), "nan"])
def test_what_is_no_number_is_refused_with_what_was_given(field: Field, given_: Any) -> None:
    if given_ is True and field.name in ("float64", "complex128"):
        pytest.skip("floats take a truth value as 1")
    with pytest.raises(ValueError, match="number"):
        field.number(given_)
