"""Whole searches whose evaluations are looked up, and a generator taught by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pnag_problems import SMALL, SPACE, Context

from heliostat.values.canonical import decode, encode
from heliostat_methods.pnag.config import GeneratorConfig
from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.spaces.counting import madds_of
from heliostat_methods.pnag.spaces.moves import all_architectures, row_keys
from heliostat_methods.pnag.tasks.searching import KnownSearch, Searched, search_known
from heliostat_methods.pnag.tasks.teaching import Everything, Said, Teaching, teach_generator
from heliostat_methods.pnag.training.known import Table

ARCHS = all_architectures(SMALL)
COST = madds_of(SMALL, ARCHS, (1, 8, 8), 3).astype(float)
ACCURACY = 0.9 * np.log(COST) / np.log(COST.max())
TABLE = Table(SPACE, ARCHS, ACCURACY, COST)
EVALUATIONS = 30


def searched(name: str, seed: int = 0, batch: int = 8, **more: Any) -> Searched:
    ctx = Context()
    item = KnownSearch(ctx.share(TABLE), name, more, EVALUATIONS, batch, seed, False)
    found: Searched = search_known(item, ctx)
    return found


@pytest.mark.parametrize("name", ["random", "nsga2", "optuna_nsga2"])
def test_a_search_has_as_many_different_networks_as_it_may_evaluate(name: str) -> None:
    found = searched(name)
    assert len(set(row_keys(found.archs))) == len(found.archs) == EVALUATIONS
    places = [row_keys(ARCHS).index(key) for key in row_keys(found.archs)]
    assert_array_equal(found.accuracy, ACCURACY[places])
    assert_array_equal(found.cost, COST[places])
    again = searched(name)
    assert_array_equal(again.archs, found.archs)
    assert not np.array_equal(searched(name, seed=1).archs, found.archs)


def test_settings_reach_the_searcher() -> None:
    assert not np.array_equal(
        searched("nsga2", population=5).archs, searched("nsga2", population=10).archs
    )


def taught(seed: int = 0) -> Said:
    ctx = Context()
    found = searched("random", seed)
    known = Everything(SPACE, found.archs, found.accuracy, found.cost)
    chosen = {"knots": 2, "budgets": 3, "evaluator_epochs": 2, "policy_steps": 2,
              "imitation_steps": 5}  # fmt: skip
    said: Said = teach_generator(
        Teaching(ctx.share(known), GeneratorConfig.model_validate(chosen)), ctx
    )
    return said


def test_a_generator_is_asked_between_the_budgets_it_was_taught() -> None:
    said = taught()
    likeliest = np.stack([archs[0] for archs in said.candidates])
    assert np.all(np.diff(said.budgets) > 0) and likeliest.shape == (3, len(SMALL.decisions))
    for archs in said.candidates:
        assert SMALL.valid(archs).all()
        assert_array_equal(SMALL.canonical(archs), archs)
    # The parameters are all there is: another generator with them says the same.
    knots = [said.budgets[0], said.budgets[-1]]
    again = ArchitectureGenerator(SMALL.decisions, knots, np.random.default_rng(9))
    state = again.state_dict()
    assert sorted(state) == sorted(said.parameters)
    for name, value in decode(encode(said)).parameters.items():
        state[name].copy_(state[name].new_tensor(value))
    assert_array_equal(SMALL.canonical(again.greedy(said.budgets).archs), likeliest)


def test_equal_streams_teach_equal_bits() -> None:
    one, other = taught(), taught()
    for ours, its in zip(one.candidates, other.candidates, strict=True):
        assert_array_equal(ours, its)
    for name in one.parameters:
        assert_array_equal(one.parameters[name], other.parameters[name])
