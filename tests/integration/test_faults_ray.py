"""What workers and clusters do wrong: hang, hoard memory, die every second, are not there."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fault_tasks
import heliostat_test_tasks as tasks
import psutil
import pytest
from engine_runs import Done, drive
from worker_killing import kill_a_worker

from heliostat import Resources
from heliostat.executors.ray.executor import RayExecutor, WorkerSetup
from heliostat.store.artifacts import ArtifactStore

pytestmark = pytest.mark.ray

OnRay = Callable[..., Done]
KILLS = 10


@pytest.fixture
def on_ray(ray_node: Any, tmp_path: Path) -> OnRay:
    def run(search: Callable[[Any], Any], *, retries: int = 3) -> Done:
        artifacts = ArtifactStore(tmp_path / "ray" / "artifacts")
        executor = RayExecutor(
            WorkerSetup(
                run=str(tmp_path / "ray"),
                root=0,
                code="the tests",
                cache_dir=str(tmp_path / "cache"),
                checkpoint_seconds=0.0,
            ),
            lambda sha256: artifacts.get(sha256).decode(),
            workers=2,
            address=ray_node.address,
            retries=retries,
        )
        try:
            return drive(search, tmp_path / "ray", executor=executor)
        finally:
            executor.close(1.0)

    return run


def kinds(outcomes: Any) -> list[Any]:
    return [o.failure.kind if o.failure else o.value for o in outcomes]


def test_a_task_that_never_returns_is_one_failure_as_in_one_process(
    on_ray: OnRay, tmp_path: Path
) -> None:
    def search(run: Any) -> Any:
        run.map(tasks.square, range(64))  # chunks grow: the late item travels with others
        soon = Resources(deadline=1.0)
        return kinds(run.map(fault_tasks.never_returns, range(12), resources=soon))

    done = on_ray(search)
    assert done.result == ["Deadline" if i == 3 else i * i for i in range(12)]
    (late,) = [row for row in done.rows if row.failure]
    assert late.attempts == 1
    serial = drive(search, tmp_path / "serial")
    assert (done.result, done.digest) == (serial.result, serial.digest)


def test_a_task_that_lets_nothing_else_run_is_given_up_with_its_worker(on_ray: OnRay) -> None:
    def search(run: Any) -> Any:
        soon = Resources(deadline=0.5)
        return kinds(run.map(fault_tasks.holds_the_interpreter, range(4), resources=soon))

    assert on_ray(search, retries=0).result == [0, "WorkerLost", 2, 3]


def test_an_item_that_wants_more_memory_than_it_may_harms_no_other(
    on_ray: OnRay, tmp_path: Path
) -> None:
    def search(run: Any) -> Any:
        little = Resources(memory=512 * fault_tasks.MEGABYTE)
        return kinds(run.map(fault_tasks.fills_memory, range(8), resources=little))

    done = on_ray(search)
    assert done.result == ["MemoryError" if i == 2 else i + 1 for i in range(8)]
    assert drive(search, tmp_path / "serial").digest == done.digest


@pytest.mark.slow
def test_workers_that_are_killed_again_and_again_change_no_result(
    on_ray: OnRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    killed: list[int] = []

    def search(run: Any) -> list[Any]:
        """Go on for as long as workers are killed, and a little longer."""
        seen = []
        for outcome in run.stream(tasks.slow_square, itertools.count()):
            seen.append(outcome.failure.kind if outcome.failure else outcome.value)
            if stop.is_set() and len(seen) % 100 == 0:
                break
        return seen

    def kill_workers() -> None:
        until = time.monotonic() + 240
        try:
            while len(killed) < KILLS and time.monotonic() < until:
                time.sleep(0.3)
                killed.extend(kill_a_worker(but=killed))
        finally:
            stop.set()

    killer = threading.Thread(target=kill_workers, daemon=True)
    killer.start()
    done = on_ray(search, retries=KILLS)
    killer.join()
    assert len(killed) == KILLS
    count = len(done.result)
    assert done.result == [number * number for number in range(count)]
    monkeypatch.setattr(tasks.time, "sleep", lambda seconds: None)
    alone = drive(
        lambda run: list(itertools.islice(run.stream(tasks.slow_square, range(count)), count)),
        tmp_path / "serial",
    )
    assert alone.digest == done.digest


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("how", ["option", "environment"])
def test_an_address_where_nothing_answers_exits_6_and_leaves_no_run(cli: Any, how: str) -> None:
    dead = f"127.0.0.1:{free_port()}"
    if how == "option":
        done = cli("run", "count", "--address", dead, "--json")
    else:
        done = cli("run", "count", "--address", "auto", "--json", RAY_ADDRESS=dead)
    assert done.returncode == 6, done.stderr
    assert dead in done.stderr
    assert "check the address" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert cli.here.json("ls") == []
    assert len(done.stderr.splitlines()) == 1


def test_a_run_that_goes_on_where_nothing_answers_can_go_on_elsewhere(cli: Any) -> None:
    cli.here.json("run", "count", "-o", "rounds=1", "--workers", "serial", "--no-report")
    more = ("resume", "last", "-o", "rounds=2", "--no-report")
    dead = f"127.0.0.1:{free_port()}"
    assert cli(*more, "--address", dead).returncode == 6
    assert cli.here.json(*more, "--workers", "serial")["state"] == "finished"


def test_a_local_session_does_not_care_for_a_dead_address_in_the_shell(cli: Any) -> None:
    dead = f"127.0.0.1:{free_port()}"
    account = cli.json("run", "count", "--workers", "1", "--no-report", RAY_ADDRESS=dead)
    assert account["state"] == "finished"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """The address of a cluster that wants a token, which only its own home folder has."""
    home = tmp_path / "head"
    (home / ".ray").mkdir(parents=True)
    (home / ".ray" / "auth_token").write_text("a" * 64)
    port = free_port()
    head = subprocess.Popen(
        [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
            *(f"--port={port}", "--num-cpus=1", "--include-dashboard=false"),
        ],
        env={**os.environ, "HOME": str(home), "RAY_AUTH_MODE": "token"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        below = psutil.Process(head.pid).children(recursive=True)
        head.terminate()
        head.wait(120)
        for process in below:
            if process.is_running():
                process.kill()


def test_a_missing_token_exits_6_and_names_it(cli: Any, guarded: str) -> None:
    home = cli.folder / "elsewhere"
    home.mkdir()
    done = cli(
        *("run", "count", "--address", guarded, "--json"),
        HOME=str(home),
        RAY_AUTH_MODE="token",
    )
    assert done.returncode == 6, done.stderr
    assert "auth_token" in done.stderr
    assert "Traceback" not in done.stderr


TWO_RUNS = """
import os, sys
import heliostat

local = heliostat.run("count", workers=1)
assert {k: v for k, v in os.environ.items() if "AUTH" in k} == {}, os.environ
joined = heliostat.run("count", address=sys.argv[1])
assert (joined.state, joined.digest) == ("finished", local.digest)
"""


def test_a_local_session_demands_no_tokens_of_a_cluster_afterwards(
    python: Callable[..., Any], cli: Any, ray_node: Any
) -> None:
    done = python("-c", TWO_RUNS, ray_node.address, **cli.environment)
    assert done.returncode == 0, done.stderr


def test_a_cluster_whose_answers_would_be_refused_exits_6_at_once(cli: Any, ray_node: Any) -> None:
    home = cli.folder / "home"
    (home / ".ray").mkdir(parents=True)
    (home / ".ray" / "auth_token").write_text("a" * 64)
    done = cli(
        *("run", "count", "--address", ray_node.address, "--json"),
        HOME=str(home),
        RAY_AUTH_MODE="token",
    )
    assert done.returncode == 6, done.stderr
    assert "set RAY_AUTH_MODE to disabled here" in done.stderr
    assert "Traceback" not in done.stderr
