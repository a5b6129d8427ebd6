"""Numbers as they are written: digits that show them, and no number where there is none."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_search.trainings.numbers import (
    interval,
    middle,
    number,
    quartiles,
    signed,
    spread_out,
)


@pytest.mark.parametrize(
    "value, shown",
    [
        (0.02941, "0.0294"), (0.0, "0.0000"), (-0.0008, "-0.0008"), (9.87654, "9.8765"),
        (12.3456, "12.35"), (123456.0, "1.235e+05"), (0.000123456, "0.000123"), (1e-9, "1e-09"),
        (None, "-"), (math.inf, "-"), (math.nan, "-"),
    ],
)  # fmt: skip
def test_a_number_has_the_digits_that_show_it(value: float | None, shown: str) -> None:
    assert number(value) == shown


@settings(deadline=None)
@given(st.floats(-1e300, 1e300))
def test_a_number_is_short_and_near_what_it_stands_for(value: float) -> None:
    shown = number(value)
    assert len(shown) <= 11
    assert math.isclose(float(shown), value, rel_tol=0.06, abs_tol=0)


@pytest.mark.parametrize("value, shown", [(0.001, "+0.0010"), (-0.5, "-0.5000"), (None, "-")])
def test_a_difference_has_its_sign(value: float | None, shown: str) -> None:
    assert signed(value) == shown


def line(values: list[float], mean: Any = None, low: Any = None, high: Any = None) -> Any:
    exploded = sum(not math.isfinite(value) for value in values)
    return {"values": values, "mean": mean, "low": low, "high": high, "exploded": exploded}


@pytest.mark.parametrize(
    "given_, shown",
    [
        (line([0.1, 0.2], 0.15, 0.1, 0.2), "0.1500 ±0.0500"),
        (line([0.03] * 9, 0.03, 0.0292, 0.0308), "0.0300 ±0.0008"),
        (line([0.25]), "0.2500"),
        (line([0.25, math.inf]), "0.2500"),
        (line([math.inf, math.inf]), "exploded"),
        (line([]), "-"),
        (None, "-"),
    ],
)
def test_an_interval_is_told_where_there_is_one(given_: Any, shown: str) -> None:
    assert interval(given_) == shown


def test_the_middle_of_one_training_is_its_value() -> None:
    assert middle(line([0.25])) == 0.25
    assert middle(line([math.inf])) is None


def test_quartiles_are_three_rows_in_which_what_is_missing_is_a_gap() -> None:
    low, median, high = quartiles([[1.0, None], [2.0, 3.0], [4.0, 5.0]])
    assert low[0] == 1.0 and math.isnan(low[1])
    assert (median, high) == ([2.0, 3.0], [4.0, 5.0])
    assert quartiles([]) == ([], [], [])


@pytest.mark.parametrize(
    "values, wants", [([1, 9], False), ([0.01, 1], True), ([0, 1], False), ([], False),
                      ([math.nan, 1, 100], True)],
)  # fmt: skip
def test_what_is_ten_times_apart_wants_a_logarithmic_axis(values: Any, wants: bool) -> None:
    assert spread_out(values) is wants
