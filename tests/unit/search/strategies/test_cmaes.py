"""CMA-ES against another implementation of the update, and on functions with known minima."""

import numpy as np
import pytest
from deap import cma
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat.values.canonical import decode, encode
from heliostat_search.strategies.cmaes import CMAES, CMAESState

SEEDS = st.integers(0, 2**32)


def sphere(x):
    return float(x @ x)


def rosenbrock(x):
    return float(np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2))


def ellipsoid(x):
    return float(x @ (1e6 ** np.linspace(0, 1, len(x)) * x))


def generations(strategy, state, function, rng, count):
    for _ in range(count):
        points = strategy.ask(state, rng)
        state = strategy.tell(state, points, [function(x) for x in points])
    return state


def same(a: CMAESState, b: CMAESState) -> bool:
    return encode(a) == encode(b)


class Point(np.ndarray):
    """A vector that carries its fitness, as the other implementation takes it."""


@pytest.mark.parametrize(("dimension", "population"), [(1, 4), (2, 2), (3, 0), (8, 25), (12, 11)])
def test_the_update_equals_that_of_deap_given_the_same_samples(dimension, population):
    rng = np.random.default_rng(dimension)
    strategy = CMAES(dimension, population)
    mean = rng.standard_normal(dimension)
    state = strategy.start(mean, 1.2)
    other = cma.Strategy(mean, 1.2, lambda_=strategy.population)
    for generation in range(12):
        points = strategy.ask(state, rng)
        values = [sphere(x * np.arange(1, dimension + 1)) for x in points]
        individuals = [row.view(Point) for row in points]
        for individual, value in zip(individuals, values, strict=True):
            individual.fitness = -value  # there the greatest comes first
        other.update(individuals)
        state = strategy.tell(state, points, values)
        assert state.generation == generation + 1
        assert state.step_size == pytest.approx(other.sigma, rel=1e-12)
        for mine, theirs in (
            (state.mean, other.centroid),
            (state.covariance, other.C),
            (state.step_path, other.ps),
            (state.covariance_path, other.pc),
        ):
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "dimension", "minimum", "evaluations"),
    [
        (sphere, 10, 0.0, 2500),
        (rosenbrock, 5, 1.0, 4500),
        (ellipsoid, 8, 0.0, 5500),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_minimum_is_found_to_1e_9_within_evaluations(
    function, dimension, minimum, evaluations, seed
):
    strategy, rng = CMAES(dimension), np.random.default_rng(seed)
    state = strategy.start(np.full(dimension, -0.5), 0.5)
    state = generations(strategy, state, function, rng, evaluations // strategy.population)
    assert function(state.mean) < 1e-9
    assert state.mean == pytest.approx(np.full(dimension, minimum), abs=1e-3)


def test_the_covariance_learns_the_inverse_of_the_curvature():
    strategy, rng = CMAES(3, 20), np.random.default_rng(4)
    state = strategy.start(np.ones(3), 1.0)
    state = generations(strategy, state, lambda x: sphere(x * [1, 10, 100]), rng, 120)
    deviations = np.sqrt(np.diag(state.covariance))
    assert deviations[0] / deviations[1] == pytest.approx(10, rel=0.5)
    assert deviations[1] / deviations[2] == pytest.approx(10, rel=0.5)


def test_candidates_have_the_mean_and_covariance_of_the_state():
    strategy = CMAES(2, 40_000)
    covariance = np.array([[2.0, 0.9], [0.9, 1.0]])
    state = CMAESState(np.array([1.0, -3.0]), 0.5, covariance, np.zeros(2), np.zeros(2))
    points = strategy.ask(state, np.random.default_rng(5))
    assert points.mean(axis=0) == pytest.approx(state.mean, abs=0.02)
    assert np.cov(points.T) == pytest.approx(0.25 * covariance, abs=0.02)


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_only_the_order_of_the_values_matters(seed):
    rng = np.random.default_rng(seed)
    strategy = CMAES(3, 8)
    state = strategy.start(rng.standard_normal(3), 0.7)
    points, values = strategy.ask(state, rng), rng.standard_normal(8)
    told = strategy.tell(state, points, values)
    assert same(told, strategy.tell(state, points, np.exp(values) - 5))
    shuffled = rng.permutation(8)
    assert same(told, strategy.tell(state, points[shuffled], values[shuffled]))


@given(SEEDS, st.sampled_from([np.nan, np.inf, -np.inf]))
@settings(deadline=None, max_examples=25)
def test_a_value_that_is_not_finite_ranks_last(seed, bad):
    rng = np.random.default_rng(seed)
    strategy = CMAES(3, 8)
    state = strategy.start(np.zeros(3), 1.0)
    points, values = strategy.ask(state, rng), rng.standard_normal(8)
    spoiled, largest = values.copy(), values.copy()
    place = int(rng.integers(8))
    spoiled[place], largest[place] = bad, 1e300
    assert same(strategy.tell(state, points, spoiled), strategy.tell(state, points, largest))


def test_equal_values_rank_in_the_order_given():
    strategy, rng = CMAES(2, 6), np.random.default_rng(6)
    state = strategy.start(np.zeros(2), 1.0)
    points = strategy.ask(state, rng)
    ranked = strategy.tell(state, points, np.arange(6))
    assert same(strategy.tell(state, points, np.zeros(6)), ranked)
    assert same(strategy.tell(state, points, [np.nan, np.inf, np.nan, -np.inf, 1e999, np.nan]),
                ranked)  # fmt: skip


def test_a_resumed_search_equals_an_uninterrupted_one():
    strategy = CMAES(5)
    start = strategy.start(np.ones(5), 0.8)
    whole, rng = start, np.random.default_rng(7)
    for generation in range(30):
        whole = generations(strategy, whole, rosenbrock, rng, 1)
        if generation == 11:
            text, draws = encode(whole), rng.bit_generator.state
    rng = np.random.default_rng()
    rng.bit_generator.state = draws
    resumed = generations(CMAES(5), decode(text), rosenbrock, rng, 18)
    assert same(resumed, whole)
    assert not same(resumed, decode(text))


def test_axes_that_differ_beyond_a_double_keep_the_state_finite():
    strategy, rng = CMAES(2, 10), np.random.default_rng(8)
    state = CMAESState(np.zeros(2), 1.0, np.diag([1.0, -1e-30]), np.zeros(2), np.zeros(2))
    state = generations(strategy, state, sphere, rng, 5)
    assert np.all(np.isfinite(strategy.ask(state, rng)))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: CMAES(0), "dimension"),
        (lambda: CMAES(3, 1), "population"),
        (lambda: CMAES(3).start(np.zeros(2), 1.0), "mean"),
        (lambda: CMAES(3).start([0, np.nan, 0], 1.0), "mean"),
        (lambda: CMAES(3).start(np.zeros(3), 0.0), "step_size"),
        (lambda: CMAES(3).start(np.zeros(3), np.inf), "step_size"),
        (lambda: told(np.zeros((3, 2)), np.zeros(4)), "points"),
        (lambda: told(np.full((4, 2), np.nan), np.zeros(4)), "points"),
        (lambda: told(np.zeros((4, 2)), np.zeros(3)), "values"),
    ],
)
def test_a_value_that_does_not_fit_is_named(make, field):
    with pytest.raises(ConfigError, match=rf"^{field} = "):
        make()


def told(points, values):
    strategy = CMAES(2, 4)
    return strategy.tell(strategy.start(np.zeros(2), 1.0), points, values)
