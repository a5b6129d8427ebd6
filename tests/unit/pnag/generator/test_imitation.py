"""The best that is known within a budget, and a generator that learns to say it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.imitation import (
    Imitation,
    best_within,
    staircase,
    train_imitation,
)
from heliostat_methods.pnag.spaces.space import Decision

DECISIONS = (Decision("a", "a", (1, 2, 3)), Decision("b", "b", (1, 2, 3)))
ARCHS = np.array([[a, b] for a in range(3) for b in range(3)], np.int16)
COST = np.array([10.0, 14, 13, 20, 26, 18, 30, 35, 40])
ACCURACY = np.array([0.5, 0.6, 0.55, 0.4, 0.7, 0.65, 0.9, 0.7, 0.95])
STEPS = (0, 2, 1, 5, 4, 6, 8)
"""What is more accurate than all that is cheaper, by rising cost."""

values = st.integers(1, 9)  # few, so that many are equal


@settings(deadline=None)
@given(st.lists(st.tuples(values, values), min_size=1, max_size=12), st.lists(values, min_size=1))
def test_the_best_within_a_budget_is_what_brute_force_finds(
    rows: list[tuple[int, int]], budgets: list[int]
) -> None:
    accuracy, cost = (np.array(column, float) for column in zip(*rows, strict=True))
    fitting = np.array([b for b in budgets if b >= cost.min()], float)
    found = best_within(accuracy / 10, cost, fitting)
    for place, budget in zip(found, fitting, strict=True):
        fits = [at for at in range(len(cost)) if cost[at] <= budget]
        best = min(fits, key=lambda at: (-accuracy[at], cost[at]))
        assert (accuracy[place], cost[place]) == (accuracy[best], cost[best])


def test_the_staircase_rises_in_both() -> None:
    assert staircase(ACCURACY, COST).tolist() == list(STEPS)


def test_of_equals_the_cheapest_and_then_the_first_is_taken() -> None:
    accuracy, cost = np.array([0.5, 0.7, 0.7, 0.7]), np.array([1.0, 4, 3, 3])
    assert staircase(accuracy, cost).tolist() == [0, 2]
    assert best_within(accuracy, cost, np.array([1.0, 2.9, 3, 9])).tolist() == [0, 0, 2, 2]


def generator() -> ArchitectureGenerator:
    return ArchitectureGenerator(DECISIONS, [10.0, 20, 40], np.random.default_rng(0))


def test_after_training_the_generator_says_the_staircase() -> None:
    made = generator()
    last = train_imitation(
        made, ARCHS, ACCURACY, COST, Imitation(steps=250, budgets=8), np.random.default_rng(1)
    )
    budgets = COST[list(STEPS)]
    assert_array_equal(made.greedy(budgets).archs, ARCHS[list(STEPS)])
    between = np.sqrt(budgets[1:] * budgets[:-1])
    assert_array_equal(made.greedy(between).archs, ARCHS[list(STEPS[:-1])])
    assert -0.7 < last <= 0


def test_without_steps_nothing_is_changed() -> None:
    made, before = generator(), generator()
    rng = np.random.default_rng(1)
    assert train_imitation(made, ARCHS, ACCURACY, COST, Imitation(steps=0), rng) == 0
    for one, other in zip(made.parameters(), before.parameters(), strict=True):
        assert_array_equal(one.detach(), other.detach())


def test_equal_streams_teach_equal_bits() -> None:
    made = [generator(), generator()]
    for one in made:
        train_imitation(one, ARCHS, ACCURACY, COST, Imitation(steps=5), np.random.default_rng(4))
    for one, other in zip(*(g.parameters() for g in made), strict=True):
        assert_array_equal(one.detach(), other.detach())


def test_where_nothing_fits_the_cheapest_is_learned() -> None:
    assert best_within(ACCURACY[1:], COST[1:], COST[:1]).tolist() == [int(np.argmin(COST[1:]))]
    train_imitation(
        generator(), ARCHS[1:], ACCURACY[1:], COST[1:], Imitation(2), np.random.default_rng(0)
    )


def test_something_has_to_be_known() -> None:
    with pytest.raises(DataError, match="cost: no architecture known"):
        train_imitation(
            generator(), ARCHS[:0], ACCURACY[:0], COST[:0], Imitation(), np.random.default_rng(0)
        )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"steps": -1}, "steps = -1: expected an integer, at least 0"),
        ({"budgets": 0}, "budgets = 0: expected an integer, at least 1"),
        ({"rate": 0.0}, "rate = 0.0: expected a number above 0"),
        ({"rate": float("nan")}, "rate = nan: expected a number above 0"),
    ],
)
def test_wrong_settings_are_named(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Imitation(**fields)  # type: ignore[arg-type]


def test_the_rate_falls_to_a_tenth() -> None:
    chosen = Imitation(steps=11, rate=0.1)
    assert [chosen.rate_in(step) for step in (0, 5, 10)] == pytest.approx([0.1, 0.055, 0.01])
    assert Imitation(steps=1, rate=0.1).rate_in(0) == 0.1
