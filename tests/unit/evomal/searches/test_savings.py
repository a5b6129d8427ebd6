"""The ways to search and the savings of scoring, each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
import pytest

from heliostat_methods.evomal.config import Baseline, EvoMALConfig
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.population.equivalence import Probe
from heliostat_methods.evomal.searches.by_name import STRATEGIES
from heliostat_methods.evomal.searches.scoring.equivalence import TunedGradients
from heliostat_methods.evomal.searches.scoring.gradient_cache import (
    ParametricGradients,
    PlainGradients,
)
from heliostat_methods.evomal.searches.scoring.racing import Racing
from heliostat_methods.evomal.searches.scoring.sharing import Sharing, twins
from heliostat_methods.evomal.searches.settings import score_settings

PROBE = Probe.drawn("regression", np.random.default_rng(0))
SQUARE = parse("square(sub(y, f))")
SAME = parse("mul(sub(y, f), sub(y, f))")  # the same gradient at weights of one, another shape
TWICE = parse("square(sub(1.5*y, f))")


def test_every_baseline_has_a_way_to_search() -> None:
    assert set(STRATEGIES) == set(get_args(Baseline))
    for name, strategy in STRATEGIES.items():
        assert callable(strategy(EvoMALConfig(baseline=name)).find)


def parametric() -> ParametricGradients:
    return ParametricGradients(PROBE, lambda: np.random.default_rng(1))


@pytest.mark.parametrize(
    ("sharing", "shared"),
    [(PlainGradients(PROBE), {"same"}), (parametric(), set()),
     (TunedGradients(PROBE), {"same"})],
    ids=["plain", "parametric", "tuned"],
)  # fmt: skip
def test_what_each_way_takes_for_one_and_the_same(sharing: Sharing, shared: set[str]) -> None:
    losses = {"square": SQUARE, "same": SAME}
    assert set(twins(sharing, losses, {})) == shared


def test_weights_count_after_tuning_and_not_before() -> None:
    losses = {"square": SQUARE, "tuned": TWICE}
    assert twins(TunedGradients(PROBE), losses, {}) == {}
    assert twins(PlainGradients(PROBE), losses, {}) == {"tuned": "square"}


class Alike:
    def keys(self, losses: Sequence[LossExpression]) -> list[str]:
        return ["one"] * len(losses)


def test_the_first_of_equal_losses_stands_for_all_later_ones() -> None:
    known: dict[str, str] = {}
    assert twins(Alike(), {"a": SQUARE, "b": SAME}, known) == {"b": "a"}
    assert twins(Alike(), {"c": TWICE}, known) == {"c": "a"}
    assert twins(Alike(), {}, known) == {}


def test_the_better_half_goes_on_and_all_end() -> None:
    race = Racing((4, 8), 16)
    assert race.stages == (4, 8, 16)
    fitness = {"a": 3.0, "b": 1.0, "c": 2.0, "d": 1.0, "e": 5.0}
    assert race.ahead(fitness, 4) == ["b", "d", "c"]  # the middle one goes on, ties in order
    assert race.ahead({"b": 2.0, "d": 1.0}, 16) == ["d", "b"]
    assert Racing((), 16).stages == (16,)


@pytest.mark.parametrize(
    ("settings", "phases"),
    [
        ({}, ["LocalSearch", "Filter"]),
        ({"local_search": False}, ["Filter"]),
        ({"reject": "early"}, ["Filter", "LocalSearch", "Filter"]),
        ({"reject": "early", "local_search": False}, ["Filter"]),
        ({"reject": "off", "skip_label_free": True}, ["LabelFree", "LocalSearch"]),
        ({"reject": "off", "local_search": False}, []),
    ],
    ids=str,
)
def test_the_phases_before_training(settings: dict[str, object], phases: list[str]) -> None:
    found = score_settings(EvoMALConfig.model_validate(settings)).phases()
    assert [type(phase).__name__ for phase in found] == phases
