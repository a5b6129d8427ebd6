import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliostat_methods.pnag.searchers.acquisition import (
    expected_improvement,
    layers,
    shortfall,
    staircase,
)
from heliostat_search.pareto import front, hypervolume

POINTS = st.integers(1, 12).flatmap(
    lambda n: arrays(np.float64, (n, 2), elements=st.integers(-8, 8).map(float))
)
REFERENCE = np.array([9.0, 9.0])


@given(POINTS, POINTS)
@settings(deadline=None, max_examples=30)
def test_without_doubt_the_gain_is_that_of_the_hypervolume(known, candidates):
    sure = np.zeros(len(candidates))
    gains = expected_improvement(
        (candidates[:, 0], sure), (candidates[:, 1], sure), staircase(known), REFERENCE
    )
    before = hypervolume(known, REFERENCE)
    exact = [hypervolume(np.vstack([known, one]), REFERENCE) - before for one in candidates]
    assert gains == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("reference", [(3.0, 3.0), (0.5, 2.0)])
def test_the_expectation_is_the_mean_over_draws(reference):
    rng = np.random.default_rng(0)
    known = np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 0.0]])
    mean, deviation = np.array([0.7, 0.4]), np.array([0.6, 0.8])
    draws = mean + deviation * rng.standard_normal((1500, 2))
    before = hypervolume(known, reference)
    gains = [hypervolume(np.vstack([known, draw]), reference) - before for draw in draws]
    found = expected_improvement(
        (mean[:1], deviation[:1]), (mean[1:], deviation[1:]), known, np.array(reference)
    )
    assert found[0] == pytest.approx(np.mean(gains), abs=4 * np.std(gains) / 1500**0.5)


@given(
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.floats(0, 1e6),
)
def test_a_shortfall_is_a_number_between_its_bounds(bound, mean, deviation):
    found = shortfall(bound, np.array([mean]), np.array([deviation]))[0]
    sure = max(bound - mean, 0.0)
    slack = 1e-9 * (abs(bound) + abs(mean) + deviation)
    assert sure - slack <= found <= sure + 0.4 * deviation + slack


@given(POINTS)
@settings(deadline=None, max_examples=30)
def test_layers_are_fronts_of_what_is_left_and_hold_every_point_once(points):
    found = list(layers(points))
    assert sorted(np.concatenate(found).tolist()) == list(range(len(points)))
    best = {tuple(points[place]) for place in front(points)}
    assert {tuple(point) for point in points[found[0]]} == best
    assert (np.diff(staircase(points)[:, 0]) > 0).all()
