"""Branches: sub-searches that `next` delivers one by one, in an order that no worker decides."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from engine_runs import drive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scrambled_executors import Killed, MortalExecutor, ScrambledExecutor

from heliostat.errors import Interrupted, MisuseError, StoreError

few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def draws(number: int) -> Any:
    """A sub-search of number + 1 calls; every fourth fails after its first."""

    def search(run: Any) -> list[float]:
        seen = [run.map(tasks.draw, range(2))[0].unwrap()]
        if number % 4 == 3:
            run.call(tasks.fail_on_odd, number).unwrap()
        for _ in range(number):
            seen += [outcome.unwrap() for outcome in run.map(tasks.draw, range(3))]
        return [*seen, float(run.rng("end").random())]

    return search


def window(run: Any) -> list[Any]:
    """Seven branches of unequal cost, as many at a time as the look-ahead says."""
    told: list[Any] = []
    asked = 0
    while len(told) < 7:
        while asked < 7 and run.outstanding < run.lookahead:
            run.branch(draws(asked), cost=1.0 + asked % 3)
            asked += 1
        outcome = run.next()
        kind = outcome.failure.kind if outcome.failure else None
        told.append([outcome.key[0], outcome.value, kind])
    return told


@pytest.fixture(scope="module")
def serial() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return drive(window, Path(folder))


def test_a_branch_has_keys_and_streams_of_its_own(serial: Any) -> None:
    keys = {row.key[0]: row.key for row in serial.rows}
    assert sorted(keys) == list(range(7))
    assert all(len(key) == 3 or key[0] % 4 == 3 for key in keys.values())
    ends = [value[-1] for _, value, _ in serial.result if value is not None]
    assert len(set(ends)) == len(ends)


def test_the_error_of_a_branch_is_its_failure_and_stops_no_other(serial: Any) -> None:
    failed = {number: kind for number, _, kind in serial.result if kind is not None}
    assert failed == {3: "TaskError"}


def test_branches_are_delivered_in_virtual_finish_order(serial: Any) -> None:
    # by hand: costs 1 2 3 1 2 3 1 on three slots finish at 1 2 3 2 4 6 4
    assert [number for number, _, _ in serial.result] == [0, 1, 3, 2, 4, 6, 5]


@few
@given(seed=st.integers(0, 10**6), size=st.integers(1, 30))
def test_any_arrival_order_gives_the_serial_digest(serial: Any, seed: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = drive(window, Path(folder), executor=lambda s: ScrambledExecutor(s, seed, size))
    assert (done.digest, done.result) == (serial.digest, serial.result)


@few
@given(seed=st.integers(0, 10**6), lives=st.lists(st.integers(0, 30), max_size=4))
def test_any_deaths_give_the_serial_digest(serial: Any, seed: int, lives: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, count in enumerate(lives):
            with contextlib.suppress(Killed):
                drive(
                    window,
                    folder,
                    executor=lambda s, n=number, c=count: MortalExecutor(s, seed + n, c),
                )
        done = drive(window, folder)
    assert (done.digest, done.result) == (serial.digest, serial.result)
    assert done.evaluated + done.replayed == len(serial.rows)


def test_branches_that_are_never_taken_are_not_in_the_digest(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        for number in (6, 0, 5, 4):
            run.branch(draws(number), cost=number + 1.0)
        return run.next().value

    digests = {
        drive(search, tmp_path / str(s), executor=lambda w, s=s: ScrambledExecutor(w, s)).digest
        for s in range(6)
    }
    assert digests == {drive(search, tmp_path / "serial").digest}


def test_what_was_left_behind_is_interrupted_at_the_end(tmp_path: Path) -> None:
    ended: list[str] = []

    def forever(run: Any) -> None:
        try:
            while True:
                run.map(tasks.draw, range(2))
        except Interrupted:
            ended.append("interrupted")
            raise

    def search(run: Any) -> Any:
        run.branch(forever, cost=9.0)
        run.branch(draws(1), cost=1.0)
        value = run.next().value
        run._engine.turns.dismiss()
        return value

    before = threading.enumerate()
    drive(search, tmp_path)
    assert ended == ["interrupted"]
    for thread in threading.enumerate():
        if thread not in before:
            thread.join(30)
            assert not thread.is_alive()


def test_a_branch_may_gather_and_branch_again(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        def inner(sub: Any) -> Any:
            sub.branch(draws(1))
            pair = sub.gather(draws(0), draws(2))
            return [pair, sub.next().value]

        run.branch(inner)
        run.branch(draws(2))
        return [run.next().value, run.next().value]

    done = drive(search, tmp_path / "serial")
    for seed in range(5):
        again = drive(
            search,
            tmp_path / str(seed),
            executor=lambda w, seed=seed: ScrambledExecutor(w, seed),
        )
        assert (again.digest, again.result) == (done.digest, done.result)


def test_an_error_that_says_nothing_of_the_branch_is_raised(tmp_path: Path) -> None:
    def full(run: Any) -> None:
        raise StoreError("no space left")

    def search(run: Any) -> Any:
        run.branch(full)
        return run.next()

    with pytest.raises(StoreError, match="no space"):
        drive(search, tmp_path)


@pytest.mark.parametrize("cost", [0.0, -1.0, float("nan"), float("inf")])
def test_a_cost_is_a_positive_number(tmp_path: Path, cost: float) -> None:
    with pytest.raises(MisuseError, match="branch"):
        drive(lambda run: run.branch(draws(0), cost=cost), tmp_path)
