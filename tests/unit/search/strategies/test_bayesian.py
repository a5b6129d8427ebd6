"""Optuna's samplers behind `run`: seeded, ordered, and the same wherever trials are evaluated."""

from __future__ import annotations

import contextlib
import json
import math
import random
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import tune_tasks as tasks
from engine_runs import Done, drive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scrambled_executors import Killed, MortalExecutor, ScrambledExecutor

from heliostat.errors import ConfigError, MisuseError, PluginError, TooManyFailures
from heliostat_search.strategies.bayesian import (
    SAMPLERS,
    Optimiser,
    Trial,
    Trials,
    check_sampler,
    make_sampler,
    minimize,
    minimize_search,
    read_values,
)
from heliostat_search.strategies.space import Choice, Integer, Real

SPACE = {"x": Real(-5.0, 5.0), "n": Integer(1, 8), "c": Choice(("a", "b"))}
LINE = {"x": Real(-5.0, 5.0)}
TWO = {"a": "min", "b": "max"}
few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def searched(
    folder: Path, task: Any = tasks.bowl, space: Any = None, trials: int = 20, **options: Any
) -> Done:
    drive_options = {
        name: options.pop(name) for name in ("executor", "root", "lookahead") if name in options
    }
    return drive(
        lambda run: minimize(run, task, space or SPACE, trials, **options), folder, **drive_options
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_finds_better_than_the_first_trial_and_touches_no_global_state(
    sampler: str, tmp_path: Path
) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    before = random.getstate(), np.random.get_state()[1].tobytes(), optuna.logging.get_verbosity()
    trials = searched(tmp_path, sampler=sampler, trials=15).result.trials
    after = random.getstate(), np.random.get_state()[1].tobytes(), optuna.logging.get_verbosity()
    assert after == before
    assert min(t.values for t in trials) < trials[0].values
    assert all(SPACE[k].holds(v) for t in trials for k, v in t.params.items())


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name not in ("cmaes", "gp")])
def test_several_objectives_give_a_front(sampler: str, tmp_path: Path) -> None:
    found = searched(tmp_path, tasks.two, LINE, 20, objectives=TWO, sampler=sampler).result
    for member in found.front:
        for other in found.trials:
            closer = abs(other.params["x"]) < abs(member.params["x"])
            assert not (closer and abs(other.params["x"] - 2) < abs(member.params["x"] - 2))
    assert found.front[0] == found.best


def test_optuna_itself_proposes_the_same_when_asked_and_told_one_by_one(tmp_path: Path) -> None:
    # the oracle: Optuna's own loop with a sampler of the same seed
    trials = searched(tmp_path, lookahead=1, root=7, space=LINE, task=tasks.fails_above).result
    from heliostat.values.streams import seed64

    with pytest.warns(), optuna_silenced():
        study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(
                seed=seed64(7, "trials", "sampler") % 2**32, constant_liar=True
            )
        )

        def objective(trial: optuna.Trial) -> float:
            return tasks.fails_above({"x": trial.suggest_float("x", -5.0, 5.0)}, None)

        study.optimize(objective, n_trials=20, catch=(ValueError,))
    theirs = [(t.params["x"], t.value) for t in study.trials]
    assert [(t.params["x"], t.values and t.values[0]) for t in trials.trials] == theirs


@contextlib.contextmanager
def optuna_silenced() -> Any:
    import warnings

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    warnings.warn("so that pytest.warns sees one", stacklevel=1)
    yield
    optuna.logging.set_verbosity(before)


def test_the_seed_decides_the_trials(tmp_path: Path) -> None:
    first = searched(tmp_path / "a", root=1)
    again = searched(tmp_path / "b", root=1)
    other = searched(tmp_path / "c", root=2)
    assert (first.digest, first.result) == (again.digest, again.result)
    assert first.digest != other.digest


@few
@given(
    seed=st.integers(0, 10**6),
    sampler=st.sampled_from(["tpe", "cmaes", "nsga2", "qmc", "random"]),
    lookahead=st.integers(1, 6),
    lives=st.lists(st.integers(0, 16), max_size=3),
)
def test_any_arrival_order_and_any_kills_give_the_serial_trials(
    seed: int, sampler: str, lookahead: int, lives: list[int]
) -> None:
    def run_in(folder: Path, executor: Any = None) -> Done:
        return searched(
            folder, tasks.noisy, LINE, 16, sampler=sampler, lookahead=lookahead, executor=executor,
            cost=lambda params: 1.0 + abs(params["x"]),
        )  # fmt: skip

    with tempfile.TemporaryDirectory() as name:
        serial = run_in(Path(name) / "serial")
        for number, count in enumerate(lives):
            with contextlib.suppress(Killed):
                run_in(
                    Path(name) / "killed",
                    lambda s, n=number, c=count: MortalExecutor(s, seed + n, c),
                )
        done = run_in(Path(name) / "killed", lambda s: ScrambledExecutor(s, seed))
    assert (done.digest, done.result) == (serial.digest, serial.result)


def test_no_more_trials_are_under_way_than_the_look_ahead_says(tmp_path: Path) -> None:
    under_way: list[int] = []
    most: list[int] = []

    def trial(params: Any, sub: Any) -> float:
        under_way.append(sub.scope[0])
        most.append(len(under_way))
        value = sub.call(tasks.noisy, params).unwrap()
        under_way.remove(sub.scope[0])
        return value

    drive(lambda run: minimize_search(run, trial, LINE, 12), tmp_path, lookahead=4)
    assert max(most) == 4


def test_a_failed_trial_is_told_as_failed(tmp_path: Path) -> None:
    found = searched(tmp_path, tasks.fails_above, LINE, 30).result
    failed = [t for t in found.trials if t.values is None]
    assert {t.params["x"] > 1 for t in failed} == {True}
    assert failed[0].failure == "ValueError"
    assert len(found.complete) + len(failed) == 30


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "cmaes"])
def test_a_value_that_is_no_number_is_the_worst(sampler: str, tmp_path: Path) -> None:
    found = searched(tmp_path, tasks.undefined_above, LINE, 14, sampler=sampler).result
    undefined = [t for t in found.trials if math.isnan(t.values[0])]
    assert {t.params["x"] > 1 for t in undefined} == {True}
    assert found.best.params["x"] <= 1
    if sampler != "gp":
        both = {"a": "min", "b": "min"}
        found = searched(
            tmp_path / "two", tasks.two_undefined_above, LINE, 30, sampler=sampler, objectives=both
        ).result
        # what is not defined in one objective is no trade-off in another
        assert all(t.params["x"] <= 1 for t in found.front)


def test_a_trial_without_a_result_is_the_worst_and_the_search_goes_on(tmp_path: Path) -> None:
    found = searched(tmp_path, tasks.nothing_above, LINE, 14).result
    without = [t for t in found.trials if math.isnan(t.values[0])]
    assert {t.params["x"] > 1 for t in without} == {True}
    assert found.best.params["x"] <= 1
    both = {"a": "min", "b": "max"}
    mixed = read_values({"a": None, "b": 2.0}, list(both))
    assert math.isnan(mixed[0]) and mixed[1] == 2.0


def test_a_trial_without_numbers_is_never_the_best_and_is_counted_by_name() -> None:
    trials = (Trial(0, {}, (math.nan, 1.0)), Trial(1, {}, (math.nan, math.nan)))
    found = Trials({"a": "min", "b": "max"}, trials)
    assert (found.best, found.front) == (None, [])
    assert found.undefined == {"a": 2, "b": 1}
    found = Trials({"a": "min", "b": "max"}, (*trials, Trial(2, {}, (5.0, 0.0)), Trial(3, {})))
    assert found.best == found.trials[2] and found.front == [found.trials[2]]
    assert Trials({"a": "min"}, (Trial(0, {}, (1.0,)),)).undefined == {}


def test_a_search_without_a_number_reports_no_best(tmp_path: Path) -> None:
    reported: list[dict[str, float]] = []

    def search(run: Any) -> Any:
        told = run.report
        run.report = lambda step, **more: (reported.append(more), told(step, **more))
        return minimize(run, tasks.undefined_above, {"x": Real(2.0, 3.0)}, 3)

    found = drive(search, tmp_path).result
    assert found.best is None
    assert [(r.get("best"), r.get("value"), r["no_number"]) for r in reported] == [
        (None, None, 1), (None, None, 2), (None, None, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "nsga2", "qmc", "random"])
def test_every_value_of_a_step_is_tried_and_no_other(sampler: str, tmp_path: Path) -> None:
    space = {"x": Real(0.0, 1.0, step=0.3333333333333333)}
    found = searched(tmp_path, tasks.noisy, space, 40, sampler=sampler).result
    assert {t.params["x"] for t in found.trials} == {0.0, 1 / 3, 2 / 3, 1.0}


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "cmaes"])
def test_no_warning_of_a_library_reaches_the_user(sampler: str, tmp_path: Path) -> None:
    space = {"x": Real(0.1, 0.7, step=0.25), "n": Integer(1, 9, step=3), "c": Choice(("a", "b"))}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        searched(tmp_path, space=space, trials=12, sampler=sampler)
    assert [str(one.message) for one in told if "optuna" in one.filename] == []


def test_more_at_once_may_be_asked_than_there_are_slots(tmp_path: Path) -> None:
    most: list[int] = []

    def trial(params: Any, sub: Any) -> float:
        most.append(1)
        return float(params["x"])

    def search(run: Any) -> Any:
        outstanding: list[int] = []
        told = run.report
        run.report = lambda step, **m: (outstanding.append(run.outstanding), told(step, **m))
        minimize_search(run, trial, LINE, 12, at_once=5)
        return outstanding

    assert max(drive(search, tmp_path, lookahead=2).result) == 4  # one of five was just told
    with pytest.raises(ConfigError, match="at_once = 0"):
        drive(lambda run: minimize_search(run, trial, LINE, 12, at_once=0), tmp_path / "none")


def test_trials_that_all_fail_end_the_search(tmp_path: Path) -> None:
    with pytest.raises(TooManyFailures, match="RuntimeError"):
        searched(tmp_path, tasks.never, LINE, 30)


def test_given_configurations_are_tried_first(tmp_path: Path) -> None:
    first = [{"x": 1.0, "n": 3, "c": "a"}, {"x": 0.0, "n": 1, "c": "b"}]
    found = searched(tmp_path, initial=first, trials=4).result
    assert [t.params for t in found.trials[:2]] == first
    assert found.trials[0].values == (0.0,)


def test_maximising_is_minimising_the_negative(tmp_path: Path) -> None:
    up, down = Optimiser(LINE, ["max"], seed=5), Optimiser(LINE, ["min"], seed=5)
    for _ in range(15):
        (number, params), (_, same) = up.ask(), down.ask()
        assert params == same
        up.tell(number, [-((params["x"] - 1) ** 2)])
        down.tell(number, [(params["x"] - 1) ** 2])


def test_the_trials_are_kept_as_json(tmp_path: Path) -> None:
    searched(tmp_path, tasks.undefined_above, LINE, 9)
    texts = [path.read_text() for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    (content,) = [json.loads(text) for text in texts if '"objectives"' in text]
    assert content["objectives"] == [["value", "min"]]
    assert [trial["number"] for trial in content["trials"]] == list(range(9))


def test_best_and_front_rank_ties_by_number() -> None:
    trials = (
        Trial(0, {}, (2.0, 1.0)),
        Trial(1, {}, None, "gone"),
        Trial(2, {}, (1.0, 1.0)),
        Trial(3, {}, (1.0, 1.0)),
        Trial(4, {}, (math.nan, 9.0)),
    )
    found = Trials({"a": "min", "b": "max"}, trials)
    assert found.best == trials[2]
    assert [t.number for t in found.front] == [2, 3]


@pytest.mark.parametrize(
    ("result", "names", "values"),
    [
        (1, ["a"], (1.0,)),
        (np.float32(0.5), ["a"], (0.5,)),
        ((1, 2.5), ["a", "b"], (1.0, 2.5)),
        ({"b": 2, "c": "text", "a": 1}, ["a", "b"], (1.0, 2.0)),
        (np.array([1.0, 2.0]), ["a", "b"], (1.0, 2.0)),
    ],
)
def test_results_hold_values(result: Any, names: list[str], values: Any) -> None:
    assert read_values(result, names) == values


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"prize": 1.0}, "no 'price'; did you mean 'prize'"),
        ({"price": True}, "expected a number"),
        ([1.0, 2.0], "2 values for 1 objectives"),
        ("text", "expected a number|values for"),
    ],
)
def test_a_result_without_the_objective_is_refused(result: Any, told: str) -> None:
    with pytest.raises(PluginError, match=told):
        read_values(result, ["price"])


def test_bad_settings_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'nsga2'"):
        searched(tmp_path, sampler="nsga22")
    with pytest.raises(ConfigError, match="trials = 0"):
        searched(tmp_path, trials=0)
    with pytest.raises(ConfigError, match="min or max"):
        searched(tmp_path, objectives={"value": "up"})
    with pytest.raises(ConfigError, match="several objectives"):
        check_sampler("cmaes", 2)
    with pytest.raises(ConfigError, match="at least one parameter"):
        drive(lambda run: minimize(run, tasks.bowl, {}, 5), tmp_path)
    with pytest.raises(MisuseError, match="take all outcomes"):
        drive(
            lambda run: [
                run.submit(tasks.noisy, {"x": 1.0}), minimize(run, tasks.noisy, LINE, 5)
            ],
            tmp_path,
        )  # fmt: skip


def test_a_sampler_that_is_not_installed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("heliostat_search.strategies.samplers.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install cmaes"):
        make_sampler("cmaes", 0)
