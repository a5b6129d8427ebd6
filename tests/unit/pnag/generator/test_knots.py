"""Where knots are placed, and what is said of narrow ranges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.knots import place_knots


def test_knots_are_even_in_log_cost_on_the_range_of_the_front():
    # The front: (1, .5), (10, .7), (100, .9); cost 1000 is dominated.
    knots = place_knots([0.5, 0.7, 0.9, 0.9, 0.2], [1, 10, 100, 1000, 3], 3)
    assert_allclose(knots.values, [1, 10, 100])
    assert knots.note == ""


def test_knots_at_quantiles_of_all_costs():
    knots = place_knots([0.5] * 5, [1, 2, 3, 4, 100], 3, "quantiles")
    assert_allclose(knots.values, [1, 3, 100])


def test_coinciding_quantiles_are_said():
    knots = place_knots([0.5] * 5, [1, 1, 1, 1, 100], 3, "quantiles")
    assert_allclose(knots.values, [1, 10, 100])
    assert "coincide" in knots.note


def test_a_front_of_one_point_is_widened_and_said():
    knots = place_knots([0.9, 0.5], [11, 20], 2)
    assert_allclose(knots.values, [10, 12.1])
    assert knots.note == "the front has costs from 11 to 11 only: widened to 10..12.1"


known = st.lists(
    st.tuples(st.floats(0, 1), st.floats(1e-300, 1e300)), min_size=1, max_size=9
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(known, st.integers(2, 30), st.sampled_from(["front", "quantiles"]))
def test_knots_increase_and_hold_the_front(rows, count, spacing):
    accuracy, cost = np.array(rows).T
    knots = place_knots(accuracy, cost, count, spacing)
    assert len(knots.values) == count
    assert np.all(np.diff(knots.values) > 0)
    assert knots.values[0] <= cost.min()
    assert knots.values[-1] >= cost[accuracy == accuracy.max()].min()


def test_refused_arguments_are_named():
    with pytest.raises(ConfigError, match="knots = 1: expected an integer, at least 2"):
        place_knots([0.5], [1], 1)
    with pytest.raises(ConfigError, match=r"spacing = 'fronts'.*did you mean 'front'"):
        place_knots([0.5], [1], 2, "fronts")
    with pytest.raises(DataError, match="cost: no architecture known"):
        place_knots([], [], 2)
    with pytest.raises(DataError, match=r"cost\[0\] = 0"):
        place_knots([0.5], [0], 2)
