"""Rates are chosen on characters held back, with other seeds; a failure loses no training."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from heliostat import Failure
from heliostat.contract import validate
from heliostat_methods.strokegan.comparison.rates import at_rate, chosen_rates, trainings
from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_methods.strokegan.glyph_sets import glyph_set
from heliostat_methods.strokegan.strokes.table import stroke_table
from heliostat_search.supervised.streams import streams_from

BASE = {"targets": ["a", "b", "c"], "variants": ["cyclegan", "strokegan_plus"], "seeds": 2,
        "learning_rate": 0.01, "steps": 6}  # fmt: skip


class FakeRun:
    """Trains nothing: ``outcome`` says what becomes of an item."""

    rng = staticmethod(streams_from(0))

    def __init__(self, outcome) -> None:
        self._outcome = outcome
        self.items, self.phases, self.reports, self.shared = [], [], [], []

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def share(self, value):
        return value

    def stream(self, task, items, *, shared, resources):
        self.shared.append(shared)
        for item in items:
            self.items.append(item)
            value = self._outcome(item)
            if isinstance(value, str):
                yield SimpleNamespace(ok=False, value=None, failure=Failure(value, "why"))
            else:
                yield SimpleNamespace(ok=True, value=value, failure=None)

    def report(self, done, *, of, count) -> None:
        self.reports.append((done, of, count))


@pytest.fixture(scope="module")
def sets():
    characters = list(stroke_table())[:30]
    rng = np.random.default_rng(0)
    return {
        target: glyph_set(characters, *rng.integers(0, 256, (2, 30, 4, 4)).astype(np.uint8), 0.7,
                          0.2, "random", streams_from(0))
        for target in BASE["targets"]
    }  # fmt: skip


def factor_of(item) -> float:
    return round(item.settings["learning_rate"] / BASE["learning_rate"], 9)


def choosing(sets, outcome, **changes):
    config = validate(StrokeGANConfig, {**BASE, "rate_factors": [0.3, 1.0, 3.0], **changes})
    run = FakeRun(outcome)
    return chosen_rates(config, sets, "critic", run), run


def test_one_factor_is_taken_as_it_is(sets) -> None:
    choices, run = choosing(sets, None, rate_factors=[2.0])
    assert list(choices) == ["l1_pairs_only", "cyclegan", "strokegan_plus"]
    assert {one.at_end.factor for one in choices.values()} == {2.0}
    assert not run.items and not run.phases and not any(one.tried for one in choices.values())


def test_each_variant_has_the_rate_that_is_best_for_it(sets, trained) -> None:
    best = {"l1_pairs_only": 1.0, "cyclegan": 0.3, "strokegan_plus": 3.0}

    def outcome(item):
        return trained(0.9 - 0.2 * abs(np.log(factor_of(item) / best[item.variant])))

    choices, run = choosing(sets, outcome, rate_growths=0)
    assert {name: one.at_end.factor for name, one in choices.items()} == best
    assert {name: one.at_end.edge for name, one in choices.items()} == {
        "l1_pairs_only": False, "cyclegan": True, "strokegan_plus": True,
    }  # fmt: skip
    assert run.phases == ["choosing rates"] and len(run.items) == 9


def test_a_rate_is_chosen_on_what_is_held_back_with_seeds_of_its_own(sets, trained) -> None:
    _, run = choosing(sets, lambda item: trained(0.5), rate_targets=2, rate_seeds=3)
    assert {item.target for item in run.items} == {"a", "b"}
    assert {item.seed for item in run.items} == {2, 3, 4}
    assert {item.variant for item in run.items} == {"l1_pairs_only", "cyclegan", "strokegan_plus"}
    assert len(run.items) == 3 * 3 * 2 * 3
    for item in run.items:
        whole, shown = sets[item.target], set(item.glyphs.test.tolist())
        assert shown and shown < set(whole.train.tolist())
        assert not shown & {*item.glyphs.train.tolist(), *whole.test.tolist()}
        assert not item.keeps and item.critic == "critic"
    assert all(shared[0] == "critic" and len(shared) == 3 for shared in run.shared)


def test_a_rate_beyond_the_edge_is_tried_while_it_is_better(sets, trained) -> None:
    def outcome(item):
        return trained(min(0.9, 0.1 * factor_of(item)))

    choices, run = choosing(sets, outcome, rate_growths=2)
    factors = list(dict.fromkeys(map(factor_of, run.items)))
    assert factors == [0.3, 1.0, 3.0, 10.0, 30.0]
    assert {one.at_end.factor for one in choices.values()} == {10.0}
    assert not any(one.at_end.edge for one in choices.values())


def test_l1_breaks_ties_and_no_more(sets, trained) -> None:
    def tied(item):
        return trained(0.5, l1=0.3 if factor_of(item) == 1.0 else 0.2 + factor_of(item) / 100)

    choices, _ = choosing(sets, tied, rate_growths=0)
    assert {one.at_end.factor for one in choices.values()} == {0.3}

    def one_more_found(item):
        more = factor_of(item) == 3.0
        return trained(0.55 if more else 0.5, l1=0.99 if more else 0.0)

    choices, _ = choosing(sets, one_more_found, rate_growths=0)
    assert {one.at_end.factor for one in choices.values()} == {3.0}


def test_a_rate_that_diverges_or_fails_is_never_chosen(sets, trained) -> None:
    def outcome(item):
        if factor_of(item) == 3.0:
            return trained(1.0, l1=0.0, diverged="step 2")
        if factor_of(item) == 1.0 and item.seed == 3:
            return "MemoryError"
        return trained(0.9 if factor_of(item) == 1.0 else 0.1)

    choices, _ = choosing(sets, outcome, rate_growths=0, rate_seeds=2)
    assert {one.at_end.factor for one in choices.values()} == {0.3}
    tried = {one.factor: one.at_end for one in choices["cyclegan"].tried}
    assert tried[1.0] == tried[3.0] == np.inf and tried[0.3] == pytest.approx(0.9 + 0.1 / 20)


def test_where_nothing_trains_the_rate_given_is_at_the_edge(sets) -> None:
    choices, run = choosing(sets, lambda item: "MemoryError", rate_growths=1)
    assert {(one.at_end.factor, one.at_end.edge) for one in choices.values()} == {(1.0, True)}
    assert {factor_of(item) for item in run.items} == {0.1, 0.3, 1.0, 3.0}


def test_failures_lose_no_training_and_are_told_by_kind(training, trained) -> None:
    config = validate(StrokeGANConfig, BASE)
    items = [training("cyclegan", seed=seed) for seed in range(4)]
    run = FakeRun(lambda item: "WorkerLost" if item.seed == 1 else trained(0.1 * item.seed))
    found, failures = trainings(config, items, ["critic"], run)
    assert failures == ["", "WorkerLost", "", ""]
    assert [None if one is None else one.scores["retrieval"] for one in found] == [
        0.0, None, 0.2, pytest.approx(0.3),
    ]  # fmt: skip
    assert run.reports == [(1, 4, 6), (2, 4, 6), (3, 4, 12), (4, 4, 18)]


def test_a_multiple_of_the_rate_changes_nothing_else() -> None:
    config = validate(StrokeGANConfig, BASE)
    changed = at_rate(config, 3.0)
    assert changed == {**config.training(), "learning_rate": pytest.approx(0.03)}
    assert config.training()["learning_rate"] == 0.01
