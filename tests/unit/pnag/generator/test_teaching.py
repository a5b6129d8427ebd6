"""A generator taught by what a search left, and asked for budgets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from heliostat.errors import ConfigError
from heliostat_methods.pnag.descent.schedule import Descent
from heliostat_methods.pnag.fronts.archive import archive
from heliostat_methods.pnag.generator.evaluator_training import EvaluatorTraining
from heliostat_methods.pnag.generator.imitation import Imitation, best_within
from heliostat_methods.pnag.generator.knots import WIDENING
from heliostat_methods.pnag.generator.policy import PolicyTraining
from heliostat_methods.pnag.generator.teaching import SAMPLES, Taught, TeachingSettings, taught
from heliostat_methods.pnag.spaces.counting import madds_of
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.moves import all_architectures

SPACE = ElasticConvSpace(widths=(4,), strides=(1,), stem_channels=4)
"""4 + 16 networks."""
ARCHS = all_architectures(SPACE)
SETTINGS = TeachingSettings(
    3,
    widths=(8,),
    evaluator=EvaluatorTraining(Descent(epochs=5)),
    policy=PolicyTraining(steps=3),
    imitation=Imitation(150, budgets=8),
)


def price(archs: Any) -> Any:
    return madds_of(SPACE, archs, (1, 8, 8), 3).astype(float)


COST = price(ARCHS)
ACCURACY = 0.5 + 0.4 * np.log(COST / COST.min()) / np.log(COST.max() / COST.min())


def streams(*name: Any) -> np.random.Generator:
    return np.random.default_rng([sum(str(part).encode()) for part in name])


def teach(**changed: Any) -> Taught:
    chosen = TeachingSettings(**{**vars(SETTINGS), **changed})
    return taught(SPACE, ARCHS, ACCURACY, COST, chosen, streams)


@pytest.fixture(scope="module")
def made() -> Taught:
    return teach()


def test_it_knows_the_budgets_of_the_front(made: Taught) -> None:
    kept = archive(ACCURACY, COST)
    assert made.budgets == pytest.approx((COST[kept[0]], COST[kept[-1]]))
    spread = made.spread(5)
    assert (spread[0], spread[-1]) == made.budgets
    assert np.diff(np.log(spread)) == pytest.approx(np.log(spread[1] / spread[0]))


def test_one_pass_says_the_ends_of_the_front(made: Taught) -> None:
    ends = np.array(made.budgets)
    places = best_within(ACCURACY, COST, ends)
    said = [made.candidates(float(budget), streams("answer"))[0] for budget in ends]
    assert_array_equal(np.stack(said), ARCHS[places])


def test_after_the_likeliest_come_different_samples(made: Taught) -> None:
    said = made.candidates(float(made.spread(3)[1]), streams("answer"))
    assert 1 < len(said) <= 1 + SAMPLES
    assert len(np.unique(said[1:], axis=0)) == len(said) - 1


def test_the_budgets_of_a_front_of_one_network_begin_at_its_cost() -> None:
    falling = 1 - ACCURACY / 2  # the cheapest is the most accurate
    made = taught(SPACE, ARCHS, falling, COST, SETTINGS, streams)
    assert made.budgets == pytest.approx((COST.min(), COST.min() * WIDENING))
    said = [made.candidates(float(budget), streams("answer"))[0] for budget in made.budgets]
    assert price(np.stack(said)).tolist() == [COST.min()] * 2


def test_equal_streams_teach_equal_bits() -> None:
    quick = {"imitation": Imitation(5)}
    one, other = teach(**quick), teach(**quick)
    for ours, its in zip(one.generator.parameters(), other.generator.parameters(), strict=True):
        assert_array_equal(ours.detach(), its.detach())


def test_a_budget_that_it_was_not_taught_is_refused(made: Taught) -> None:
    with pytest.raises(ConfigError, match="budget"):
        made.candidates(made.budgets[0] / 2, streams("answer"))
