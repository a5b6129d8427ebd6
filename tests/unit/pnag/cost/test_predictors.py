"""Predictors learn accuracy and cost of any unit, and tell how well on what was held out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.cost.predictors import (
    AUTHORS_PREDICTOR,
    AccuracyPredictor,
    CostPredictor,
    PredictorTraining,
)
from heliostat_methods.pnag.descent.schedule import Descent

SHORT = PredictorTraining(Descent(epochs=30, batch=48))


def problem(count=240):
    rng = np.random.default_rng(0)
    encoding = rng.integers(0, 2, (count, 8)).astype(np.float32)
    accuracy = 0.6 + encoding @ np.linspace(0.01, 0.05, 8)
    return encoding, accuracy, 1e8 * (1 + encoding @ np.arange(1.0, 9.0))


def small(kind, seed=1):
    return kind(8, np.random.default_rng(seed), widths=(32, 32))


@pytest.mark.parametrize(("kind", "which"), [(AccuracyPredictor, 1), (CostPredictor, 2)])
def test_predictions_rank_what_was_held_out(kind, which):
    encoding, values = problem()[0], problem()[which]
    model = small(kind)
    fit = model.fit(encoding, values, np.random.default_rng(2), SHORT)
    assert fit.held_out == 48
    assert fit.kendall > 0.85
    assert fit.error < np.abs(values - values.mean()).mean() / 3
    assert np.abs(model.predict(encoding) / values - 1).mean() < 0.1


def test_cost_is_learnt_alike_in_any_unit():
    encoding, _, cost = problem()
    fits = [
        small(CostPredictor).fit(encoding, cost * unit, np.random.default_rng(2), SHORT)
        for unit in (1, 1e-12)
    ]
    assert fits[1].kendall == pytest.approx(fits[0].kendall, abs=0.02)
    assert fits[1].error * 1e12 == pytest.approx(fits[0].error, rel=0.05)


def test_the_output_begins_at_the_mean():
    model = small(AccuracyPredictor)
    slow = PredictorTraining(Descent(epochs=1, rate=1e-12), held_out=0)
    fit = model.fit(*problem()[:2], np.random.default_rng(0), slow)
    assert float(model.network[-1].bias.detach()) == pytest.approx(problem()[1].mean())
    assert (fit.held_out, fit.kendall, fit.error) == (0, None, None)


def test_authors_settings_are_those_of_their_code():
    descent = AUTHORS_PREDICTOR.descent
    assert (descent.epochs, descent.batch, descent.rate) == (1000, 256, 0.2)
    assert (descent.weight_decay, descent.rate_in(1000)) == (3e-5, pytest.approx(2e-5))
    assert AUTHORS_PREDICTOR.held_out == 0.2
    assert sum(
        p.numel() for p in AccuracyPredictor(120, np.random.default_rng(0)).parameters()
    ) == (121 * 512 + 513 * 512 + 513)


def test_equal_streams_give_equal_bits():
    models = [small(CostPredictor) for _ in range(2)]
    encoding, _, cost = problem()
    fits = [m.fit(encoding, cost, np.random.default_rng(3), SHORT) for m in models]
    assert fits[0] == fits[1]
    assert models[0].predict(encoding).tobytes() == models[1].predict(encoding).tobytes()


def test_a_predictor_travels_by_its_state():
    encoding, _, cost = problem()
    model, other = small(CostPredictor), small(CostPredictor, seed=5)
    model.fit(encoding, cost, np.random.default_rng(3), PredictorTraining(Descent(epochs=2)))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.centre, model.centre)
    assert other.predict(encoding).tolist() == model.predict(encoding).tolist()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(5e-324, 1.7e308), min_size=1, max_size=6))
def test_any_costs_give_costs(cost):
    encoding = problem(len(cost))[0]
    model = small(CostPredictor)
    brief = PredictorTraining(Descent(epochs=2))
    fit = model.fit(encoding, cost, np.random.default_rng(0), brief)
    predicted = model.predict(encoding)
    assert np.all(np.isfinite(predicted)) and np.all(predicted > 0)
    assert fit.kendall is None or -1 <= fit.kendall <= 1


def test_predicted_accuracies_are_fractions():
    model = small(AccuracyPredictor)
    with torch.no_grad():
        model.network[-1].weight.mul_(100)
    predicted = model.predict(problem()[0])
    assert predicted.min() >= 0 and predicted.max() <= 1


def test_refused_arguments_are_named():
    encoding, accuracy, cost = problem()
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match=r"accuracy\[0\] = .*as a fraction"):
        small(AccuracyPredictor).fit(encoding, accuracy * 100, rng)
    with pytest.raises(DataError, match=r"accuracy\[0\] = nan"):
        small(AccuracyPredictor).fit(encoding, accuracy * np.nan, rng)
    with pytest.raises(DataError, match=r"cost\[0\] = -.*above 0"):
        small(CostPredictor).fit(encoding, -cost, rng)
    with pytest.raises(DataError, match=r"encoding \(240, 8\) needed, got \(240, 7\)"):
        small(CostPredictor).fit(encoding[:, 1:], cost, rng)
    with pytest.raises(DataError, match="encoding: no architecture"):
        small(CostPredictor).fit(encoding[:0], [], rng)
    with pytest.raises(DataError, match=r"encoding \(n, 8\) needed, got \(240, 7\)"):
        small(CostPredictor).predict(encoding[:, 1:])
    with pytest.raises(ConfigError, match=r"rate = 1e\+30"):
        wild = PredictorTraining(Descent(epochs=20, optimiser="sgd", rate=1e30))
        small(AccuracyPredictor).fit(encoding, accuracy, rng, wild)
