"""Virtual time: finish times worked out by hand, and the results of every other executor."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from engine_runs import Done, drive, worker_side
from heliostat_test_methods import METHODS, EverythingConfig
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat.executors.simulated import SimulatedExecutor
from heliostat.values.canonical import decode
from heliostat.worker.work import Work

Search = Callable[[Any], Any]


def item_seconds(work: Work) -> float:
    return float(decode(work.item))


def simulate(
    search: Search,
    folder: Path,
    slots: int,
    durations: Callable[[Work], float] = item_seconds,
    lookahead: int = 3,
    **more: Any,
) -> tuple[SimulatedExecutor, Done]:
    executor = SimulatedExecutor(worker_side(folder, 0), durations, slots, **more)
    return executor, drive(search, folder, executor=executor, lookahead=lookahead)


def mapped(*rounds: Sequence[float]) -> Search:
    return lambda run: [[o.value for o in run.map(tasks.seen_type, r)] for r in rounds]


@pytest.mark.parametrize(
    ("slots", "rounds", "seconds", "utilisation"),
    [
        (1, [[3.0, 1.0, 2.0]], 6.0, 1.0),
        (2, [[3.0, 1.0, 1.0, 1.0]], 3.0, 1.0),
        (2, [[1.0, 3.0]], 3.0, 4.0 / 6.0),
        (2, [[1.0, 3.0], [3.0, 1.0]], 6.0, 8.0 / 12.0),  # a barrier waits for the slowest
        (4, [[2.0]], 2.0, 0.25),
        (3, [[0.0, 0.0]], 0.0, 0.0),
    ],
)
def test_a_map_takes_the_time_worked_out_by_hand(
    tmp_path: Path, slots: int, rounds: Any, seconds: float, utilisation: float
) -> None:
    executor, _ = simulate(mapped(*rounds), tmp_path, slots)
    assert executor.now == seconds
    assert executor.utilisation() == pytest.approx(utilisation, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 50).map(float), min_size=1, max_size=40),
    st.integers(1, 9),
)
def test_a_map_is_list_scheduling_within_grahams_bounds(seconds: list[float], slots: int) -> None:
    with TemporaryDirectory() as folder:
        executor, _ = simulate(mapped(seconds), Path(folder), slots)
    free = [0.0] * slots
    for each in seconds:
        heapq.heappush(free, heapq.heappop(free) + each)
    assert executor.now == max(free)
    assert executor.busy_seconds == sum(seconds)
    longest, total = max(seconds), sum(seconds)
    # times slots, so that whole numbers stay exact
    assert max(total, slots * longest) <= slots * executor.now <= total + (slots - 1) * longest


def test_a_stream_keeps_workers_busy_where_a_barrier_does_not(tmp_path: Path) -> None:
    rounds = [[1.0, 3.0], [3.0, 1.0]] * 5
    flat = [s for r in rounds for s in r]
    barrier, _ = simulate(mapped(*rounds), tmp_path / "map", 2)
    window, _ = simulate(
        lambda run: [o.value for o in run.stream(tasks.seen_type, flat)], tmp_path / "stream", 2
    )
    assert barrier.now == 30.0
    assert window.now == 20.0


def test_declared_costs_that_are_true_keep_every_worker_busy(tmp_path: Path) -> None:
    seconds = [float(2 + number * 7 % 5) for number in range(60)]

    def search(run: Any) -> None:
        for each in seconds:
            run.submit(tasks.seen_type, each, cost=each)
            if run.outstanding == run.lookahead:
                run.next()
        while run.outstanding:
            run.next()

    executor, _ = simulate(search, tmp_path, 4, lookahead=4)
    idle_at_the_end = 4 * max(seconds)
    assert executor.busy_seconds == sum(seconds)
    assert 4 * executor.now <= sum(seconds) + idle_at_the_end


def test_a_driver_that_is_slower_than_its_workers_sets_the_pace(tmp_path: Path) -> None:
    executor, _ = simulate(mapped([1.0] * 100), tmp_path, 50, answer_seconds=0.5)
    # 50 answers that come together hold the driver up for 25 s, and the next 50 again
    assert executor.now == 1.0 + 25.0 + 1.0 + 25.0


@pytest.mark.parametrize("slots", [1, 3, 64])
def test_virtual_time_changes_no_result(tmp_path: Path, slots: int) -> None:
    def search(run: Any) -> Any:
        return METHODS["everything"].search(EverythingConfig(), run)

    serial = drive(search, tmp_path / "serial")
    _, done = simulate(
        search, tmp_path / "virtual", slots, lambda work: float(sum(work.key) * 7919 % 13)
    )
    assert done.digest == serial.digest


def test_items_of_a_left_stream_end_without_an_answer(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        next(run.stream(tasks.seen_type, [1.0] + [5.0] * 20))
        return run.map(tasks.seen_type, [1.0] * 3)[2].value

    executor, done = simulate(search, tmp_path, 2)
    assert done.result == "float"
    assert {row.key for row in done.rows} == {(0, 0), (1, 0), (1, 1), (1, 2)}
    assert executor.now == 7.0  # two of the left items held both workers until 5 and 6


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_duration_that_is_no_time_is_refused(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(ConfigError, match="expected a finite number"):
        simulate(mapped([1.0]), tmp_path, 1, lambda work: seconds)
    with pytest.raises(ConfigError, match="slots = 0: expected a positive integer"):
        SimulatedExecutor(worker_side(tmp_path, 0), item_seconds, 0)
