"""How long a run has taken, as an observation; and giving up what nobody waits for."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from engine_runs import drive
from scrambled_executors import Killed, MortalExecutor

from heliostat.errors import MisuseError


def measured(run: Any) -> list[float]:
    """Ask between items, and in a sub-search."""
    found = [run.elapsed()]
    run.call(tasks.square, 3).unwrap()
    found += run.gather(lambda sub: sub.elapsed())
    run.call(tasks.square, 4).unwrap()
    return [*found, run.elapsed()]


def test_a_replay_answers_what_was_measured(tmp_path: Path) -> None:
    first = drive(measured, tmp_path)
    again = drive(measured, tmp_path)
    assert first.result == sorted(first.result) and first.result[0] >= 0
    assert (again.result, again.digest, again.evaluated) == (first.result, first.digest, 0)


def test_what_was_measured_is_observed_and_not_in_the_digest(tmp_path: Path) -> None:
    def bare(run: Any) -> None:
        run.call(tasks.square, 3)

    def timed(run: Any) -> None:
        bare(run)
        run.elapsed()

    one, other = drive(bare, tmp_path / "bare"), drive(timed, tmp_path / "timed")
    assert one.digest == other.digest
    assert [row.observed for row in other.rows] == [False, True]


def test_a_killed_start_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from heliostat.engine import engine

    clock = [100.0]
    monkeypatch.setattr(engine.time, "monotonic", lambda: clock[0])

    def search(run: Any) -> list[float]:
        found = []
        for number in range(4):
            clock[0] += 10.0
            found.append(run.elapsed())
            run.call(tasks.square, number).unwrap()
        return found

    with contextlib.suppress(Killed):
        drive(search, tmp_path, executor=lambda side: MortalExecutor(side, 0, 2))
    # 30 seconds were measured before it died; this start takes 40 until the fourth
    assert drive(search, tmp_path).result == [10.0, 20.0, 30.0, 30.0 + 40.0]


def test_what_is_abandoned_is_no_part_of_the_result(tmp_path: Path) -> None:
    def leaves(run: Any) -> int:
        kept = run.submit(tasks.square, 1)
        first = run.next()
        run.submit(tasks.square, 2)
        run.branch(lambda sub: sub.call(tasks.square, 3).unwrap())
        run.abandon()
        assert first.key == kept and run.outstanding == 0
        with pytest.raises(MisuseError):
            run.next()
        return run.call(tasks.square, 4).unwrap()

    done = drive(leaves, tmp_path)
    assert done.result == 16
    assert [row.key for row in done.rows] == [(0,), (3,)]
    again = drive(leaves, tmp_path)
    assert (again.result, again.digest) == (done.result, done.digest)
