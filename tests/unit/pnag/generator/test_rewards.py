"""Rewards of MnasNet and TuNAS: specification 5.3."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.evaluator import ArchitectureEvaluator
from heliostat_methods.pnag.generator.rewards import (
    absolute_reward,
    mnasnet_reward,
    pareto_reward,
    tunas_reward,
)


# Specification 5.3: A = .78, B = 110.
@pytest.mark.parametrize(
    ("cost", "mnasnet", "tunas"),
    [(120, 0.775263617629126, 0.773636363636364), (100, 0.785221334069887, 0.773636363636364)],
)
def test_rewards_of_the_specification(cost, mnasnet, tunas):
    assert mnasnet_reward(0.78, cost, 110)[0] == pytest.approx(mnasnet, abs=1e-14)
    assert tunas_reward(0.78, cost, 110)[0] == pytest.approx(tunas, abs=1e-14)


numbers = st.floats(5e-324, 1.7e308)


@settings(deadline=None, max_examples=40)
@given(st.floats(0, 1), numbers, numbers)
def test_rewards_are_finite_and_their_optimum_is_where_they_say(accuracy, cost, budget):
    here = mnasnet_reward(accuracy, cost, budget)[0], tunas_reward(accuracy, cost, budget)[0]
    assert all(math.isfinite(value) for value in here)
    assert here[1] <= accuracy == tunas_reward(accuracy, budget, budget)[0]
    assert (here[0] <= accuracy) if cost >= budget else (here[0] >= accuracy)


def test_a_reward_is_a_function_of_architectures_and_budgets():
    archs = np.array([[0, 1], [1, 1]], dtype=np.int16)
    reward = absolute_reward(
        lambda rows: np.full(len(rows), 0.78), lambda rows: 100 + 20 * rows[:, 0]
    )
    assert reward(archs, np.full(2, 110.0))[1] == pytest.approx(0.775263617629126)
    model = ArchitectureEvaluator(2, (1, 2), np.random.default_rng(0), (4,), 3)
    scores = pareto_reward(model, lambda rows: rows.astype(np.float32))(archs, np.array([1.0, 2]))
    assert scores.tolist() == model.score(archs.astype(np.float32), [1.0, 2]).tolist()


def test_refused_arguments_are_named():
    with pytest.raises(DataError, match=r"accuracy\[0\] = 78: .*as a fraction"):
        mnasnet_reward(78, 1, 1)
    with pytest.raises(DataError, match=r"budget\[0\] = 0"):
        tunas_reward(0.5, 1, 0)
    with pytest.raises(ConfigError, match=r"penalty = 0.07: expected a number from -1 to 0"):
        tunas_reward(0.5, 1, 1, 0.07)
    with pytest.raises(ConfigError, match=r"kind = 'mnas'.*did you mean 'mnasnet'"):
        absolute_reward(lambda rows: rows, lambda rows: rows, "mnas")
