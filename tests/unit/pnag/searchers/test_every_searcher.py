"""What holds for every searcher: nothing twice, nothing invalid, nothing left, nothing global."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.searchers.ensemble import Ensemble
from heliostat_methods.pnag.searchers.evolutionary import Evolution, Evolutionary
from heliostat_methods.pnag.searchers.generator_proposals import GeneratorSettings
from heliostat_methods.pnag.searchers.independent import Independent
from heliostat_methods.pnag.searchers.joint import Joint
from heliostat_methods.pnag.searchers.nsga2 import NSGA2
from heliostat_methods.pnag.searchers.nsganet import NSGANet
from heliostat_methods.pnag.searchers.optuna_samplers import OptunaNSGA2, OptunaTPE
from heliostat_methods.pnag.searchers.pymoo_algorithms import Pymoo
from heliostat_methods.pnag.searchers.random_search import RandomSearch
from heliostat_methods.pnag.searchers.rewarded import Rewarded
from heliostat_methods.pnag.searchers.searcher import Known
from heliostat_methods.pnag.searchers.surrogate_front import SurrogateFront

QUICK = GeneratorSettings(knots=3, steps=3, samples=16, epochs=5, width=8)
SMALL = Evolution(population=6, rate=0.3)
RECIPES = {
    "random": RandomSearch(),
    "evolutionary": Evolutionary(0.006, SMALL),
    "independent": Independent(3, evolution=SMALL),
    "mnasnet": Rewarded("mnasnet", knots=3, evolution=SMALL),
    "tunas": Rewarded("tunas", knots=3, evolution=SMALL),
    "nsga2": NSGA2(6),
    "pymoo_nsga2": Pymoo("nsga2", 6),
    "pymoo_nsga3": Pymoo("nsga3", 6),
    "optuna_nsga2": OptunaNSGA2(6, batch=3),
    "optuna_tpe": OptunaTPE(4),
    "nsganet": NSGANet(first=10, batch=2, population=6, generations=2, models=("rbf", "cart")),
    "improvement": SurrogateFront(5, 3),
    "predicted_front": SurrogateFront(5, 3, acquisition="front"),
    "joint": Joint(generator=QUICK),
    "independent_generators": Joint(
        generator=GeneratorSettings(
            knots=3, steps=3, samples=16, epochs=5, width=8, budgets="independent",
            reward="mnasnet", masked=False, interpolation="nearest", baseline=False, loss="hinge",
        )
    ),
    "ensemble": Ensemble(5, 4),
    "ensemble_of_three": Ensemble(
        5, 4, ("improvement", "generator", "mutation"), 0.2, every=2, generator=QUICK
    ),
}  # fmt: skip
every = pytest.mark.parametrize("name", RECIPES)


def asked_by(recipe: Any, space: Any, worth: Any, streams: Any, cost: Any = None) -> list[Any]:
    """Return the batches of a searcher until it has nothing left, or has asked for 40."""
    searcher = recipe.start(space, 30, streams, cost)
    batches: list[Any] = []
    while sum(map(len, batches)) < 40:
        asked = searcher.ask(4)
        if len(asked) == 0:
            break
        batches.append(asked)
        searcher.tell(Known(asked, *worth(asked)))
    return batches


@every
def test_asks_for_each_architecture_once_and_then_for_nothing(name, tiny, worth, streams):
    batches = asked_by(RECIPES[name], tiny, worth, streams(1))
    archs = np.concatenate(batches)
    assert all(len(batch) <= 4 for batch in batches)
    assert archs.dtype == np.int16
    assert tiny.valid(archs).all()
    assert np.array_equal(tiny.canonical(archs), archs)
    assert len(np.unique(archs, axis=0)) == len(archs) == tiny.size


def global_state() -> tuple[Any, ...]:
    """Return what a library might draw from, or change, behind our back."""
    numbers = np.random.get_state()[1].tobytes(), random.getstate()
    return *numbers, torch.get_rng_state().numpy().tobytes(), torch.get_num_threads()


@every
def test_equal_streams_give_equal_proposals_and_the_global_state_is_left(
    name, tiny, worth, streams
):
    found = []
    for seed in (1, 2):
        np.random.seed(seed), random.seed(seed), torch.manual_seed(seed)
        before = global_state()
        found.append([batch.tolist() for batch in asked_by(RECIPES[name], tiny, worth, streams(2))])
        assert global_state() == before
    assert found[0] == found[1]


@every
def test_goes_on_where_costs_are_known_beforehand(name, tiny, worth, streams):
    batches = asked_by(RECIPES[name], tiny, worth, streams(4), lambda archs: worth(archs)[1])
    assert len(np.unique(np.concatenate(batches), axis=0)) == tiny.size


@every
def test_survives_worth_that_does_not_differ(name, tiny, streams):
    def alike(archs):
        return np.full(len(archs), 0.5), np.full(len(archs), 2.0)

    batches = asked_by(RECIPES[name], tiny, alike, streams(5))
    assert len(np.concatenate(batches)) == tiny.size


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "optuna_tpe"])
@pytest.mark.parametrize(
    ("accuracy", "cost", "told"),
    [
        (np.nan, 1.0, r"accuracy\[1\] = nan: expected a finite number"),
        (78.3, 1.0, r"accuracy\[1\] = 78.3: expected accuracy as a fraction from 0 to 1"),
        (0.5, 0.0, r"cost\[1\] = 0: expected a cost above 0"),
        (0.5, np.inf, r"cost\[1\] = inf: expected a finite number"),
    ],
)
def test_refuses_numbers_that_cannot_be(name, accuracy, cost, told, tiny, streams):
    searcher = RECIPES[name].start(tiny, 30, streams(6))
    asked = searcher.ask(3)
    accuracies, costs = np.full(len(asked), 0.5), np.ones(len(asked))
    accuracies[1], costs[1] = accuracy, cost
    with pytest.raises(DataError, match=told):
        searcher.tell(Known(asked, accuracies, costs))


def test_refuses_answers_to_something_else(tiny, streams):
    searcher = RandomSearch().start(tiny, 30, streams(7))
    asked = searcher.ask(3)
    with pytest.raises(DataError, match="one value for each of the 3 architectures asked for last"):
        searcher.tell(Known(asked[:2], np.full(2, 0.5), np.ones(2)))
    with pytest.raises(DataError, match="told of other architectures than those asked for last"):
        searcher.tell(Known(asked[::-1], np.full(3, 0.5), np.ones(3)))
    with pytest.raises(ConfigError, match="the 3 architectures asked for last are worth"):
        searcher.ask(1)
    searcher.tell(Known(asked, np.full(3, 0.5), np.ones(3)))
    with pytest.raises(ConfigError, match="count"):
        searcher.ask(0)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Evolution(population=2), "population"),
        (lambda: Evolution(rate=1.5), "rate"),
        (lambda: Evolutionary(0.0), "budget"),
        (lambda: Independent(1), "knots"),
        (lambda: Independent(budgets=(2.0, 1.0)), "budgets"),
        (lambda: Independent(first=1.0), "first"),
        (lambda: Rewarded("mnasnett"), "mnasnet"),
        (lambda: Rewarded(weight=0.5), "exponent"),
        (lambda: NSGA2(crossing=2), "crossing"),
        (lambda: Pymoo("nsga4"), "nsga2 or nsga3"),
        (lambda: NSGANet(models=("forest",)), "models"),
        (lambda: SurrogateFront(first=1), "first"),
        (lambda: SurrogateFront(acquisition="ucb"), "acquisition"),
        (lambda: Joint(rounds=0), "rounds"),
        (lambda: Joint(first=0), "first"),
        (lambda: Ensemble(sources=("generators",)), "generator"),
        (lambda: Ensemble(sources=("mutation", "mutation")), "sources"),
        (lambda: Ensemble(least=0.6), "least"),
    ],
)
def test_settings_are_refused_by_name(make, field):
    with pytest.raises(ConfigError, match=field):
        make()


def test_pymoo_that_is_missing_is_named_with_its_extra(monkeypatch, tiny, streams):
    from heliostat_methods.pnag.searchers import pymoo_algorithms

    monkeypatch.setattr(pymoo_algorithms, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"heliostat\[nas\]"):
        Pymoo().start(tiny, 30, streams(8))
