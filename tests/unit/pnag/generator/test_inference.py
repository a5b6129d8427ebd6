"""Architectures for a budget: verified, the best first, and never silently too dear."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.inference import generate
from heliostat_methods.pnag.spaces.space import Decision

DECISIONS = tuple(Decision(f"x{place}", "op", (0, 1, 2)) for place in range(3))
MODEL = ArchitectureGenerator(DECISIONS, (1, 10), np.random.default_rng(0), 6)


def cost(archs):
    return 1.0 + archs.sum(1)


def drawn(budget, n=60, **options):
    rng = np.random.default_rng(1)
    return generate(MODEL, budget, n, mode="sample", rng=rng, cost=cost, **options)


def test_samples_fit_the_budget_and_the_best_by_evaluator_is_first():
    found = drawn(4.0, evaluator=lambda archs, budgets: archs[:, 0] * 10.0 + archs[:, 1])
    assert found.feasible
    assert found.cost.max() == 4 and (found.cost == cost(found.archs)).all()
    assert len(np.unique(found.archs, axis=0)) == len(found.archs) < found.said
    assert found.archs[0].tolist() == [2, 1, 0]


def test_without_an_evaluator_the_likeliest_is_first():
    found = drawn(7.0)
    chances = MODEL.log_prob(found.archs, 7.0).detach().numpy()
    assert np.all(np.diff(chances) <= 1e-6)


def test_the_greedy_architecture_is_one_pass():
    found = generate(MODEL, 10.0, cost=cost)
    assert_array_equal(found.archs, MODEL.greedy(10.0).archs)
    assert (found.feasible, found.said) == (True, 1)


def test_nothing_feasible_gives_the_cheapest_and_says_so():
    found = generate(
        MODEL,
        2.0,
        200,
        mode="sample",
        rng=np.random.default_rng(1),
        cost=lambda archs: 3 + cost(archs),
        evaluator=lambda archs, budgets: cost(archs),
    )
    assert found.feasible is False
    assert found.cost.tolist() == [4] and found.archs.tolist() == [[0, 0, 0]]


def test_a_cost_equal_to_the_budget_is_feasible():
    arch = MODEL.greedy(7.0).archs
    assert generate(MODEL, 7.0, cost=lambda archs: np.full(len(archs), 7.0)).feasible
    assert not generate(MODEL, 7.0, cost=lambda archs: np.full(len(archs), 7.0000001)).feasible
    assert len(arch) == 1


def test_unverified_says_nothing_of_cost():
    found = generate(MODEL, 5.0, verify=False)
    assert found.cost is None and found.feasible is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n = 0: expected an integer, at least 1"),
        ({"n": 2}, "n = 2: expected 1, for there is one greedy"),
        ({"mode": "sample"}, "rng = None: expected a generator to draw from"),
        ({"mode": "sampl"}, r"mode = 'sampl'.*did you mean 'sample'"),
        ({"cost": None}, r"cost = None: expected what architectures cost.*verify = False"),
        ({"budget": 11}, r"budget = 11.0: expected a number from 1 to 10"),
    ],
)
def test_refused_arguments_are_named(arguments, message):
    given = {"budget": 5.0, "cost": cost} | arguments
    with pytest.raises(ConfigError, match=message):
        generate(MODEL, given.pop("budget"), given.pop("n", 1), **given)


def test_unusable_costs_and_scores_are_named():
    with pytest.raises(DataError, match=r"cost\[0\] = nan"):
        generate(MODEL, 5.0, cost=lambda archs: np.full(len(archs), np.nan))
    with pytest.raises(DataError, match="2 of cost, 1 of architectures"):
        generate(MODEL, 5.0, cost=lambda archs: np.ones(2))
    with pytest.raises(DataError, match=r"evaluator\[0\] = nan: expected a finite number"):
        generate(MODEL, 5.0, cost=cost, evaluator=lambda archs, _: np.full(len(archs), np.nan))
