"""Arrival order never shows: any executor gives the digest of the serial one."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from engine_runs import drive
from heliostat_test_methods import METHODS, EverythingConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scrambled_executors import Killed, MortalExecutor, ScrambledExecutor
from tune_tasks import leaves_a_mark

few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def everything(run: Any) -> Any:
    return METHODS["everything"].search(EverythingConfig(size=7), run)


@pytest.fixture(scope="module")
def serial_digest() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return drive(everything, Path(folder)).digest


@few
@given(seed=st.integers(0, 10**6), window=st.integers(1, 60))
def test_any_arrival_order_gives_the_serial_digest(
    serial_digest: str, seed: int, window: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = drive(
            everything, Path(folder), executor=lambda s: ScrambledExecutor(s, seed, window)
        )
    assert done.digest == serial_digest


@few
@given(seed=st.integers(0, 10**6), lives=st.lists(st.integers(0, 25), max_size=4))
def test_any_deaths_and_arrival_orders_give_the_serial_digest(
    serial_digest: str, seed: int, lives: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, count in enumerate(lives):
            with contextlib.suppress(Killed):
                drive(
                    everything,
                    folder,
                    executor=lambda s, n=number, c=count: MortalExecutor(s, seed + n, c),
                )
        done = drive(everything, folder)
    assert done.digest == serial_digest


def list_schedule(program: list[float | None], slots: int) -> list[int]:
    """The documented order by hand: each item starts on the slot that is free first."""
    free, now, asked = [0.0] * slots, 0.0, 0
    waiting: list[tuple[float, int]] = []
    order: list[int] = []
    for step in program:
        if step is not None:
            slot = min(range(slots), key=lambda i: free[i])
            free[slot] = max(now, free[slot]) + step
            waiting.append((free[slot], asked))
            asked += 1
        elif waiting:
            first = min(waiting)
            waiting.remove(first)
            now = first[0]
            order.append(first[1])
    return order


@few
@given(
    program=st.lists(st.one_of(st.none(), st.sampled_from([0.1, 0.2, 0.3, 1.0, 2.5])), max_size=30),
    lookahead=st.integers(1, 5),
    seed=st.integers(0, 10**6),
)
def test_next_answers_in_virtual_finish_order_of_the_declared_costs(
    program: list[float | None], lookahead: int, seed: int
) -> None:
    def search(run: Any) -> list[int]:
        order = []
        for step in program:
            if step is not None:
                run.submit(tasks.draw, step, cost=step)
            elif run.outstanding:
                order.append(run.next().key[0])
        return order

    with tempfile.TemporaryDirectory() as folder:
        done = drive(
            search,
            Path(folder),
            lookahead=lookahead,
            executor=lambda s: ScrambledExecutor(s, seed, 9),
        )
    assert done.result == list_schedule(program, lookahead)


def test_outcomes_asked_for_but_never_taken_are_not_in_the_digest(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        for cost in (3.0, 1.0, 2.0, 9.0):
            run.submit(tasks.draw, cost, cost=cost)
        return [run.next().key for _ in range(2)]

    digests = {
        drive(search, tmp_path / str(s), executor=lambda w, s=s: ScrambledExecutor(w, s)).digest
        for s in range(6)
    }
    assert digests == {drive(search, tmp_path / "serial").digest}


def test_one_process_runs_submitted_items_only_when_the_search_waits(tmp_path: Path) -> None:
    def search(run: Any) -> list[bool]:
        mark = tmp_path / "mark"
        run.submit(leaves_a_mark, str(mark))
        before = mark.exists()
        run.next()
        return [before, mark.exists()]

    assert drive(search, tmp_path / "run").result == [False, True]
