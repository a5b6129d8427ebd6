"""Policy gradient: what is rewarded is said, by budget; modes, ablations and what is refused."""

import dataclasses

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.policy import PolicyTraining, advantages, train_policy
from heliostat_methods.pnag.spaces.space import ABSENT, Decision

DECISIONS = (
    Decision("d0", "depth", (1, 2)),
    Decision("a", "op", (0, 1, 2)),
    Decision("b", "op", (0, 1, 2), parent=0, least=1),
    Decision("c", "op", (0, 1, 2)),
)
SHORT = PolicyTraining(steps=60, rate=2e-2)


def generator(**options):
    return ArchitectureGenerator(DECISIONS, (1, 2, 4), np.random.default_rng(0), 12, **options)


def closeness(archs, budgets):
    """Rewards a total of all choices that is the budget's."""
    return -np.abs(np.maximum(archs, 0).sum(1) - budgets)


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({}, {}),
        ({"masked": False}, {"draw": "knots"}),
        ({"interpolation": "nearest"}, {"baseline": False, "scale": 0.3}),
    ],
)
def test_training_raises_the_reward(options, changes):
    curve = train_policy(
        generator(**options),
        closeness,
        dataclasses.replace(SHORT, **changes),
        np.random.default_rng(1),
    )
    assert curve.reward[-10:].mean() > curve.reward[:10].mean() + 0.2
    assert curve.entropy[-1] < curve.entropy[0]


def test_what_is_said_follows_the_budget():
    model = generator()
    train_policy(model, closeness, dataclasses.replace(SHORT, steps=100), np.random.default_rng(2))
    with torch.no_grad():
        totals = np.maximum(model.greedy([1, 2, 4]).archs, 0).sum(1)
    assert totals[0] < totals[2]


def test_a_constant_of_each_budget_changes_nothing():
    rewards = np.random.default_rng(0).normal(size=64)
    offset = np.repeat(np.random.default_rng(1).normal(size=8), 8) * 100
    settings = PolicyTraining()
    assert_allclose(
        advantages(rewards + offset, settings), advantages(rewards, settings), atol=1e-9
    )
    of_budget = advantages(rewards, settings).reshape(8, 8)
    assert_allclose(of_budget.mean(1), 0, atol=1e-12)
    assert_allclose(of_budget.std(1), 1, rtol=1e-5)
    assert_array_equal(advantages(np.full(64, 3.0), settings), 0)


def test_paper_mode_is_one_architecture_a_step_without_a_baseline():
    settings = PolicyTraining.of("paper")
    assert (settings.steps, settings.rate, settings.budgets, settings.samples) == (
        10_001,
        3e-4,
        1,
        1,
    )
    assert advantages(np.array([2.0]), settings).tolist() == [2e-3]
    assert settings.entropy_at(0) == settings.entropy_at(10_000) == 1e-3
    seen = []

    def reward(archs, budgets):
        seen.append((len(archs), float(budgets[0])))
        return closeness(archs, budgets)

    short = dataclasses.replace(settings, steps=30)
    train_policy(generator(masked=False), reward, short, np.random.default_rng(0))
    assert {count for count, _ in seen} == {1}
    assert {budget for _, budget in seen} == {1.0, 2.0, 4.0}


def test_entropy_goes_straight_from_first_to_last():
    settings = PolicyTraining(steps=5, entropy=0.1, last_entropy=0.02)
    assert_allclose([settings.entropy_at(step) for step in range(5)], [0.1, 0.08, 0.06, 0.04, 0.02])
    assert PolicyTraining(steps=1).entropy_at(0) == 0.1


def test_the_reward_sees_what_does_not_exist_as_absent():
    def reward(archs, budgets):
        assert_array_equal(archs[:, 2] == ABSENT, archs[:, 0] == 0)
        return np.zeros(len(archs))

    for masked in (True, False):
        settings = PolicyTraining(steps=1)
        train_policy(generator(masked=masked), reward, settings, np.random.default_rng(0))


def test_equal_streams_give_equal_bits():
    models = [generator() for _ in range(2)]
    settings = PolicyTraining(steps=3)
    for model in models:
        train_policy(model, closeness, settings, np.random.default_rng(3))
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one, other)


def test_one_step_is_adam_on_the_loss_as_written():
    settings = PolicyTraining(steps=1, budgets=2, samples=3)
    model, same = generator(), generator()
    train_policy(model, closeness, settings, np.random.default_rng(4))
    rng = np.random.default_rng(4)
    budgets = np.repeat(np.interp(rng.random(2) * 2, range(3), (1, 2, 4)), 3)
    said = same.sample(budgets, rng)
    gains = torch.from_numpy(advantages(closeness(said.archs, budgets), settings)).float()
    (-(gains * said.log_prob).mean() - 0.1 * said.entropy.mean()).backward()
    for moved, one in zip(model.parameters(), same.parameters(), strict=True):
        # The first step of Adam is rate * gradient / (|gradient| + 1e-8).
        step = 5e-3 * one.grad / (one.grad.abs() + 1e-8)
        assert_allclose(moved.detach(), (one - step).detach(), atol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda n: np.full(n, np.nan), r"reward\[0\] = nan: expected a finite number"),
        (lambda n: np.r_[np.zeros(n - 1), np.inf], r"reward\[63\] = inf"),
        (lambda n: np.zeros(3), r"reward: one for each of 64 architectures needed, got 3"),
    ],
)
def test_unusable_rewards_are_named(values, message):
    with pytest.raises(DataError, match=message):
        train_policy(
            generator(), lambda archs, _: values(len(archs)), SHORT, np.random.default_rng(0)
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps = 0"),
        (
            {"samples": 1},
            r"samples = 1: expected 2 or more of each budget; or set baseline = false",
        ),
        ({"rate": 0}, "rate = 0"),
        ({"entropy": -1}, "entropy = -1"),
        ({"scale": float("nan")}, "scale = nan"),
        ({"draw": "knot"}, r"draw = 'knot'.*did you mean 'knots'"),
    ],
)
def test_unusable_settings_are_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        PolicyTraining(**changes)


def test_a_rate_at_which_the_loss_is_lost_is_named():
    wild = PolicyTraining(steps=20, rate=1e30)
    with pytest.raises(ConfigError, match=r"rate = 1e\+30: expected a smaller rate"):
        train_policy(generator(), closeness, wild, np.random.default_rng(0))


def test_unknown_mode_names_the_nearest():
    with pytest.raises(ConfigError, match=r"mode = 'papers'.*did you mean 'paper'"):
        PolicyTraining.of("papers")
