"""What a comparison comes to: who has metrics, who has none and why, what is at the top."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fams_problems import configured, problem

from heliostat_methods.fams.comparison.conclusion import concluded
from heliostat_methods.fams.comparison.contestants import Contestant
from heliostat_methods.fams.comparison.outcome import Outcome
from heliostat_methods.fams.comparison.trained import Posed
from heliostat_methods.fams.comparison.tuning import Tuned
from heliostat_methods.fams.training.measures import METRICS, Fitted


def fitted(value: float, **more: Any) -> Fitted:
    return Fitted(dict.fromkeys(METRICS, value), passes=7.0, **more)


def tuned(name: str, **more: Any) -> Tuned:
    return Tuned(Contestant(name, {"lam": 1.0}), 3, 0, 0.4, 0.5, 9.0, **more)


def outcome(
    results: dict[str, list[Fitted]], *, refused: str = "", sweep: Any = (), **values: Any
) -> Outcome:
    names = tuple(results)
    config = configured(methods=names, reference=names[-1], seeds=2, **values)
    given = Posed(config, problem(), None)  # type: ignore[arg-type]
    tunings = [tuned(name, refused=refused if name == names[0] else "") for name in names]
    usable = {name: some for name, some in results.items() if some}
    return concluded(given, tunings, usable, sweep)


BOTH = {"fams": [fitted(0.5), fitted(0.7)], "erm": [fitted(0.4), fitted(0.5)]}


def test_metrics_are_columns_of_seeds_and_the_methods_means_stand_at_the_top() -> None:
    found = outcome(BOTH)
    own, other = found.contestants
    assert (own.metrics["gap"], other.metrics["gap"]) == ([0.5, 0.7], [0.4, 0.5])
    assert own.beside["nll"]["mean"] == pytest.approx(0.15)
    assert other.beside == {}
    plain = found.plain()
    assert {name: plain[name] for name in ("accuracy", "gap_squared", "nll")} == {
        "accuracy": 0.6, "gap_squared": 0.6, "nll": 0.6,
    }  # fmt: skip


def test_without_the_method_no_other_estimator_s_means_stand_for_its_own() -> None:
    plain = outcome({"snn": BOTH["fams"], "erm": BOTH["erm"]}).plain()
    assert not set(plain) & {"accuracy", "gap_squared", "nll"}


def test_a_metric_that_one_training_lacks_is_missing_and_the_others_stand() -> None:
    rest = {name: 0.6 for name in METRICS if name != "gap_squared"}
    short = Fitted(rest, missing={"gap_squared": "too few rows"})
    found = outcome({"fams": [fitted(0.5), short], "erm": BOTH["erm"]})
    own = found.contestants[0]
    assert (own.refused, own.missing) == ("", {"gap_squared": "too few rows"})
    assert set(own.metrics) == set(rest)
    assert set(own.beside) == {"accuracy", "worst_group", "gap", "nll"}
    assert "gap_squared" not in found.plain()


def test_data_are_counted() -> None:
    found = outcome(BOTH)
    given = problem()
    assert (found.rows, found.groups) == (len(given.labels), 6)
    assert (found.smallest, found.median, found.largest) == (2, 8.5, 30)
    assert found.train_rows + found.test_rows == found.rows
    assert found.positives == pytest.approx(given.labels.mean())


def test_one_refused_in_some_trainings_has_no_metrics_and_says_in_which() -> None:
    found = outcome({"fams": [fitted(0.5), Fitted({}, "one label")], "erm": BOTH["erm"]})
    own = found.contestants[0]
    assert (own.metrics, own.curves, own.passes, own.beside) == ({}, [], 0.0, {})
    assert own.refused == "in 1 of 2 trainings, first with seed 1: one label"
    assert found.sentence == "Nothing could be compared with erm."
    assert not set(found.plain()) & {"accuracy", "gap_squared", "nll"}


def test_one_refused_in_all_says_why_alone() -> None:
    found = outcome({"fams": [Fitted({}, "one label")] * 2, "erm": BOTH["erm"]})
    assert found.contestants[0].refused == "one label"


def test_one_refused_in_the_tuning_was_never_trained() -> None:
    found = outcome({"fams": [], "erm": BOTH["erm"]}, refused="no such rate")
    own = found.contestants[0]
    assert (own.refused, own.metrics, own.trials, found.rounds) == ("no such rate", {}, 3, [])


def test_without_a_result_of_the_reference_nothing_is_claimed() -> None:
    found = outcome({"fams": BOTH["fams"], "snn": BOTH["erm"], "erm": [Fitted({}, "no")] * 2})
    assert [one.beside for one in found.contestants] == [{}, {}, {}]
    assert found.sentence == "Nothing could be compared with erm."


def test_the_sweep_has_metrics_and_no_tests() -> None:
    label = Contestant("fams", {"lam": 9.0}, "lambda 9")
    (swept,) = outcome(BOTH, sweep=[(label, BOTH["fams"])]).sweep
    assert (swept.label, swept.trials, swept.chosen, swept.beside) == ("lambda 9", 0, None, {})
    assert swept.metrics["nll"] == [0.5, 0.7]


def test_lost_blocks_name_their_seed() -> None:
    own = [fitted(0.5), fitted(0.7, lost="1 of 9 blocks were lost and skipped")]
    found = outcome({**BOTH, "fams": own}).contestants[0]
    assert found.remarks == ["seed 1: 1 of 9 blocks were lost and skipped"]


def test_log_variances_at_their_bounds_are_told() -> None:
    rounds = ({"loss": 1.0}, {"loss": 1.0, "clamped": 4.0})
    own = [fitted(0.5), fitted(0.7, rounds=rounds)]
    found = outcome({**BOTH, "fams": own}).contestants[0]
    assert found.remarks == [
        "seed 1: log-variances were held to their bounds in 1 of 2 rounds; a lower lr_posterior "
        "may do better"
    ]


def test_it_is_plain_data_without_nan() -> None:
    text = json.dumps(outcome(BOTH).plain(), allow_nan=False)
    assert json.loads(text)["contestants"][0]["label"] == "fams"
