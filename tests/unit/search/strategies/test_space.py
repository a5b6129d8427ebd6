"""Spaces: what a table may say, what it refuses, and Optuna's form of it."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import distribution_to_json, json_to_distribution

from heliostat.errors import ConfigError
from heliostat_search.strategies.space import (
    Choice,
    Integer,
    Real,
    from_optuna,
    is_dimension,
    read_dimension,
    to_optuna,
)

json_values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("table", "integers", "dimension"),
    [
        ({"low": 1, "high": 4}, True, Integer(1, 4)),
        ({"low": 1, "high": 9, "step": 4}, True, Integer(1, 9, step=4)),
        ({"low": 1, "high": 4}, False, Real(1.0, 4.0)),
        ({"low": 1e-3, "high": 1, "log": True}, False, Real(1e-3, 1.0, log=True)),
        ({"low": 0.0, "high": 0.3, "step": 0.1}, False, Real(0.0, 0.3, step=0.1)),
        ({"choices": ["a", [1, 2]]}, False, Choice(("a", [1, 2]))),
    ],
)
def test_a_table_says_a_dimension(table: Any, integers: bool, dimension: Any) -> None:
    assert read_dimension(table, integers=integers) == dimension
    assert read_dimension(dimension.plain(), integers=integers) == dimension


@pytest.mark.parametrize(
    ("table", "integers", "field", "told"),
    [
        ({"low": 1, "hihg": 4}, True, "hihg", "did you mean 'high'"),
        ({"low": 1}, True, "high", "needs low and high"),
        ({"high": 1}, True, "low", "needs low and high"),
        ({"low": 4, "high": 4}, True, "high", "more than low = 4"),
        ({"low": 4, "high": 1}, False, "high", "more than low = 4"),
        ({"low": 1.5, "high": 4}, True, "low", "an integer"),
        ({"low": 1, "high": 4.0}, True, "high", "an integer"),
        ({"low": True, "high": 4}, True, "low", "a number"),
        ({"low": "1", "high": 4}, False, "low", "a number"),
        ({"low": float("-inf"), "high": 4.0}, False, "low", "a finite number"),
        ({"low": 0.0, "high": float("nan")}, False, "high", "a finite number"),
        ({"low": 0.0, "high": 1.0, "log": True}, False, "low", "a positive number"),
        ({"low": 0.1, "high": 1.0, "log": 1}, False, "log", "true or false"),
        ({"low": 1, "high": 9, "log": True, "step": 2}, True, "step", "no step beside log"),
        ({"low": 1, "high": 9, "step": 9}, True, "step", "at most high - low = 8"),
        ({"low": 0.0, "high": 1.0, "step": 1.3}, False, "step", "at most high - low = 1"),
        ({"low": 1, "high": 9, "step": 0}, True, "step", "a positive number"),
        ({"low": 1e16, "high": 1.1e16, "step": 0.5}, False, "step", "numbers that differ"),
        ({"low": 0, "high": 2**53 + 2}, True, "high", "at most 2\\^53"),
        ({"low": -1e308, "high": 1e308}, False, "high", "a finite high - low"),
        ({"choices": "abc"}, False, "choices", "a list"),
        ({"choices": ["a"]}, False, "choices", "at least two"),
        ({"choices": ["a", "b", "a"]}, False, "choices", "different values"),
        ({"choices": ["a", "b"], "low": 1}, False, "low", "nothing beside choices"),
    ],
)
def test_a_wrong_table_is_refused_with_its_key(
    table: Any, integers: bool, field: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        read_dimension(table, integers=integers)
    assert error.value.field == field


@given(st.lists(json_values, min_size=2, max_size=6))
def test_every_choice_comes_back_from_optuna_as_it_was(values: list[Any]) -> None:
    try:
        choice = Choice(tuple(values))
    except ConfigError:
        return  # two of them are equal as texts
    for value in values:
        back = from_optuna(choice, to_optuna(choice, value))
        assert repr(back) == repr(value)
        assert choice.holds(value)


THIRD = 0.3333333333333333
QUARTER_TURN = math.pi / 2
GRIDS = [
    (Real(0.1, 0.7, step=0.15), [0.1, 0.25, 0.4, 0.55, 0.7]),
    (Real(0.0, 1.0, step=THIRD), [0.0, THIRD, 2 / 3, 1.0]),
    (Real(0.0, 1.0, step=0.333333), [0.0, 0.333333, 0.666666, 0.999999]),
    (Real(0.0, 2.0, step=0.6666667), [0.0, 0.6666667, 1.3333334, 2.0]),
    (Real(0.0, 1.0, step=0.3), [0.0, 0.3, 0.6, 0.9]),
    (Real(0.0, 2 * math.pi, step=QUARTER_TURN),
     [0.0, QUARTER_TURN, math.pi, 4.71238898038469, 2 * math.pi]),
    (Real(-math.pi, math.pi, step=QUARTER_TURN),
     [-math.pi, -QUARTER_TURN, 0.0, QUARTER_TURN, math.pi]),
    (Real(0.1, 1.0, step=0.1), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
    (Integer(1, 9, step=3), [1, 4, 7]),
    (Integer(-4, 4, step=2), [-4, -2, 0, 2, 4]),
]  # fmt: skip


@pytest.mark.parametrize(("dimension", "values"), GRIDS)
def test_a_step_holds_every_value_up_to_high(dimension: Real | Integer, values: Any) -> None:
    assert [dimension.value(k) for k in range(dimension.count)] == values
    assert all(dimension.holds(value) for value in values)
    middle = (values[0] + values[1]) / 2
    assert not dimension.holds(middle if isinstance(dimension, Real) else int(middle))


@pytest.mark.parametrize(("dimension", "values"), GRIDS)
def test_optuna_draws_every_value_of_a_step_and_keeps_it_through_json(
    dimension: Real | Integer, values: Any
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asked, shown = dimension.distribution(), dimension.shown()
        (low, high), held = (asked.low, asked.high), json_to_distribution(
            distribution_to_json(shown)
        )  # fmt: skip
    inner = range(low, high + 1, asked.step)
    assert [from_optuna(dimension, k) for k in inner] == values
    assert [to_optuna(dimension, value) for value in values] == list(inner)
    assert held == shown
    assert (held.low, held.high) == (values[0], values[-1])
    assert all(held._contains(held.to_internal_repr(value)) for value in values)


decimals = st.decimals(-1000, 1000, allow_nan=False, places=3).map(float)


@given(decimals, st.integers(1, 200), st.decimals("0.001", 50, places=3), st.integers(0, 999))
def test_a_range_that_its_step_divides_ends_at_high(
    low: float, count: int, step: Decimal, more: int
) -> None:
    exact = Decimal(repr(low)) + count * step
    high = float(exact + step * more / 1000) if more < 999 else float(exact)
    dimension = Real(low, high, step=float(step))
    values = [dimension.value(k) for k in range(dimension.count)]
    assert dimension.count == count + 1
    # the last one may have been taken for high, where high is a millionth of a step away
    assert values[:-1] == [float(Decimal(repr(low)) + k * step) for k in range(count)]
    assert values[-1] in (float(exact), high)
    assert from_optuna(dimension, to_optuna(dimension, values[-1])) == values[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = json_to_distribution(distribution_to_json(dimension.shown()))
    assert all(shown._contains(value) for value in values)


@given(st.integers(-50, 50), st.integers(1, 20), st.integers(1, 7), st.integers(-80, 80))
def test_an_integer_range_holds_what_python_says(
    low: int, steps: int, step: int, value: int
) -> None:
    dimension = Integer(low, low + steps * step, step=step)
    assert dimension.holds(value) == (value in range(low, low + steps * step + 1, step))


def test_ranges_hold_no_other_types() -> None:
    assert not Integer(0, 4).holds(True)
    assert not Integer(0, 4).holds(1.0)
    assert not Real(0.0, 4.0).holds(True)
    assert not Real(0.0, 4.0).holds("1")
    assert Real(0.0, 4.0).holds(1)
    assert not Real(0.0, 4.0).holds(float("nan"))


def test_a_table_of_tables_is_a_section() -> None:
    assert is_dimension({"low": 1, "high": 2})
    assert is_dimension({"low": 1, "hihg": 2})
    assert not is_dimension({"width": {"low": 1, "high": 2}})
    assert not is_dimension({"low": {"low": 1, "high": 2}})
