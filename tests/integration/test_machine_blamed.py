"""A machine that kills workers delays a run and never changes it; no item pays for it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import machine_faults as faults
import pytest
from in_process import InProcess
from worker_killing import kill_a_worker

from heliostat.driver.resume import resume
from heliostat.driver.start import start
from heliostat.errors import NotStarted, Paused
from heliostat.executors.choice import Execution
from heliostat.executors.ray.executor import RayExecutor
from heliostat.plugins.registry import Registry
from heliostat.store.folder import find
from heliostat.store.view import RunView

pytestmark = pytest.mark.ray

KILLS = 5


@pytest.fixture
def here(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path, "machine_faults")


def test_a_machine_that_kills_every_worker_pauses_the_run_which_then_goes_on(
    here: InProcess, ray_node: Any, tmp_path: Path
) -> None:
    command = ("run", "endures", "-o", f"folder={tmp_path}", "--no-report")
    calm = here.json(*command, "--workers", "serial")
    Path(calm["folder"]).rename(tmp_path / "calm")
    (tmp_path / "broken").touch()
    where = ("--workers", "2", "--address", ray_node.address)
    paused = here(*command, *where)
    assert paused.returncode == 7, paused.stderr
    (run,) = here.runs.iterdir()
    assert "paused: " in paused.stderr
    assert "different items lost their workers" in paused.stderr
    assert f"Go on with:  heliostat resume {run.name}\n" in paused.stderr
    shown = here.json("show", "last")
    assert (shown["state"], shown["failures"], shown["machine_failures"]) == ("paused", 0, {})
    assert "different items lost their workers" in shown["error"]
    (tmp_path / "broken").unlink()
    went_on = here.json("resume", "last", *where, "--no-report")
    assert (went_on["digest"], went_on["result"]) == (calm["digest"], calm["result"])
    assert went_on["labels"] == []


@pytest.mark.parametrize("more", [(), ("--no-pause",)])
def test_no_pause_reaches_the_executor(
    here: InProcess, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    def refuse(self: RayExecutor, *given: Any, may_pause: bool, **others: Any) -> None:
        raise NotStarted(f"may pause: {may_pause}")

    here.json("run", "draws", "--workers", "serial", "--no-report")
    monkeypatch.setattr(RayExecutor, "__init__", refuse)
    done = here("resume", "last", "--workers", "2", *more)
    assert f"may pause: {not more}" in done.stderr


class Cluster:
    """A method on a cluster that the tests damage, and the same undisturbed."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.plugins = Registry()
        self.plugins.register(faults, "machine_faults")
        self.method, _ = faults.heliostat_methods()

    def execution(self, **more: Any) -> Execution:
        runs, cache = self.folder / "runs", self.folder / "cache"
        return Execution(
            **{"workers": 2, "address": self.address, "runs": runs, **more}, cache_dir=cache
        )

    def calm(self, **values: Any) -> dict[str, Any]:
        alone = self.execution(workers=0, address=None, runs=self.folder / "calm")
        return start(self.method, values=values, execution=alone, plugins=self.plugins)

    def start(self, values: dict[str, Any], **more: Any) -> dict[str, Any]:
        execution = self.execution(**more)
        return start(self.method, values=values, execution=execution, plugins=self.plugins)

    def resume(self) -> dict[str, Any]:
        run = find("last", self.folder / "runs")
        return resume(run, execution=self.execution(), plugins=self.plugins)


@pytest.fixture
def cluster(tmp_path: Path, ray_node: Any) -> Cluster:
    return Cluster(tmp_path, ray_node.address)


def test_a_worker_killed_every_second_changes_no_result(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"items": 16, "seconds": 0.4}
    killed: list[int] = []
    stop = threading.Event()

    def kill_workers() -> None:
        while not stop.is_set() and len(killed) < KILLS:
            time.sleep(1.0)
            killed.extend(kill_a_worker(but=killed))

    killer = threading.Thread(target=kill_workers, daemon=True)
    killer.start()
    try:
        try:
            account = cluster.start(values)
        except Paused:
            stop.set()
            account = cluster.resume()
    finally:
        stop.set()
        killer.join()
    assert killed
    monkeypatch.setattr(faults.time, "sleep", lambda seconds: None)
    calm = cluster.calm(**values)
    assert (account["digest"], account["result"]) == (calm["digest"], calm["result"])
    assert account["machine_failures"] == {}


def test_an_item_that_kills_its_workers_is_asked_again_when_it_does_no_more(
    cluster: Cluster, tmp_path: Path
) -> None:
    values = {"folder": str(tmp_path), "items": 6}
    calm = cluster.calm(**values)
    for number in (2, 4):
        (tmp_path / f"broken-{number}").touch()
    hurt = cluster.start(values, retries=0)
    assert hurt["machine_failures"] == {"WorkerLost": 2}
    assert hurt["digest"] != calm["digest"]
    for number in (2, 4):
        (tmp_path / f"broken-{number}").unlink()
    went_on = cluster.resume()
    assert (went_on["digest"], went_on["retried"]) == (calm["digest"], {"WorkerLost": 2})
    assert RunView(find("last", tmp_path / "runs")).labels == []
