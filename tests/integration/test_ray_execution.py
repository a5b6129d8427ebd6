"""Ray changes nothing: any number of workers, dying ones included, gives the serial digest."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import psutil
import pytest
from engine_runs import Done, drive
from heliostat_test_methods import METHODS, EverythingConfig
from tune_tasks import leaves_a_mark

from heliostat import Resources
from heliostat.errors import MisuseError, ResourceError
from heliostat.executors.ray.executor import RayExecutor, WorkerSetup
from heliostat.store.artifacts import ArtifactStore

pytestmark = pytest.mark.ray

OnRay = Callable[..., Done]


@pytest.fixture
def on_ray(ray_node: Any, tmp_path: Path) -> OnRay:
    def run(
        search: Callable[[Any], Any],
        *,
        workers: int = 2,
        folder: str = "ray",
        on_event: Callable[[str, str], None] = lambda kind, text: None,
        on_gpu: Callable[[], None] = lambda: None,
    ) -> Done:
        artifacts = ArtifactStore(tmp_path / folder / "artifacts")
        executor = RayExecutor(
            WorkerSetup(
                run=str(tmp_path / folder),
                root=0,
                code="the tests",
                cache_dir=str(tmp_path / "cache"),
                checkpoint_seconds=0.0,
            ),
            lambda sha256: artifacts.get(sha256).decode(),
            workers=workers,
            address=ray_node.address,
            on_event=on_event,
            on_gpu=on_gpu,
        )
        try:
            return drive(search, tmp_path / folder, executor=executor)
        finally:
            executor.close(1.0)

    return run


def kinds(outcomes: Any) -> list[Any]:
    return [o.failure.kind if o.failure else o.value for o in outcomes]


def everything(run: Any) -> Any:
    return METHODS["everything"].search(EverythingConfig(size=40), run)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_verb_gives_the_serial_digest(on_ray: OnRay, tmp_path: Path, workers: int) -> None:
    serial = drive(everything, tmp_path / "serial")
    assert on_ray(everything, workers=workers).digest == serial.digest


def test_two_workers_share_the_work_and_their_platform_is_the_standard_librarys(
    on_ray: OnRay, root: Path
) -> None:
    def search(run: Any) -> Any:
        pids = {o.value for o in run.map(tasks.whoami, range(12))}
        return pids, run.map(tasks.platform_module, [0])[0].value

    pids, (system, path) = on_ray(search).result
    assert len(pids) >= 2
    assert os.getpid() not in pids
    assert system == os.uname().sysname
    assert not path.startswith(str(root / "platform"))


def test_exceptions_of_any_kind_come_back_as_in_one_process(on_ray: OnRay, tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        return [
            *kinds(run.map(tasks.raises_unpicklable, range(2))),
            *kinds(run.map(tasks.fail_on_odd, range(4))),
            *kinds(run.map(tasks.gives_a_set, range(2))),
            *kinds(run.map(tasks.total, range(2))),
        ]

    done = on_ray(search)
    assert done.result[:2] == ["heliostat_test_tasks.NeedsTwo"] * 2
    serial = drive(search, tmp_path / "serial")
    assert (serial.result, serial.digest) == (done.result, done.digest)


def test_a_task_that_raises_no_exception_does_not_stop_the_worker(on_ray: OnRay) -> None:
    done = on_ray(lambda run: kinds(run.map(tasks.panics, range(6))))
    assert done.result == [0, "heliostat_test_tasks.Panic", 2, 3, 4, 5]


def test_resources_that_no_node_has_are_refused_with_what_there_is(on_ray: OnRay) -> None:
    for needs, wanted, available in (
        (Resources(cpus=64), "cpus=64", "CPU=2"),
        (Resources(gpus=1000), "gpus=1000", "GPU=0"),
        (Resources(custom=(("telescope", 1.0),)), "telescope=1", "telescope=0"),
    ):
        with pytest.raises(ResourceError) as caught:
            on_ray(
                lambda run, needs=needs: run.map(tasks.square, [1], resources=needs),
                folder=wanted,
            )
        assert wanted in str(caught.value)
        assert available in str(caught.value)


def test_an_item_that_may_runs_on_the_cpu_where_no_node_has_a_gpu(on_ray: OnRay) -> None:
    granted: list[str] = []
    needs = Resources(gpus=1, or_cpu=True)
    done = on_ray(
        lambda run: kinds(run.map(tasks.computes_on, range(3), resources=needs)),
        on_gpu=lambda: granted.append("gpu"),
    )
    assert done.result == ["cpu"] * 3
    assert not granted


def test_items_that_ask_for_a_gpu_go_to_the_node_that_has_one(ray_node: Any, on_ray: OnRay) -> None:
    """Ray believes a node that says so; a task that wants to compute there is told the truth."""
    granted: list[str] = []
    node = ray_node.add_node(num_cpus=1, num_gpus=1, include_dashboard=False)
    try:
        done = on_ray(
            lambda run: [
                kinds(run.map(task, range(2), resources=Resources(gpus=1, or_cpu=may)))
                for task, may in ((tasks.same, False), (tasks.computes_on, True))
            ],
            on_gpu=lambda: granted.append("gpu"),
        )
        refused = on_ray(
            lambda run: run.call(tasks.computes_on, 0, resources=Resources(gpus=1)).failure,
            folder="refused",
        )
    finally:
        ray_node.remove_node(node)
    assert done.result == [[0, 1], ["cpu", "cpu"]]
    assert granted
    (row,) = refused.rows
    assert row.failure is not None
    assert row.failure.kind.endswith("ResourceError")
    assert "no GPU in this process" in row.failure.message


def test_a_worker_that_dies_changes_no_result(on_ray: OnRay, tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        items = [(str(tmp_path), i) for i in range(14)]
        return kinds(run.map(tasks.kills_its_worker_once, items))

    done = on_ray(search)
    assert done.result == [i * i for i in range(14)]
    assert len(list(tmp_path.glob("died-*"))) == 3
    assert drive(search, tmp_path / "serial").digest == done.digest  # now nothing dies any more


def test_workers_killed_from_outside_change_no_result(on_ray: OnRay, tmp_path: Path) -> None:
    serial = drive(lambda run: kinds(run.map(tasks.slow_square, range(160))), tmp_path / "serial")
    killed: list[int] = []
    stop = threading.Event()

    def kill_workers() -> None:
        while not stop.is_set() and len(killed) < 2:
            time.sleep(0.6)
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):  # others come and go meanwhile
                    works = " ".join(process.cmdline()).startswith("ray::_run_chunk")
                    if works and not stop.is_set():
                        process.kill()
                        killed.append(process.pid)
                        break

    killer = threading.Thread(target=kill_workers)
    killer.start()
    try:
        done = on_ray(lambda run: kinds(run.map(tasks.slow_square, range(160))))
    finally:
        stop.set()
        killer.join()
    assert killed
    assert (done.result, done.digest) == (serial.result, serial.digest)


def test_an_item_that_kills_every_worker_is_one_failure(on_ray: OnRay) -> None:
    done = on_ray(lambda run: kinds(run.map(tasks.kills_its_worker, range(10))))
    assert done.result == ["WorkerLost" if i == 3 else i * i for i in range(10)]
    (lost,) = [row for row in done.rows if row.failure]
    assert lost.attempts == 4
    assert "died 4 times" in lost.failure.message  # type: ignore[union-attr]


def test_an_item_that_saves_the_same_state_before_each_death_is_given_up(on_ray: OnRay) -> None:
    deaths = 0

    def count(kind: str, text: str) -> None:
        nonlocal deaths
        deaths += kind == "worker_lost"
        assert deaths <= 8, "the item is tried for ever: its checkpoint made no progress"

    done = on_ray(lambda run: kinds([run.call(tasks.saves_then_dies, 0)]), on_event=count)
    assert done.result == ["WorkerLost"]


def test_a_left_stream_leaves_nothing_behind(on_ray: OnRay, tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        first = []
        for outcome in run.stream(tasks.slow_square, range(10**9)):
            first.append(outcome.value)
            if len(first) == 5:
                break
        return first, kinds(run.map(tasks.square, range(30)))

    done = on_ray(search)
    serial = drive(search, tmp_path / "serial")
    assert (done.result, done.digest) == (serial.result, serial.digest)


def test_misuse_is_an_error_of_the_search_not_of_a_worker(on_ray: OnRay) -> None:
    with pytest.raises(MisuseError, match="module level"):
        on_ray(lambda run: run.map(lambda item, ctx: item, [1]))


def seen(path: Path) -> bool:
    """Wait for a file that a task makes; False when it never comes."""
    until = time.monotonic() + 120
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.01)
    return path.exists()


def test_submitted_items_run_while_the_search_goes_on(on_ray: OnRay, tmp_path: Path) -> None:
    def search(run: Any) -> list[bool]:
        marks = [tmp_path / f"mark-{number}" for number in range(3)]
        for mark in marks:
            run.submit(leaves_a_mark, str(mark))
        found = [seen(mark) for mark in marks]  # the search has not waited for anything yet
        assert run.outstanding == 3
        for _ in marks:
            run.next()
        return found

    assert on_ray(search).result == [True, True, True]


def test_branches_give_the_serial_digest(on_ray: OnRay, tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        def part(number: int) -> Any:
            return lambda sub: [o.unwrap() for o in sub.map(tasks.draw, range(number + 3))]

        for number in range(6):
            run.branch(part(number), cost=1.0 + number % 2)
        return [run.next().value for _ in range(6)]

    there = on_ray(search)
    here = drive(search, tmp_path / "serial")
    assert (there.digest, there.result) == (here.digest, here.result)
