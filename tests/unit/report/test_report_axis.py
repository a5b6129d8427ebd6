"""Axes: nice ticks, ends that enclose the data, places that keep the order of values."""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostat.report.axis import Axis, fit

finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def read(label: str) -> Decimal:
    """Return the number that a tick's label writes: `0.25`, `10⁻³`, `−2.5×10⁶`."""
    mantissa, times, power = label.partition("×")
    if not times and ("10" in mantissa and any(char in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹" for char in mantissa)):
        sign = Decimal(-1 if mantissa.startswith("−") else 1)
        return sign.scaleb(int(mantissa.lstrip("−")[2:].translate(_DIGITS)))
    exponent = int(power[2:].translate(_DIGITS)) if times else 0
    return Decimal(mantissa.translate(_DIGITS)).scaleb(exponent)


def fitted(values: list[float], *, log: bool = False) -> Axis:
    axis = fit(values, log=log)
    assert axis is not None
    return axis


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.0, 1.0], ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([0, 100], ["0", "20", "40", "60", "80", "100"]),
        ([-3.0, 3.5], ["−4", "−2", "0", "2", "4"]),
        ([1, 3], ["1", "2", "3"]),
        ([0.1, 0.3], ["0.10", "0.15", "0.20", "0.25", "0.30"]),
        ([0.0, 3e-7], ["0", "5×10⁻⁸", "10⁻⁷", "1.5×10⁻⁷", "2×10⁻⁷", "2.5×10⁻⁷", "3×10⁻⁷"]),
        ([0.0, 1e7 + 0.5], ["0", "2×10⁶", "4×10⁶", "6×10⁶", "8×10⁶", "10⁷", "1.2×10⁷"]),
    ],
)
def test_ticks_are_the_ones_a_person_would_choose(values: list[float], labels: list[str]) -> None:
    assert [tick.label for tick in fitted(values).ticks] == labels


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1.0, 100.0], ["1", "2", "5", "10", "20", "50", "100"]),
        ([1e-3, 1.0], ["0.001", "0.01", "0.1", "1"]),
        ([1e2, 1e8], ["10²", "10³", "10⁴", "10⁵", "10⁶", "10⁷", "10⁸"]),
        ([1e-20, 1e10], ["10⁻²⁰", "10⁻¹⁵", "10⁻¹⁰", "10⁻⁵", "10⁰", "10⁵", "10¹⁰"]),
        ([0.9, 1.1], ["0.90", "0.95", "1.00", "1.05", "1.10"]),
    ],
)
def test_log_ticks_are_powers_of_ten_or_1_2_5(values: list[float], labels: list[str]) -> None:
    assert [tick.label for tick in fitted(values, log=True).ticks] == labels


@given(st.lists(finite, min_size=1, max_size=20))
def test_linear_ticks_are_1_2_5_steps_that_enclose_any_data(values: list[float]) -> None:
    axis = fitted(values)
    ticks = [read(tick.label) for tick in axis.ticks]
    with localcontext(Context(prec=60)):
        steps = {after - before for before, after in pairwise(ticks)}
        assert len(steps) == 1
        step = steps.pop().normalize()
        assert step.as_tuple().digits in {(1,), (2,), (5,)}
        assert ticks[0] <= Decimal(repr(min(values))) and Decimal(repr(max(values))) <= ticks[-1]
    assert axis.ticks[0].at == 0.0
    assert axis.ticks[-1].at == 1.0
    assert 2 <= len(ticks) <= 9


@given(st.lists(positive, min_size=1, max_size=20))
def test_log_ticks_are_few_and_rise_for_any_positive_data(values: list[float]) -> None:
    axis = fitted(values, log=True)
    places = [tick.at for tick in axis.ticks]
    assert 2 <= len(places) <= 10
    assert places == sorted(set(places))
    assert places[0] >= 0 and places[-1] <= 1
    numbers = [read(tick.label) for tick in axis.ticks]
    assert numbers == sorted(set(numbers))


@given(st.lists(positive, min_size=1, max_size=20), st.booleans())
def test_places_lie_inside_and_keep_the_order(values: list[float], log: bool) -> None:
    axis = fitted(values, log=log)
    places = [axis.place(value) for value in sorted(values)]
    assert all(0 <= place <= 1 for place in places)
    assert places == sorted(places)


@given(st.lists(finite, min_size=2, max_size=20))
def test_data_fill_a_good_part_of_a_linear_axis(values: list[float]) -> None:
    axis = fitted(values)
    low, high = min(values), max(values)
    distinct = high / 2 - low / 2 > 1e-6 * max(abs(low), abs(high))
    if distinct and not all(value == int(value) for value in values):
        assert axis.place(high) - axis.place(low) > 0.3


@given(finite)
def test_a_constant_lies_away_from_both_ends(value: float) -> None:
    assert 0.1 < fitted([value, value]).place(value) < 0.9


def test_a_constant_whole_number_gets_whole_ticks() -> None:
    assert [tick.label for tick in fitted([4]).ticks] == ["3", "4", "5"]


def test_a_range_of_rounding_errors_is_drawn_as_constant() -> None:
    axis = fitted([1.0, 1.0 + 1e-15])
    assert [tick.label for tick in axis.ticks] == ["0.90", "0.95", "1.00", "1.05", "1.10"]


def test_what_is_not_positive_lies_at_the_start_of_a_log_axis() -> None:
    axis = fitted([0.1, 10.0], log=True)
    assert axis.place(0.0) == axis.place(-5.0) == 0.0


def test_places_are_where_arithmetic_says() -> None:
    assert fitted([0.0, 10.0]).place(2.5) == 0.25
    assert math.isclose(fitted([1.0, 1e4], log=True).place(10.0), 0.25)


def test_no_values_no_axis() -> None:
    assert fit([]) is None


def test_the_callers_decimal_context_changes_nothing() -> None:
    expected = fitted([0.123, 4.567])
    with localcontext(Context(prec=2)):
        assert fitted([0.123, 4.567]) == expected
