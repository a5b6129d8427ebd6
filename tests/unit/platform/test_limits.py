"""What an item may not exceed, in one process: its seconds, its memory, the patience of a call."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fault_tasks
import heliostat_test_tasks as tasks
import pytest
from engine_runs import drive

from heliostat import MethodConfig, MethodSpec, Resources, Run
from heliostat.driver.start import start
from heliostat.errors import ConfigError, TooManyFailures
from heliostat.executors.choice import Execution
from heliostat.executors.serial import SerialExecutor
from heliostat.plugins.registry import Registry
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.journal import Journal
from heliostat.values.canonical import encode
from heliostat.worker.work import Reply, TaskState

SOON = Resources(deadline=0.2)


class Hurry(MethodConfig):
    """Nothing to set."""


def kinds(outcomes: Any) -> list[Any]:
    return [o.failure.kind if o.failure else o.value for o in outcomes]


@pytest.mark.parametrize(
    ("task", "left"),
    [
        (fault_tasks.never_returns, [0, 1, 4, "Deadline", 16]),
        (fault_tasks.swallows_interruptions, [0, "Deadline", 2, 3, 4]),
    ],
)
def test_a_task_past_its_deadline_is_one_failure(tmp_path: Path, task: Any, left: Any) -> None:
    done = drive(lambda run: kinds(run.map(task, range(5), resources=SOON)), tmp_path)
    assert done.result == left
    (late,) = [row for row in done.rows if row.failure]
    assert late.failure is not None
    assert late.failure.message == "not done within its deadline of 0.2 s"
    assert late.value is None


def test_a_deadline_leaves_no_alarm_behind(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGALRM)
    drive(lambda run: run.map(tasks.square, range(3), resources=SOON), tmp_path)
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


class DriverStoresSlowly(SerialExecutor):
    """Outlasts the deadline of the item whose checkpoint is being stored."""

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        def store(state: TaskState) -> None:
            time.sleep(1.5 * SOON.deadline)
            on_state(state)

        return super().wait(timeout, store)


def test_a_deadline_during_a_checkpoint_strikes_when_it_is_stored(tmp_path: Path) -> None:
    marks = [str(tmp_path / name) for name in ("first", "second")]
    run = tmp_path / "run"
    done = drive(
        lambda run: kinds(run.map(fault_tasks.checkpoints_and_goes_on, marks, resources=SOON)),
        run,
        executor=DriverStoresSlowly,
    )
    assert done.result == ["Deadline", "Deadline"]
    assert not Path(marks[0]).exists()  # the task was ended where it was
    journal = Journal(run / "run.db", ArtifactStore(run / "artifacts"), readonly=True)
    states = [journal.task_state(row.key) for row in done.rows]
    journal.close()
    assert states == [encode({"at": 1})] * 2


def test_a_checkpoint_is_stored_although_the_task_used_up_its_memory(tmp_path: Path) -> None:
    class DriverNeedsMemory(SerialExecutor):
        def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
            def store(state: TaskState) -> None:
                assert len(bytearray(512 * fault_tasks.MEGABYTE))
                on_state(state)

            return super().wait(timeout, store)

    mark = str(tmp_path / "mark")
    little = Resources(memory=256 * fault_tasks.MEGABYTE)
    done = drive(
        lambda run: kinds(run.map(fault_tasks.checkpoints_and_goes_on, [mark], resources=little)),
        tmp_path / "run",
        executor=DriverNeedsMemory,
    )
    assert done.result == [True]


def test_a_late_item_of_a_sub_search_is_a_failure_once_it_returns(tmp_path: Path) -> None:
    def part(sub: Any) -> list[Any]:
        return kinds(sub.map(tasks.nap, [0.0, 0.3], resources=SOON))

    assert drive(lambda run: run.gather(part), tmp_path).result == [[0.0, "Deadline"]]


def test_a_deadline_is_replayed_and_not_tried_again(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        return kinds(run.map(fault_tasks.never_returns, range(5), resources=SOON))

    first = drive(search, tmp_path)
    again = drive(search, tmp_path)
    assert (again.result, again.digest, again.evaluated) == (first.result, first.digest, 0)


def test_an_item_that_wants_more_memory_than_it_may_is_one_failure(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    little = Resources(memory=256 * fault_tasks.MEGABYTE)
    done = drive(
        lambda run: kinds(run.map(fault_tasks.fills_memory, range(5), resources=little)), tmp_path
    )
    assert done.result == [1, 2, "MemoryError", 4, 5]
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.parametrize(
    ("name", "value"), [("deadline", -1.0), ("deadline", float("nan")), ("memory", -5)]
)
def test_limits_that_mean_nothing_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"Resources\.{name} = .*expected a finite number"):
        Resources(**{name: value})  # type: ignore[arg-type]


def test_a_long_map_whose_tasks_all_fail_stops_early_and_quotes_the_first(tmp_path: Path) -> None:
    asked = iter(range(10**9))
    wanted = r"the first 64 tasks of call 0 .*always_fails.* failed; first: RuntimeError$"
    with pytest.raises(TooManyFailures, match=wanted):
        drive(lambda run: list(run.stream(tasks.always_fails, asked)), tmp_path)
    assert next(asked) < 5_000


def test_an_asynchronous_search_whose_tasks_all_fail_stops_early(tmp_path: Path) -> None:
    def search(run: Any) -> None:
        for number in range(10**6):
            run.submit(tasks.always_fails, number)
            if run.outstanding > run.lookahead:
                run.next()

    with pytest.raises(TooManyFailures, match=r"the first 64 tasks .*RuntimeError"):
        drive(search, tmp_path)


def test_a_call_whose_first_tasks_fail_goes_on_when_one_works(tmp_path: Path) -> None:
    done = drive(lambda run: kinds(run.map(fault_tasks.works_after, range(200))), tmp_path)
    assert done.result == ["ValueError"] * 40 + list(range(40, 200))


def test_numbers_that_are_none_are_kept_exactly_and_replayed(tmp_path: Path) -> None:
    def search(run: Any) -> list[str]:
        return [o.value.hex() for o in run.map(fault_tasks.odd_values, range(5))]

    first = drive(search, tmp_path)
    assert first.result == ["nan", "inf", "-inf", "-0x0.0p+0", "0x0.0000000000001p-1022"]
    assert drive(search, tmp_path).result == first.result


def test_a_value_that_cannot_be_kept_fails_naming_place_and_type(tmp_path: Path) -> None:
    done = drive(lambda run: run.map(fault_tasks.holds_a_set, range(2)), tmp_path)
    (first, _) = done.rows
    assert first.failure is not None
    assert first.failure.kind == "heliostat.errors.EncodingError"
    assert "value['scores'][1]['seen']" in first.failure.message
    assert "set" in first.failure.message


def hurried(config: Hurry, run: Run) -> list[Any]:
    return kinds(run.map(fault_tasks.never_returns, range(5), resources=SOON))


def test_a_run_with_a_deadline_that_was_reached_says_so(tmp_path: Path) -> None:
    method = MethodSpec("hurried", "test", "none", Hurry, hurried)
    execution = Execution(workers=0, runs=tmp_path / "runs", cache_dir=tmp_path / "cache")
    account = start(method, execution=execution, plugins=Registry())
    assert account["failures"] == 1
    assert account["labels"] == [
        "items were ended by their deadline; another machine may give another result"
    ]
