"""Trials given up on the way: the rules against Optuna's, and nothing that a worker decides."""

from __future__ import annotations

import contextlib
import math
import random
import tempfile
import warnings
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import optuna
import pytest
from engine_runs import Done, drive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scrambled_executors import Killed, MortalExecutor, ScrambledExecutor

from heliostat.errors import ConfigError
from heliostat_search.strategies.bayesian import Pruning, Trials, minimize_search
from heliostat_search.strategies.pruning import (
    PRUNERS,
    Course,
    Halving,
    Hyperband,
    Median,
    make_pruner,
)
from heliostat_search.strategies.space import Real

LINE = {"x": Real(-5.0, 5.0)}
LAST = 9
few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def course(number: int, *losses: float, of: int | None = None, complete: bool = True) -> Course:
    made = Course(number, complete=complete)
    for step, loss in enumerate(losses, 1):
        made.add(step, loss, "min", of)
    return made


def given_up_at(pruner: Any, curves: list[list[float]]) -> list[int | None]:
    """Return the step at which each trial is given up when they run one after another."""
    told: list[Course] = []
    ends: list[int | None] = []
    for number, curve in enumerate(curves):
        trial = Course(number)
        end = None
        for step, value in enumerate(curve, 1):
            trial.add(step, value, "min", len(curve) + 1)
            if pruner.gives_up(trial, told):
                end = step
                break
        trial.complete = end is None
        told.append(trial)
        ends.append(end)
    return ends


def optunas(pruner: optuna.pruners.BasePruner, curves: list[list[float]]) -> list[int | None]:
    """The same by Optuna."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(pruner=pruner)
    ends: list[int | None] = []
    for curve in curves:
        trial = study.ask()
        end = None
        for step, value in enumerate(curve, 1):
            trial.report(value, step)
            if trial.should_prune():
                end = step
                break
        if end is None:
            study.tell(trial, curve[-1])
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        ends.append(end)
    return ends


def drawn_curves(seed: int, count: int = 60, steps: int = 30) -> list[list[float]]:
    draw = random.Random(seed)
    curves = []
    for _ in range(count):
        end, speed = draw.uniform(0, 1), draw.uniform(0.02, 0.5)
        noise = draw.choice([0.0, 0.05])
        curves.append([
            end + math.exp(-speed * step) + noise * draw.random() for step in range(steps)
        ])  # fmt: skip
    return curves


@pytest.mark.parametrize("seed", range(3))
def test_the_median_rule_is_optunas(seed: int) -> None:
    curves = drawn_curves(seed)
    ours = given_up_at(Median(startup=4, first=3), curves)
    theirs = optunas(optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=3), curves)
    assert ours == theirs
    assert any(ours) and None in ours


@pytest.mark.parametrize("seed", range(3))
def test_successive_halving_is_optunas(seed: int) -> None:
    curves = drawn_curves(seed)
    ours = given_up_at(Halving(first=2, factor=3), curves)
    asha = optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=3)
    assert ours == optunas(asha, curves)
    assert set(ours) == {None, 2, 6, 18}


def test_hyperbands_brackets_have_the_papers_proportions() -> None:
    # Li et al. 2018, table 1: R = 81, eta = 3 gives n = 81, 34, 15, 8, 5
    assert Hyperband()._weights(81) == [81, 34, 15, 8, 5]
    curves = drawn_curves(0, count=143, steps=80)
    ends = given_up_at(Hyperband(), curves)
    earliest = {end for end in ends if end is not None}
    assert earliest == {1, 3, 9, 27}
    # the last bracket judges nobody before the last step
    assert sum(end is None for end in ends) >= 5


def test_a_trial_is_compared_within_its_bracket() -> None:
    good = [course(number, 0.0, 0.0, 0.0, of=4) for number in range(12)]
    weights = Hyperband()._weights(4)
    assert weights == [3, 2]
    judged = {
        number: Hyperband().gives_up(course(number, 1.0, of=4), good) for number in range(12, 22)
    }
    # three fifths are judged at the first step, the others later
    assert sum(judged.values()) == 6


def test_no_number_is_worse_than_any() -> None:
    others = [course(number, 1.0, 1.0) for number in range(6)]
    assert Median().gives_up(course(6, math.nan), others)
    assert Halving().gives_up(course(6, math.nan), others)
    assert not Median().gives_up(course(6, 0.5, math.nan), others)  # its best until now counts


def test_an_unknown_pruner_is_named() -> None:
    with pytest.raises(ConfigError, match="median"):
        make_pruner("meridian")
    assert make_pruner("none") is None
    assert all(make_pruner(name) for name in PRUNERS if name != "none")


def staged(params: dict[str, Any], run: Any) -> float:
    """Go down to x squared in steps, each of which is a task."""
    loss = math.inf
    for step in range(1, LAST + 1):
        speed = run.map(tasks.draw, range(2))[1].unwrap()
        loss = params["x"] ** 2 + (2 + speed) / step
        run.report(step, of=LAST, loss=loss)
    return loss


def kept(params: dict[str, Any], run: Any) -> float:
    """The same with checkpoints, which it keeps before it reports."""
    step, loss = run.restore((0, math.inf))
    while step < LAST:
        step += 1
        speed = run.map(tasks.draw, range(2))[1].unwrap()
        loss = params["x"] ** 2 + (2 + speed) / step
        run.checkpoint(step, loss)
        run.report(step, of=LAST, loss=loss)
    return loss


def searched(
    folder: Path, trial: Any = staged, pruner: str = "asha", trials: int = 16, **options: Any
) -> Done:
    drive_options = {
        name: options.pop(name) for name in ("executor", "root", "lookahead") if name in options
    }
    made = make_pruner(pruner, startup=3)
    pruning = None if made is None else Pruning(made, options.pop("metric", "loss"), "min")
    return drive(
        lambda run: minimize_search(run, trial, LINE, trials, pruning=pruning, **options),
        folder,
        **drive_options,
    )


@pytest.mark.parametrize("pruner", ["median", "asha", "hyperband"])
def test_bad_trials_are_given_up_and_the_best_is_complete(pruner: str, tmp_path: Path) -> None:
    found: Trials = searched(tmp_path / "a", pruner=pruner, trials=20, lookahead=2).result
    pruned = [trial for trial in found.trials if trial.pruned]
    assert pruned and found.best is not None
    for trial in pruned:
        assert trial.pruned == trial.reports[-1] and trial.pruned[0] < LAST
        assert trial.values is None and not trial.failed and trial.failure == ""
    whole = searched(tmp_path / "b", pruner="none", trials=20, lookahead=2)
    assert all(trial.pruned is None for trial in whole.result.trials)


def test_what_is_given_up_costs_no_more_tasks(tmp_path: Path) -> None:
    done = searched(tmp_path, trials=20, lookahead=2)
    steps = sum(len(trial.reports) for trial in done.result.trials)
    assert len(done.stored) == 2 * steps < 2 * 20 * LAST


@few
@given(
    seed=st.integers(0, 10**6),
    pruner=st.sampled_from(["median", "asha", "hyperband"]),
    keeps=st.booleans(),
    lookahead=st.integers(1, 4),
    lives=st.lists(st.integers(0, 60), max_size=3),
)
def test_any_arrival_order_and_any_kills_give_the_serial_trials(
    seed: int, pruner: str, keeps: bool, lookahead: int, lives: list[int]
) -> None:
    def run_in(folder: Path, executor: Any = None) -> Done:
        return searched(
            folder, kept if keeps else staged, pruner, 14, lookahead=lookahead, executor=executor,
            cost=lambda params: 1.0 + abs(params["x"]), sampler="random",
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


def test_a_resume_from_checkpoints_knows_what_was_reported_before_them(tmp_path: Path) -> None:
    straight = searched(tmp_path / "a", kept, lookahead=1)
    assert any(trial.pruned for trial in straight.result.trials)
    again = searched(tmp_path / "a", kept, lookahead=1)
    assert (again.digest, again.result) == (straight.digest, straight.result)
    assert again.evaluated == 0


def test_the_sampler_hears_of_trials_that_were_given_up(tmp_path: Path) -> None:
    # the oracle: Optuna's own loop, with its own pruner and a sampler of the same seed
    from heliostat.values.streams import seed64

    def plain(params: dict[str, Any], run: Any) -> float:
        for step in range(1, LAST + 1):
            run.report(step, of=LAST, loss=params["x"] ** 2 + 2 / step)
        return float(params["x"] ** 2 + 2 / LAST)

    found = searched(tmp_path, plain, trials=30, lookahead=1, root=5).result
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seed = seed64(5, "trials", "sampler") % 2**32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant_liar is experimental
        sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    study = optuna.create_study(
        sampler=sampler,
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    )

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", -5.0, 5.0)
        for step in range(1, LAST):
            trial.report(x**2 + 2 / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return x**2 + 2 / LAST

    study.optimize(objective, n_trials=30)
    theirs = [(t.params["x"], t.last_step if t.state.name == "PRUNED" else None)
              for t in study.trials]  # fmt: skip
    assert [(t.params["x"], t.pruned and t.pruned[0]) for t in found.trials] == theirs
    assert any(end for _, end in theirs[15:])


def test_a_search_that_hides_every_error_is_given_up_all_the_same(tmp_path: Path) -> None:
    def stubborn(params: dict[str, Any], run: Any) -> float:
        for step in range(1, LAST + 1):
            try:
                run.report(step, of=LAST, loss=params["x"] ** 2 + 2 / step)
            except BaseException:
                break
        return -1.0

    found = searched(tmp_path, stubborn, lookahead=1).result
    pruned = [trial for trial in found.trials if trial.pruned]
    assert pruned and all(trial.values is None for trial in pruned)


def test_items_that_a_trial_left_behind_are_lost_without_a_word(tmp_path: Path) -> None:
    def ahead(params: dict[str, Any], run: Any) -> float:
        for step in range(1, LAST + 1):
            run.submit(tasks.square, step)
            run.submit(tasks.square, -step)
            run.next()
            run.report(step, of=LAST, loss=params["x"] ** 2 + 2 / step)
        while run.outstanding:
            run.next()
        return float(params["x"] ** 2)

    done = searched(tmp_path, ahead, lookahead=2)
    assert any(trial.pruned for trial in done.result.trials)
    for trial in done.result.trials:
        if trial.pruned:
            seen = [row for row in done.rows if row.key[0] == trial.number]
            assert len(seen) == trial.pruned[0]


def test_trials_that_do_not_report_what_is_compared_end_the_search(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="reported: loss"):
        searched(tmp_path / "a", metric="accuracy")

    def silent(params: dict[str, Any], run: Any) -> float:
        return float(params["x"])

    with pytest.raises(ConfigError, match="they report none"):
        searched(tmp_path / "b", silent)

    def without_an_end(params: dict[str, Any], run: Any) -> float:
        run.report(1, loss=params["x"])
        return float(params["x"])

    with pytest.raises(ConfigError, match="of=last"):
        searched(tmp_path / "c", without_an_end, "hyperband")


def test_several_objectives_are_not_given_up(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one objective"):
        searched(tmp_path, objectives={"a": "min", "b": "max"})
