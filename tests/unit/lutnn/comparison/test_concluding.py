"""A table by hand: which lines, costs, temperatures and verdicts come of it, and which sentence."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heliostat.contract import validate
from heliostat.values.canonical import decode, encode
from heliostat_methods.lutnn.comparison.concluding import concluded
from heliostat_methods.lutnn.comparison.contestants import contestants
from heliostat_methods.lutnn.comparison.outcome import Outcome
from heliostat_methods.lutnn.comparison.trained import DenseNetworks, Posed
from heliostat_methods.lutnn.config import LutNNConfig
from heliostat_methods.lutnn.names import DENSE, UNTRAINED
from heliostat_methods.lutnn.tasks import Tuned
from heliostat_methods.lutnn.training.accounts import LayerAccount, NetworkCost
from heliostat_search.trainings.choosing import Choice, Chosen

SEEDS, STEPS = 8, 100
NOISE = np.array([0.3, -0.2, 0.1, -0.4, 0.25, -0.15, 0.05, 0.05])
USUAL = 0.3 + 0.01 * NOISE
LAYER = LayerAccount("9", "Linear", 36, 6, 8, 5, 216, 670, 864, 240, 3044, 0.1)
COST, SMALLER = NetworkCost(1_000, 4_000), NetworkCost(400, 1_000)
PAIR = {"dense": USUAL, "lutnn": USUAL - 0.1}


def tuned(settings: Any, kind: str, end: float, seed: int, **more: Any) -> Tuned:
    """From an error of 0.5 straight to the end; a temperature from 0.1 to 0.1 + seed / 100."""
    at = np.array((0,) if kind in UNTRAINED else settings.tuning_at) / STEPS
    start = end if kind in UNTRAINED else 0.5
    curve = np.where(at > 0, np.inf, start) if math.isinf(end) else start + (end - start) * at
    if math.isinf(end) and kind in UNTRAINED:
        curve = np.full(1, np.inf)
    looks = kind not in DENSE
    trained = looks and kind not in UNTRAINED
    temperatures = (0.1 + 0.01 * seed * at)[:, None] if trained else np.empty((len(at), 0))
    made = Tuned(
        curve, np.repeat(curve[:, None], 4, 1), np.full(4, end) if trained else np.empty(0),
        temperatures, (LAYER,) if looks else (), (("0", "why"),) if looks else (),
        SMALLER if looks else None,
    )  # fmt: skip
    return replace(made, **more)


def outcome(
    small: SimpleNamespace, ends: dict[str, Any], edges: frozenset[str] = frozenset(),
    more: dict[str, Any] | None = None, dense_edge: bool = False, **values: Any,
) -> Outcome:  # fmt: skip
    """Conclude trainings that end with a test error of ``ends[variant]``, (8,) or scalar."""
    config = validate(
        LutNNConfig, {"variants": list(ends), "seeds": SEEDS, "tuning_steps": STEPS, **values}
    )
    settings, problem = small.settings(STEPS), small.problem()
    posed = Posed(config, problem, None, settings, None)  # type: ignore[arg-type]
    some, choices, found = contestants(config), [], []
    for one in some:
        chosen = Chosen(3.0 if one.trained else 1.0, one.kind in edges)
        choices.append(Choice(chosen, chosen, None, ()))
        end = np.broadcast_to(np.asarray(ends[one.kind], float), (config.seeds,))
        found.append({
            chosen.factor: [tuned(settings, one.kind, float(e), seed, **((more or {})
                            if one.trained else {})) for seed, e in enumerate(end)]
        })  # fmt: skip
    of_dense = Chosen(0.3, dense_edge)
    dense = DenseNetworks(Choice(of_dense, of_dense, None, ()), {})
    return concluded(posed, dense, COST, some, choices, found, ["a remark"])


def verdict(found: Outcome, kind: str, way: str = "equal_steps") -> Any:
    one = next(c for c in found.variants if c.kind == kind)
    return next(row for row in one.differences if row.way == way)


def test_lines_hold_values_by_seed_and_their_mean(small: SimpleNamespace) -> None:
    found = outcome(small, PAIR)
    dense, lookup = found.variants
    line = lookup.lines[0]
    assert line.way == "equal_steps" and line.kept == [STEPS] * SEEDS
    np.testing.assert_allclose(line.values, USUAL - 0.1)
    assert line.mean == pytest.approx(0.2) and line.low < 0.2 < line.high  # type: ignore[operator]
    assert [one.way for one in lookup.lines] == ["equal_steps", "at_best"]
    assert dense.differences == [] and dense.lines[0].kept == [0] * SEEDS
    assert found.remarks == ["a remark"] and found.rows == {"train": 40, "valid": 14, "test": 14}
    assert lookup.curve["mean"][0] == 0.5 and lookup.curve["mean"][-1] == pytest.approx(0.2)
    assert dense.curve["steps"] == [] and dense.temperatures == []


def test_rates_are_those_of_the_training_a_number_is_of(small: SimpleNamespace) -> None:
    found = outcome(small, {**PAIR, "pq": USUAL}, learning_rate=0.2)
    by_kind = {one.kind: [line.rate for line in one.lines] for one in found.variants}
    assert by_kind["dense"] == by_kind["pq"] == pytest.approx([0.3 * 0.01] * 2)
    assert by_kind["lutnn"] == pytest.approx([3.0 * 0.01] * 2)


def test_costs_are_the_variant_s_or_else_the_dense_network_s(small: SimpleNamespace) -> None:
    found = outcome(small, PAIR)
    assert [(one.macs, one.bytes, one.dense_macs, one.dense_bytes) for one in found.variants] == [
        (1_000, 4_000, 1_000, 4_000), (400, 1_000, 1_000, 4_000),
    ]  # fmt: skip
    assert found.plain()["size_ratio"] == 4.0
    assert found.variants[1].layers == [LAYER] and found.variants[1].skipped == [["0", "why"]]
    np.testing.assert_allclose(found.variants[1].int8_search, USUAL - 0.1)


@pytest.mark.parametrize(
    ("mine", "kind"),
    [
        (USUAL - 0.1 + 0.001 * NOISE[::-1], "better"),
        (USUAL + 0.1 + 0.001 * NOISE[::-1], "worse"),
        (USUAL + 0.01 * NOISE[::-1], "none"),
        (USUAL, "none"),
    ],
)
def test_differences_are_paired(small: SimpleNamespace, mine: Any, kind: str) -> None:
    found = outcome(small, {"dense": USUAL, "lutnn": mine})
    said = verdict(found, "lutnn")
    assert said.verdict == kind and said.mean == pytest.approx(float(np.mean(mine - USUAL)))
    told = {"better": "lutnn is better than dense", "worse": "lutnn is worse than dense",
            "none": "lutnn is not shown to differ from dense"}[kind]  # fmt: skip
    assert found.sentence == f"Over 8 paired seeds, {told}."
    plain = found.plain()
    assert plain["test_metric"] == pytest.approx(float(np.mean(mine)))
    assert plain["difference"] == pytest.approx(float(np.mean(mine - USUAL)))


def test_at_best_is_stopped_by_validation_rows_and_never_by_test_rows(
    small: SimpleNamespace,
) -> None:
    steps = small.settings(STEPS).tuning_at
    rng, at = np.random.default_rng(0), 3
    valid = np.full(len(steps), 0.4)
    valid[at] = 0.1
    test = np.repeat(rng.uniform(0.2, 0.9, len(steps))[:, None], 4, 1)
    test[7] = 0.0  # the best there is, were one to look
    found = outcome(small, PAIR, more={"valid": valid, "test": test}).variants[1]
    end, best = found.lines
    assert best.kept == [steps[at]] * SEEDS and best.values == [test[at, 0]] * SEEDS
    assert end.kept == [STEPS] * SEEDS and end.values == [test[-1, 0]] * SEEDS
    for other in (test + 1.0, test[::-1], np.full_like(test, np.inf)):
        again = outcome(small, PAIR, more={"valid": valid, "test": other}).variants[1]
        assert again.lines[1].kept == best.kept


def test_a_training_that_explodes_counts(small: SimpleNamespace) -> None:
    broken = np.where(np.arange(SEEDS) == 3, np.inf, USUAL - 0.1)
    found = outcome(small, {"dense": USUAL, "lutnn": broken})
    assert verdict(found, "lutnn").verdict == "explodes"
    assert found.variants[1].lines[0].exploded == 1
    assert "lutnn explodes more often than dense" in found.sentence
    every = outcome(small, {"dense": USUAL, "lutnn": np.full(SEEDS, np.inf)})
    assert verdict(every, "lutnn").verdict == "worse"
    assert every.variants[1].curve["mean"] == [] and "test_metric" not in every.plain()


@pytest.mark.parametrize("where", ["lutnn", "the dense training"])
def test_at_an_edge_nothing_is_decided(small: SimpleNamespace, where: str) -> None:
    found = outcome(small, PAIR, frozenset({where}), dense_edge=where != "lutnn")
    assert verdict(found, "lutnn").verdict == "edge"
    assert "lutnn is not decided against dense" in found.sentence
    assert "allow more rate_growths" in found.sentence
    assert found.dense_edge == (where != "lutnn")


def test_few_seeds_one_seed_and_one_variant_are_said(small: SimpleNamespace) -> None:
    few = outcome(small, {"dense": USUAL[:3], "lutnn": USUAL[:3]}, seeds=3)
    assert few.sentence.endswith("With so few seeds even that may be luck.")
    one = outcome(small, {"dense": 0.3, "lutnn": 0.2}, seeds=1)
    assert one.sentence == "With one seed nothing can be concluded: take more."
    alone = outcome(small, {"lutnn": USUAL})
    assert alone.sentence == "Only lutnn was trained: there is nothing to compare."
    assert "difference" not in alone.plain() and alone.plain()["size_ratio"] == 4.0
    assert not {"test_metric", "size_ratio"} & set(outcome(small, {"dense": USUAL}).plain())


def test_temperatures_are_means_and_ranges_over_seeds(small: SimpleNamespace) -> None:
    (row,) = outcome(small, PAIR).variants[1].temperatures
    assert row.layer == "9" and row.steps[-1] == STEPS
    assert (row.mean[0], row.low[-1], row.high[-1]) == pytest.approx((0.1, 0.1, 0.17))
    assert row.mean[-1] == pytest.approx(0.135)


def test_where_seeds_have_other_layers_there_are_no_temperatures(small: SimpleNamespace) -> None:
    count = len(small.settings(STEPS).tuning_at)
    found = outcome(small, PAIR, more={"temperatures": np.empty((count, 2))})
    assert found.variants[1].temperatures == []


def test_any_outcome_can_be_stored(small: SimpleNamespace) -> None:
    for ends in (USUAL, np.full(SEEDS, np.inf)):
        plain = outcome(small, {"dense": USUAL, "pq": ends, "lutnn": ends}).plain()
        assert decode(encode(plain))["sentence"] == plain["sentence"]
