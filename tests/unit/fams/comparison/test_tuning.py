"""Every estimator is tuned alike, and one that cannot be says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_runs import drive
from fams_problems import SEEDS, configured, problem

from heliostat.errors import TaskError
from heliostat.values.canonical import decode
from heliostat_methods.fams.comparison import tuning
from heliostat_methods.fams.comparison.contestants import defaults_of
from heliostat_methods.fams.comparison.trained import Posed
from heliostat_methods.fams.comparison.tuning import Tuned, tune
from heliostat_methods.fams.training.measures import Fitted

TRIALS = 3
NAMES = ("fams", "erm", "logistic")


def tuned(folder: Path, *names: str, **values: Any) -> tuple[list[Tuned], Any]:
    config = configured(trials=TRIALS, methods=list({*names, "erm"}), **values)
    data = problem()

    def search(run: Any) -> Any:
        posed = Posed(config, data, run.share(data))
        return run.gather(*(tune(posed, name, SEEDS) for name in names))

    done = drive(search, folder)
    return done.result, done


def test_all_have_as_many_trials_on_one_split_and_begin_with_their_defaults(tmp_path: Path) -> None:
    found, done = tuned(tmp_path, *NAMES)
    assert [(one.contestant.name, one.trials, one.failed) for one in found] == [
        (name, TRIALS, 0) for name in NAMES
    ]
    fits = [item for item in (decode(row.item) for row in done.rows) if hasattr(item, "method")]
    for name in ("erm", "logistic"):
        mine = [item for item in fits if item.method == name]
        assert len(mine) == TRIALS
        assert {(item.split, item.judging.part) for item in mine} == {(SEEDS.split, "valid")}
        first = {key: mine[0].parameters[key] for key in defaults_of(configured(), name)}
        assert first == defaults_of(configured(), name)
    for one in found:
        assert one.value is not None
        assert one.default is not None
        assert one.value <= one.default
        assert one.refused == ""
    assert [one.passes > 0 for one in found] == [True, True, False]


def planted(monkeypatch: pytest.MonkeyPatch, made: list[Fitted]) -> None:
    """Give the first result to the defaults, and the others in the order that trials begin."""
    others = iter(made[1:])
    first = defaults_of(configured(), "erm")

    def trained(posed: Any, one: Any, *rest: Any) -> list[Fitted]:
        return [made[0] if one.parameters == first else next(others)]

    monkeypatch.setattr(tuning, "trained", trained)


def test_refused_trials_are_counted_and_the_best_of_the_others_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse = Fitted({"nll": 0.7}, passes=2.0)
    best = Fitted({"nll": 0.4}, passes=3.0, lost="2 of 9")
    planted(monkeypatch, [Fitted({}, "no such rate"), worse, best])
    ((one,), _) = tuned(tmp_path, "erm")
    assert (one.trials, one.failed, one.value, one.default) == (3, 1, 0.4, None)
    assert (one.passes, one.lost, one.refused) == (5.0, 1, "")
    assert one.contestant.parameters != defaults_of(configured(), "erm")


def test_where_all_trials_were_refused_the_first_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(monkeypatch, [Fitted({}, f"reason {at}", passes=1.0) for at in range(TRIALS)])
    ((one,), _) = tuned(tmp_path, "erm")
    assert one.refused == "reason 0"
    assert (one.failed, one.value, one.passes) == (TRIALS, None, 3.0)
    assert one.contestant.parameters == defaults_of(configured(), "erm")


def test_the_criterion_is_the_one_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [Fitted({"nll": at / 10, "gap": 1 - at / 10}) for at in (1, 3, 2)]
    planted(monkeypatch, made)
    ((one,), _) = tuned(tmp_path, "erm", criterion="gap")
    assert one.value == pytest.approx(0.7)


def test_a_criterion_without_a_value_is_told_where_no_trial_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Fitted({"nll": 0.5}, missing={"gap_squared": "too few rows"})
    planted(monkeypatch, [short] * TRIALS)
    ((one,), _) = tuned(tmp_path, "erm", criterion="gap_squared")
    assert (one.failed, one.value) == (TRIALS, None)
    assert one.refused == (
        "the criterion gap_squared has no value on validation rows: too few rows"
    )


def test_a_trial_whose_training_fails_is_counted_and_another_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = defaults_of(configured(), "erm")

    def trained(posed: Any, one: Any, *rest: Any) -> list[Fitted]:
        if one.parameters == first:
            raise TaskError((0,), "MemoryError", "no room")
        return [Fitted({"nll": 0.5}, passes=1.0)]

    monkeypatch.setattr(tuning, "trained", trained)
    ((one,), _) = tuned(tmp_path, "erm")
    assert (one.trials, one.failed, one.value, one.default, one.refused) == (3, 1, 0.5, None, "")
