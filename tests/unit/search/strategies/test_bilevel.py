"""Bilevel search: the same wherever blocks are solved, whatever dies; honest about lost blocks."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bilevel_tasks as tasks
import heliostat_test_tasks
import numpy as np
import pytest
from engine_runs import Done, drive
from heliostat_test_methods import METHODS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machine_faults import NothingConfig
from scipy.optimize import minimize
from scrambled_executors import Killed, MortalExecutor, ScrambledExecutor

from heliostat import hookimpl
from heliostat.driver.resume import resume
from heliostat.driver.start import start
from heliostat.errors import ConfigError, MisuseError, TaskError
from heliostat.executors.choice import Execution
from heliostat.executors.ray.executor import RayExecutor, WorkerSetup
from heliostat.plugins.registry import Registry
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.folder import find
from heliostat.store.journal import FAULT_VARIABLE, Journal
from heliostat.values import streams
from heliostat.values.canonical import decode, encode
from heliostat_search.pooled_moments import PooledMean, PooledMoments
from heliostat_search.strategies.bilevel import Levels, Schedule, State, solve

few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def searched(folder: Path, executor: Any = None, **schedule: Any) -> Done:
    return drive(lambda run: tasks.shrinking(run, **schedule), folder, executor=executor)


# What it computes


def test_a_round_moves_the_prior_by_the_merged_summary_of_all_blocks(tmp_path: Path) -> None:
    found = searched(tmp_path, lower=tasks.goes_on, rounds=2, blocks=3).result
    targets = tasks.targets(3)
    first = targets / 3.0  # prior and solutions begin at 0
    second = (first.mean(axis=0) + targets + first) / 3.0
    np.testing.assert_allclose(found.prior, second.mean(axis=0), rtol=1e-12)
    spread = [x.var(axis=0).sum() for x in (first, second)]
    assert [done.measures["spread"] for done in found.history] == pytest.approx(spread, rel=1e-12)
    assert [(done.number, done.blocks) for done in found.history] == [
        (1, (0, 1, 2)),
        (2, (0, 1, 2)),
    ]
    assert found.warning == ""


def ridge_problem() -> tuple[Any, Any, Any, Any]:
    """Twelve features in two groups, 32 rows in four folds; the best penalties are finite."""
    rng = np.random.default_rng(5)
    groups = np.repeat([0, 1], [6, 6])
    truth = rng.normal(size=12) * np.array([1.0, 0.5])[groups]
    rows = rng.normal(size=(32, 12))
    return rows, rows @ truth + 2.0 * rng.normal(size=32), groups, np.arange(32) % 4


def validation_loss(problem: Any, penalties: Any) -> float:
    """The mean over folds of the loss on the fold of the weights that the others give."""
    rows, targets, groups, folds = problem
    losses = []
    for fold in range(4):
        held = folds == fold
        _, weights = tasks.ridge(rows[~held], targets[~held], np.asarray(penalties), groups)
        losses.append(np.mean((rows[held] @ weights - targets[held]) ** 2))
    return float(np.mean(losses))


def differences(problem: Any, penalties: Any) -> list[float]:
    """The gradient of the validation loss by central differences."""
    return [
        (validation_loss(problem, penalties + h) - validation_loss(problem, penalties - h)) / 2e-5
        for h in 1e-5 * np.eye(len(penalties))
    ]


def test_penalties_of_a_ridge_are_found_by_implicit_gradients(tmp_path: Path) -> None:
    """Another user than subgroups: the prior is the hyper-parameter, a block is a fold."""
    problem, start, seen = ridge_problem(), np.array([-4.0, 1.0]), []

    def downhill(penalties: Any, merged: PooledMean) -> Any:
        seen.append((penalties, merged.mean[1:]))
        return penalties - 2.0 * merged.mean[1:]

    levels = Levels(
        tasks.ridge_fold,
        PooledMean.merge,
        downhill,
        measures=lambda merged: {"loss": float(merged.mean[0])},
        finished=lambda history, merged: bool(np.abs(merged.mean[1:]).max() < 1e-7),
    )

    def search(run: Any) -> State[Any]:
        return solve(run, levels, start, Schedule(100, 4), data=run.share(problem))

    found = drive(search, tmp_path).result
    for penalties, gradient in seen[:3]:
        np.testing.assert_allclose(gradient, differences(problem, penalties), rtol=1e-6)
    losses = [done.measures["loss"] for done in found.history]
    assert losses[0] == pytest.approx(validation_loss(problem, start), rel=1e-12)
    best = minimize(lambda penalties: validation_loss(problem, penalties), start, tol=1e-10)
    np.testing.assert_allclose(found.prior, best.x, atol=1e-5)
    assert found.ended
    assert len(found.history) < 100


# What it asks for, and what is kept


def test_the_prior_travels_by_hash_and_stands_in_no_item(tmp_path: Path) -> None:
    done = searched(tmp_path, columns=5_000, rounds=3)
    assert len(done.rows) == 18
    assert max(len(row.item) for row in done.rows) < 600
    assert sum(path.stat().st_size for path in tmp_path.glob("run.db*")) < 300_000
    for number in range(3):
        rows = done.rows[6 * number : 6 * number + 6]
        items = [decode(row.item) for row in rows]
        assert [(item.round, item.number) for item in items] == [(number + 1, b) for b in range(6)]
        (prior,) = {item.prior.sha256 for item in items}
        assert all(prior in row.shared for row in rows)


def test_a_subset_of_blocks_is_drawn_for_each_round_from_a_named_stream(tmp_path: Path) -> None:
    history = searched(tmp_path, rounds=20, blocks_per_round=2).result.history
    drawn = [done.blocks for done in history]
    assert all(a < b for a, b in drawn)
    assert len(set(drawn)) > 5
    assert {block for pair in drawn for block in pair} == set(range(6))
    expected = streams.stream(0, "bilevel", "blocks", 7).choice(6, 2, replace=False)
    assert drawn[6] == tuple(sorted(expected))


def test_a_block_that_keeps_a_state_has_it_back_when_it_next_takes_part(tmp_path: Path) -> None:
    found = searched(tmp_path, lower=tasks.goes_on, blocks_per_round=3, columns=1_000).result
    store = ArtifactStore(tmp_path / "artifacts")
    for block, reply in found.replies.items():
        times, _ = decode(store.get(reply.sha256).decode()).state
        assert times == sum(block in done.blocks for done in found.history)


def test_a_kept_state_is_stored_once_by_the_journal_and_the_next_round(tmp_path: Path) -> None:
    done = searched(tmp_path, lower=tasks.goes_on, rounds=3, columns=1_000)
    stored = [json.loads(row.value or "")["$blob"] for row in done.rows]
    handed_on = [decode(row.item).reply for row in done.rows]
    assert handed_on[:6] == [None] * 6
    assert [reply.sha256 for reply in handed_on[6:]] == stored[:12]
    assert set(done.rows[7].shared) >= {stored[1]}
    assert not {stored[0], *stored[2:]} & set(done.rows[7].shared)  # the state of its block alone


def test_a_search_that_stopped_early_does_not_go_on_when_it_is_resumed(tmp_path: Path) -> None:
    levels = tasks.levels(tasks.shrinks, finished=lambda history, merged: len(history) == 2)

    def search(run: Any) -> State[Any]:
        data = [run.share(tasks.targets(2)), run.share(None)]
        return solve(run, levels, np.zeros(2), Schedule(9, 2), data=data)

    done = drive(search, tmp_path)
    assert (len(done.result.history), done.result.ended) == (2, True)
    again = drive(search, tmp_path)
    assert (again.evaluated, again.digest) == (0, done.digest)
    assert encode(again.result) == encode(done.result)


def test_more_rounds_go_on_from_the_last_one(tmp_path: Path) -> None:
    searched(tmp_path / "grown", rounds=4)
    grown, whole = searched(tmp_path / "grown", rounds=7), searched(tmp_path / "whole", rounds=7)
    assert (grown.evaluated, grown.digest) == (18, whole.digest)
    assert encode(grown.result) == encode(whole.result)


def test_what_was_measured_is_reported(tmp_path: Path) -> None:
    found = searched(tmp_path, rounds=3).result
    spread = [("spread", done.number, done.measures["spread"]) for done in found.history]
    assert metrics(tmp_path) == spread


def metrics(folder: Path) -> list[tuple[str, int, float]]:
    journal = Journal(folder / "run.db", ArtifactStore(folder / "artifacts"), readonly=True)
    found = [(name, step, value) for _, step, name, value in journal.metrics()]
    journal.close()
    return found


# The same wherever blocks are solved, whatever dies

LOWER = {"stateless": tasks.shrinks, "persistent": tasks.goes_on}


def resumed(folder: Path, seed: int, lives: int, **schedule: Any) -> Done:
    """A search whose driver dies when it has `lives` more outcomes, each time that it is begun."""

    def mortal(side: Any) -> MortalExecutor:
        return MortalExecutor(side, seed, lives)

    for _ in range(42 // lives):
        with contextlib.suppress(Killed):
            return searched(folder, mortal, **schedule)
    return searched(folder, **schedule)


@few
@given(st.integers(0, 999), st.integers(3, 30), st.sampled_from(sorted(LOWER)), st.integers(0, 6))
def test_neither_order_nor_killed_drivers_change_a_bit(
    seed: int, lives: int, lower: str, subset: int
) -> None:
    schedule = {"lower": LOWER[lower], "blocks_per_round": subset}
    with tempfile.TemporaryDirectory() as name:
        whole = searched(Path(name, "whole"), **schedule)
        mixed = searched(
            Path(name, "mixed"), lambda side: ScrambledExecutor(side, seed), **schedule
        )
        killed = resumed(Path(name, "killed"), seed, lives, **schedule)
    assert whole.digest == mixed.digest == killed.digest
    assert encode(whole.result) == encode(mixed.result) == encode(killed.result)


def test_a_driver_that_is_killed_goes_on_from_its_checkpoint(
    python: Callable[..., Any], tmp_path: Path
) -> None:
    fault = {FAULT_VARIABLE: "kill-after-commits=27"}
    program = "import bilevel_tasks, engine_runs, pathlib, sys\n"
    program += "engine_runs.drive(bilevel_tasks.shrinking, pathlib.Path(sys.argv[1]))"
    killed = python("-c", program, str(tmp_path / "killed"), **fault)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again, whole = searched(tmp_path / "killed"), searched(tmp_path / "whole")
    assert (again.digest, encode(again.result)) == (whole.digest, encode(whole.result))
    assert again.evaluated + again.replayed == 42
    assert 0 < again.evaluated < 24


@pytest.mark.ray
def test_a_worker_that_dies_takes_no_state_with_it(ray_node: Any, tmp_path: Path) -> None:
    folder = tmp_path / "ray"
    artifacts = ArtifactStore(folder / "artifacts")
    setup = WorkerSetup(str(folder), 0, "the tests", tmp_path / "cache", 0.0)
    executor = RayExecutor(
        setup,
        lambda sha256: artifacts.get(sha256).decode(),
        workers=2,
        address=ray_node.address,
        on_event=lambda kind, text: None,
    )
    options = {"lower": tasks.goes_on_though_workers_die, "told": str(tmp_path), "rounds": 3}
    try:
        on_ray = searched(folder, executor, **options)
    finally:
        executor.close(1.0)
    assert (tmp_path / "died").exists()
    serial = searched(tmp_path / "serial", **options)  # now nothing dies any more
    assert (on_ray.digest, encode(on_ray.result)) == (serial.digest, encode(serial.result))


def test_searches_side_by_side_have_streams_and_checkpoints_of_their_own(tmp_path: Path) -> None:
    def search(run: Any) -> list[State[Any]]:
        run.map(heliostat_test_tasks.square, [1])
        return run.gather(*[functools.partial(tasks.shrinking, blocks_per_round=2)] * 2)

    done = drive(search, tmp_path)
    one, other = done.result
    assert [r.blocks for r in one.history] != [r.blocks for r in other.history]
    again = drive(search, tmp_path)
    assert (again.evaluated, again.digest) == (0, done.digest)


# Blocks that fail


def test_a_block_that_fails_ends_the_search_naming_round_and_block(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"^round 3, block 4: task 16 failed \(FloatingPointErro"):
        searched(tmp_path, lower=tasks.fails_where_told, told=[[3, 4], [3, 5]])


def test_skipped_blocks_are_left_out_recorded_and_warned_of_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [[2, 1], [2, 3], [4, 5]]
    options = {"lower": tasks.fails_where_told, "told": told, "on_lost": "skip", "rounds": 4}
    done = searched(tmp_path, **options)
    found = done.result
    assert [r.lost for r in found.history] == [(), (1, 3), (), (5,)]
    assert [m for m in metrics(tmp_path) if m[0] == "lost_blocks"] == [
        ("lost_blocks", 2, 2.0),
        ("lost_blocks", 4, 1.0),
    ]
    warning = "warning: round 2 goes on without blocks 1, 3 (FloatingPointError)"
    said = capsys.readouterr().err.splitlines()
    assert [line.startswith(warning) for line in said] == [True]
    assert found.warning == (
        "3 of 24 blocks were lost and skipped, in 2 of 4 rounds, so the result leans towards the "
        "others (round 2: blocks 1, 3; round 4: block 5)"
    )
    second = [PooledMoments(**vars(decode(row.value))) for row in done.rows[6:12] if row.value]
    assert sum(part.weight for part in second) == 12.0
    third_prior = functools.reduce(PooledMoments.merge, second).mean
    shared = decode(done.rows[12].item).prior
    stored = ArtifactStore(tmp_path / "artifacts").get(shared.sha256)
    assert stored.decode() == encode(third_prior)


def test_a_skipped_block_that_was_lost_with_its_worker_is_asked_again_by_resume(
    tmp_path: Path,
) -> None:
    broken, plugins = tmp_path / "broken", Registry()
    options = {"lower": tasks.lost_while_told, "told": str(broken), "on_lost": "skip"}
    method = dataclasses.replace(
        METHODS["ends_badly"],
        name="skips",
        config=NothingConfig,
        search=lambda config, run: tasks.shrinking(run, **options),
    )
    plugins.register(SimpleNamespace(heliostat_methods=hookimpl(lambda: [method])), "skips")
    how = {"plugins": plugins, "execution": Execution(workers=0, runs=tmp_path / "runs")}
    broken.touch()
    hurt = start(method, **how)
    assert any("lost with their workers" in label for label in hurt["labels"])
    broken.unlink()
    mended = resume(find("last", tmp_path / "runs"), **how)
    calm = searched(tmp_path / "calm", **options)
    assert (hurt["digest"] != mended["digest"], mended["labels"]) == (True, [])
    assert mended["retried"] == {"WorkerLost": 1}
    assert mended["result"] == json.loads(encode(calm.result))


@pytest.mark.parametrize("blocks", [1, 3, 12])
def test_a_round_without_any_summary_is_an_error_in_any_case(tmp_path: Path, blocks: int) -> None:
    told = [[2, block] for block in range(blocks)]
    every = r" \(as all \d+ of its round\)" if blocks > 1 else ""
    last = blocks - 1
    with pytest.raises(TaskError, match=rf"^round 2, block {last}{every}: task \d+ failed"):
        searched(tmp_path, lower=tasks.fails_where_told, told=told, on_lost="skip", blocks=blocks)


# Misuse


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rounds": 0}, r"rounds = 0: expected an integer of at least 1"),
        ({"rounds": True}, r"rounds = True: expected an integer"),
        ({"blocks": 0}, r"blocks = 0: expected an integer of at least 1"),
        ({"blocks": 2.0}, r"blocks = 2\.0: expected an integer"),
        ({"blocks_per_round": 7}, r"blocks_per_round = 7: expected an integer from 0 to 6"),
        ({"checkpoint_every": -1}, r"checkpoint_every = -1: expected an integer of at least 0"),
        ({"on_lost": "skp"}, r"on_lost = 'skp': expected fail or skip; did you mean 'skip'\?"),
    ],
)
def test_a_schedule_refuses_what_makes_no_sense(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Schedule(**{"rounds": 5, "blocks": 6, **fields})


def test_outcomes_that_nobody_took_are_refused(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        run.submit(heliostat_test_tasks.square, 3)
        return tasks.shrinking(run, checkpoint_every=0)

    with pytest.raises(MisuseError, match="before a bilevel search begins"):
        drive(search, tmp_path)


def test_without_checkpoints_it_may_stand_anywhere_in_a_search(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        run.map(heliostat_test_tasks.square, [1])
        return [tasks.shrinking(run, checkpoint_every=0, rounds=2) for _ in range(2)]

    done = drive(search, tmp_path)
    assert len(done.rows) == 25
    again = drive(search, tmp_path)
    assert (again.evaluated, again.replayed, again.digest) == (0, 25, done.digest)
