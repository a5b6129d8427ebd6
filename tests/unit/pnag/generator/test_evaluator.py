"""The evaluator learns the order under each budget, and says when there was nothing to learn."""

import dataclasses

import numpy as np
import pytest
import torch

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.descent.schedule import Descent
from heliostat_methods.pnag.generator.evaluator import ArchitectureEvaluator
from heliostat_methods.pnag.generator.evaluator_training import (
    AUTHORS_EVALUATOR,
    EvaluatorTraining,
    train_evaluator,
)

SHORT = EvaluatorTraining(Descent(epochs=40, batch=64), held_out=0.25)


def problem(count=160):
    rng = np.random.default_rng(0)
    encoding = rng.integers(0, 2, (count, 8)).astype(np.float32)
    cost = 10 + encoding @ np.arange(1.0, 9.0)
    accuracy = 0.5 + encoding @ np.linspace(0.02, 0.05, 8) / 2
    return encoding, accuracy, cost


def evaluator(seed=1, **options):
    rng = np.random.default_rng(seed)
    return ArchitectureEvaluator(8, (12, 25, 45), rng, widths=(24, 24), size=8, **options)


@pytest.mark.parametrize("kind", ["logistic", "hinge"])
def test_training_learns_the_order_under_every_budget(kind):
    model = evaluator()
    settings = dataclasses.replace(SHORT, kind=kind, descent=Descent(40, 64, rate=1e-2))
    fit = train_evaluator(model, *problem(), settings, np.random.default_rng(2))
    assert fit.losses[-1] < fit.losses[0] / 2
    assert fit.kendall > 0.8
    assert fit.undefined == 0
    # Of two architectures the dear and good one wins where both fit, and loses where it does not.
    everything, nothing = np.ones((1, 8), np.float32), np.zeros((1, 8), np.float32)
    pair = np.concatenate([everything, nothing])
    tight, loose = model.score(pair, 13.0), model.score(pair, 45.0)
    assert tight[0] < tight[1] and loose[0] > loose[1]


def test_equal_streams_give_equal_bits():
    models = [evaluator() for _ in range(2)]
    fits = [train_evaluator(m, *problem(), SHORT, np.random.default_rng(3)) for m in models]
    assert fits[0] == fits[1]
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("count", [1, 4])
def test_nothing_to_learn_leaves_the_evaluator_as_it_was(count):
    model, before = evaluator(), evaluator()
    encoding = problem()[0][:count]
    level = np.full(count, 0.5), np.full(count, 10.0)
    settings = EvaluatorTraining(Descent(epochs=2))
    fit = train_evaluator(model, encoding, *level, settings, np.random.default_rng(0))
    assert fit.losses == (None, None)
    assert (fit.undefined, fit.kendall) == (2, None)
    for one, other in zip(model.parameters(), before.parameters(), strict=True):
        assert torch.equal(one, other)


def test_authors_settings_are_those_of_their_code():
    descent = AUTHORS_EVALUATOR.descent
    assert (descent.epochs, descent.batch, AUTHORS_EVALUATOR.clip) == (200, 256, 1)
    # The rate falls over 1,000 epochs of which 200 are made: specification, section 7.
    assert descent.rate_in(0) == 0.2
    assert descent.rate_in(200) == pytest.approx(0.181, abs=5e-4)


def test_a_score_does_not_depend_on_the_others():
    encoding = problem()[0]
    budgets = np.linspace(12, 45, len(encoding))
    together = evaluator().score(encoding, budgets)
    alone = evaluator().score(encoding[5:6], budgets[5:6])
    assert together[5] == pytest.approx(alone[0], rel=1e-5)


def test_refused_arguments_are_named():
    encoding, accuracy, cost = problem()
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match=r"accuracy\[0\] = .*as a fraction"):
        train_evaluator(evaluator(), encoding, accuracy * 100, cost, SHORT, rng)
    with pytest.raises(DataError, match=r"cost\[0\] = -.*above 0"):
        train_evaluator(evaluator(), encoding, accuracy, -cost, SHORT, rng)
    with pytest.raises(DataError, match=r"encoding \(160, features\) needed, got \(3, 8\)"):
        train_evaluator(evaluator(), encoding[:3], accuracy, cost, SHORT, rng)
    with pytest.raises(DataError, match="encoding: no architecture"):
        train_evaluator(evaluator(), encoding[:0], [], [], SHORT, rng)
    with pytest.raises(DataError, match=r"encoding \(n, 8\) needed, got \(160, 7\)"):
        evaluator().score(encoding[:, 1:], 20.0)
    with pytest.raises(ConfigError, match=r"budget = 50.0: expected a number from 12 to 45"):
        evaluator().score(encoding, 50.0)
    with pytest.raises(ConfigError, match="clip = 0"):
        EvaluatorTraining(clip=0)
    with pytest.raises(ConfigError, match=r"held_out = 1.0"):
        settings = EvaluatorTraining(held_out=1.0)
        train_evaluator(evaluator(), encoding, accuracy, cost, settings, rng)


def test_a_rate_at_which_scores_are_lost_is_named():
    settings = EvaluatorTraining(Descent(epochs=30, optimiser="sgd", rate=1e30))
    with pytest.raises(ConfigError, match=r"rate = 1e\+30: expected a smaller rate"):
        train_evaluator(evaluator(), *problem(), settings, np.random.default_rng(0))
