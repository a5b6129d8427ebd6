"""Rates chosen on validation curves, and areas under curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_search.trainings.choosing import LEAST, choose
from heliostat_search.trainings.lines import area

STEPS = (0, 10, 20, 30, 40)


def bowls(centres):
    """Curves whose last value is least at a factor of 10^centre, one contestant each."""

    def valid(asked):
        asked_for.extend(asked)
        return [
            np.linspace(1, 0, 5) + np.full((2, 5), (math.log10(f) - centres[i]) ** 2)
            for i, f in asked
        ]

    asked_for: list[tuple[int, float]] = []
    return valid, asked_for


@settings(deadline=None)
@given(st.floats(-3, 3), st.integers(0, 6))
def test_the_best_of_a_bowl_lies_inside_or_the_grid_has_grown_as_far_as_it_may(centre, growths):
    valid, asked = bowls([centre])
    (found,) = choose(1, STEPS, (0.1, 0.3, 1.0, 3.0, 10.0), growths, valid, [4])
    factors = [one.factor for one in found.tried]
    assert factors == sorted(set(factors)) and len(asked) == len(factors)
    assert len(factors) <= 5 + growths
    if found.at_end.edge:
        assert len(factors) == 5 + growths
    else:
        assert abs(math.log10(found.at_end.factor) - centre) < 0.3
    assert found.at_cut == found.at_end


def test_each_contestant_grows_its_own_grid():
    valid, asked = bowls([0.0, 2.0])
    left, right = choose(2, STEPS, (0.3, 1.0, 3.0), 3, valid)
    assert [one.factor for one in left.tried] == [0.3, 1.0, 3.0]
    assert [one.factor for one in right.tried] == [0.3, 1.0, 3.0, 10.0, 30.0, 100.0]
    assert right.at_end.factor == 100.0 and right.at_end.edge
    assert [f for i, f in asked if i == 0] == [0.3, 1.0, 3.0]


def test_a_cut_is_chosen_on_curves_that_end_there():
    curves = {1.0: [9, 5, 4, 3, 2], 3.0: [9, 2, 3, 5, 8], 0.3: [9, 8, 7, 6, 5]}

    def valid(asked):
        return [np.tile(np.array(curves[f], float), (3, 1)) for _, f in asked]

    (found,) = choose(1, STEPS, (0.3, 1.0, 3.0), 0, valid, [1])
    assert found.at_cut is not None
    assert found.at_end.factor == 1.0 and found.at_cut.factor == 3.0
    assert found.at_cut.edge and not found.at_end.edge
    assert found.at_best.factor == 1.0  # 2 at both; the factor nearest 1
    assert found.factors == (1.0, 3.0)


def test_without_a_cut_there_is_no_such_choice():
    valid, _ = bowls([0.0])
    (found,) = choose(1, STEPS, (0.3, 1.0, 3.0), 2, valid, [None])
    assert found.at_cut is None


@pytest.mark.parametrize("place", [None, 3])
def test_one_factor_is_taken_as_given(place):
    def valid(asked):
        raise AssertionError("nothing is to be tried")

    (found,) = choose(1, STEPS, (0.7,), 5, valid, [place])
    assert found.factors == (0.7,) and not found.at_end.edge and not found.at_best.edge
    assert (found.at_cut is not None) == (place is not None)
    assert found.tried == ()


def test_where_every_training_diverges_lower_rates_are_tried_and_nothing_is_decided():
    (found,) = choose(
        1, STEPS, (1.0, 10.0), 2, lambda asked: [np.full((2, 5), np.inf) for _ in asked]
    )
    assert [one.factor for one in found.tried] == [0.01, 0.1, 1.0, 10.0]
    assert found.at_end.edge


def test_grids_grow_no_further_than_numbers_go():
    def always_lower(asked):
        return [np.full((2, 5), math.log10(f) + 20) for _, f in asked]

    (found,) = choose(1, STEPS, (1e-9, 1e-4), 100, always_lower)
    assert min(one.factor for one in found.tried) >= LEAST and found.at_end.edge


def test_areas_are_those_of_trapezoids_over_uneven_steps():
    curves = np.array([[4.0, 2.0, 2.0], [1.0, 1.0, 1.0], [0.0, np.inf, 1.0], [3.0, 1.0, np.inf]])
    found = area(curves, (0, 10, 40))
    assert found[:2].tolist() == [(30 + 60) / 40, 1.0]
    assert found[2:].tolist() == [np.inf, np.inf]
