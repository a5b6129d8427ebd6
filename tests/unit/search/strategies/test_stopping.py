"""What ends a search of parameters early; its trials are those of a search of that budget."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
import tune_tasks as tasks
from engine_runs import Done, drive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scrambled_executors import Killed, MortalExecutor, ScrambledExecutor

from heliostat.errors import ConfigError
from heliostat_search.strategies.bayesian import StopRules, minimize, minimize_search
from heliostat_search.strategies.space import Real
from heliostat_search.strategies.stopping import Stopped, Stopping

LINE = {"x": Real(-5.0, 5.0)}
few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def searched(folder: Path, trials: int = 30, **options: Any) -> Done:
    drive_options = {
        name: options.pop(name) for name in ("executor", "root", "lookahead") if name in options
    }

    def trial(params: dict[str, Any], sub: Any) -> Any:
        return sub.call(tasks.noisy, params).unwrap()

    return drive(
        lambda run: minimize_search(run, trial, LINE, trials, **options), folder, **drive_options
    )


def told(rules: StopRules, losses: list[Any], direction: str = "min", seconds: Any = None) -> Any:
    stopping = Stopping(rules, direction)
    for number, loss in enumerate(losses):
        loss = loss if loss is None or isinstance(loss, tuple) else (loss,)
        ended = stopping.tell(number, loss, seconds and seconds[number])
        if ended:
            return ended
    return None


def test_a_target_is_reached_from_its_side() -> None:
    assert told(StopRules(target=0.5), [0.9, 0.5, 0.1]) == Stopped("target", 2, 1)
    # losses of a goal that is maximised are its negatives
    assert told(StopRules(target=0.95), [-0.9, -0.94, -0.96], "max") == Stopped("target", 3, 2)
    assert told(StopRules(target=0.5), [0.9, None, float("inf")]) is None


def test_patience_counts_trials_that_are_no_better() -> None:
    assert told(StopRules(patience=3), [5, 6, 4, 4, None, float("inf"), 1]) == Stopped(
        "patience", 6, 5
    )
    assert told(StopRules(patience=3), [5, 6, 6, 4, 5, 5, 3]) is None
    # with two objectives, those that another one dominates or equals are no better
    two: list[Any] = [(1, 5), (5, 1), (3, 3), (3, 3), (4, 4), (2, 3)]
    assert told(StopRules(patience=2), two) == Stopped("patience", 5, 4)
    assert told(StopRules(patience=3), two) is None


def test_time_is_what_was_recorded() -> None:
    rules = StopRules(seconds=10.0)
    assert told(rules, [1, 1, 1], seconds=[4.0, 9.9, 10.0]) == Stopped("seconds", 3, 2)
    assert told(rules, [1, 1]) is None


@pytest.mark.parametrize("rules", [
    {"seconds": 0.0}, {"target": float("nan")}, {"patience": 0},
])  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(rules: Any) -> None:
    with pytest.raises(ConfigError):
        StopRules(**rules)


@pytest.mark.parametrize("rules", [
    StopRules(target=1.0), StopRules(patience=4), StopRules(seconds=1e-9),
])  # fmt: skip
def test_the_trials_are_those_of_that_budget(rules: StopRules, tmp_path: Path) -> None:
    stopped = searched(tmp_path / "a", stop=rules)
    count = len(stopped.result.trials)
    assert count < 30 and stopped.result.stopped.told < 30
    straight = searched(tmp_path / "b", trials=count)
    assert straight.result.trials == stopped.result.trials
    assert straight.digest == stopped.digest
    assert straight.result.stopped is None


def test_a_replay_ends_by_the_time_that_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from heliostat.engine import engine

    clock = [0.0]

    def later() -> float:
        clock[0] += 1.0
        return clock[0]

    monkeypatch.setattr(engine.time, "monotonic", later)
    first = searched(tmp_path, stop=StopRules(seconds=30.0))
    assert 3 < len(first.result.trials) < 30 and first.result.stopped.rule == "seconds"
    clock[0] = 1e6
    again = searched(tmp_path, stop=StopRules(seconds=30.0))
    assert (again.digest, again.result, again.evaluated) == (first.digest, first.result, 0)


def test_tasks_as_trials_end_by_the_same_rules(tmp_path: Path) -> None:
    done = drive(
        lambda run: minimize(run, tasks.noisy, LINE, 30, stop=StopRules(seconds=1e-9)), tmp_path
    )
    assert done.result.stopped == Stopped("seconds", 1, 0)
    assert len(done.result.trials) == 3  # those that were under way are finished


def test_trials_that_fail_take_their_time_too(tmp_path: Path) -> None:
    def fails(params: dict[str, Any], sub: Any) -> Any:
        return sub.call(tasks.never, params).unwrap()

    done = drive(
        lambda run: minimize_search(run, fails, LINE, 30, stop=StopRules(seconds=1e-9)), tmp_path
    )
    assert done.result.stopped == Stopped("seconds", 1, 0)
    assert [trial.failure for trial in done.result.trials] == ["TaskError"] * 3


@few
@given(
    seed=st.integers(0, 10**6),
    rules=st.sampled_from([StopRules(target=0.5), StopRules(patience=5)]),
    lookahead=st.integers(1, 5),
    lives=st.lists(st.integers(0, 16), max_size=3),
)
def test_any_arrival_order_and_any_kills_give_the_serial_end(
    seed: int, rules: StopRules, lookahead: int, lives: list[int]
) -> None:
    def run_in(folder: Path, executor: Any = None) -> Done:
        return searched(
            folder, stop=rules, lookahead=lookahead, executor=executor, sampler="random",
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
    assert done.result.stopped is not None
