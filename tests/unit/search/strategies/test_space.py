"""Spaces: what a table may say, what it refuses, and Optuna's form of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ({"low": 1, "high": 9, "step": 3}, True, "step", "from low = 1 to high = 9"),
        ({"low": 0.0, "high": 1.0, "step": 0.3}, False, "step", "from low = 0 to high = 1"),
        ({"low": 1, "high": 9, "step": 0}, True, "step", "a positive number"),
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
