"""A failure of the machine is not a value: a resume asks it again, and what followed from it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import machine_faults as faults
import pytest
from engine_runs import drive
from heliostat_test_methods import METHODS
from in_process import InProcess

from heliostat import hookimpl
from heliostat.driver.resume import resume
from heliostat.driver.start import start
from heliostat.errors import ConfigError, NotStarted, ReplayMismatch
from heliostat.executors.choice import Execution
from heliostat.executors.serial import SerialExecutor
from heliostat.plugins.registry import Registry
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.folder import RunFolder, find
from heliostat.store.journal import FAULT_VARIABLE, Journal
from heliostat.store.record import RunRecord
from heliostat.store.view import RunView

PLACES = ["map0-1", "part1-2", "submit3", "part7-1", "last"]


class Plugin:
    """One method of these tests."""

    def __init__(self, search: Any) -> None:
        self.method = dataclasses.replace(
            METHODS["ends_badly"], name="shaken", search=search, config=faults.NothingConfig
        )

    @hookimpl
    def heliostat_methods(self) -> Any:
        return [self.method]


class Machine:
    """A machine that can be broken for some items, with a folder of runs for each use."""

    def __init__(self, folder: Path, search: Any) -> None:
        self.folder, self.plugin = folder, Plugin(search)
        self.plugins = Registry()
        self.plugins.register(self.plugin, "shaken")
        self.broken = folder / "broken.json"

    def execution(self, name: str) -> Execution:
        return Execution(workers=0, runs=self.folder / name, cache_dir=self.folder / "cache")

    def breaks(self, **how: str) -> None:
        self.broken.write_text(
            json.dumps({key.replace("_", "-"): kind for key, kind in how.items()})
        )

    def start(self, name: str) -> dict[str, Any]:
        return start(self.plugin.method, execution=self.execution(name), plugins=self.plugins)

    def resume(self, name: str, **how: Any) -> dict[str, Any]:
        return resume(self.run(name), execution=self.execution(name), plugins=self.plugins, **how)

    def run(self, name: str) -> RunFolder:
        return find("last", self.folder / name)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv(faults.BROKEN, str(tmp_path / "broken.json"))
    return Machine(tmp_path, faults.follows)


def seen(folder: RunFolder) -> dict[str, Any]:
    """Return what others see of a run that must not depend on what failed on the way."""
    view = RunView(folder)
    products = [(p["unique_name"], p["sha256"]) for p in view.products()]
    rows = [row.line() for row in view.outcomes()]
    return {
        "digest": view.digest,
        "result": view.result,
        "metrics": view.metrics(),
        "products": products,
        "rows": rows,
        "labels": view.labels,
    }


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("calm")
        patch.setenv(faults.BROKEN, str(folder / "broken.json"))
        machine = Machine(folder, faults.follows)
        assert machine.start("calm")["machine_failures"] == {}
        yield seen(machine.run("calm"))


@pytest.mark.parametrize("places", [[place] for place in PLACES] + [PLACES])
def test_a_lost_item_is_asked_again_by_resume_and_so_is_what_followed_from_it(
    machine: Machine, calm: dict[str, Any], places: list[str]
) -> None:
    machine.breaks(**dict.fromkeys(places, "WorkerLost"))
    account = machine.start("hurt")
    assert account["machine_failures"]["WorkerLost"] >= 1
    assert any("lost with their workers" in label for label in account["labels"])
    machine.breaks()
    account = machine.resume("hurt")
    assert account["machine_failures"] == {}
    assert account["retried"]["WorkerLost"] >= 1
    assert seen(machine.run("hurt")) == calm
    events = [text for _, kind, text in RunView(machine.run("hurt")).events() if kind == "retried"]
    (told,) = events
    assert "WorkerLost asked again, first " in told


@pytest.mark.parametrize("broken", [["first"], ["second"]])
def test_calls_of_another_shape_leave_nothing_behind(machine: Machine, broken: list[str]) -> None:
    machine = Machine(machine.folder, faults.other_shape)
    machine.start("calm")
    machine.breaks(**dict.fromkeys(broken, "WorkerLost"))
    machine.start("hurt")
    machine.breaks()
    machine.resume("hurt")
    assert seen(machine.run("hurt")) == seen(machine.run("calm"))


def test_what_does_not_follow_from_it_is_not_evaluated_twice(
    machine: Machine, calm: dict[str, Any]
) -> None:
    machine.breaks(last="WorkerLost")
    machine.start("hurt")
    machine.breaks()
    account = machine.resume("hurt")
    assert account["evaluated"] == 4  # the item, and the calls of another shape after it


def test_an_item_that_fails_again_leaves_the_digest_as_it_was(machine: Machine) -> None:
    machine.breaks(map1_2="WorkerLost", part1_0="WorkerLost")
    first = machine.start("hurt")
    before = seen(machine.run("hurt"))
    again = machine.resume("hurt")
    assert seen(machine.run("hurt")) == before
    assert again["machine_failures"] == first["machine_failures"] == {"WorkerLost": 2}
    assert again["evaluated"] == 2


def test_what_is_not_asked_for_any_more_is_not_asked_again(machine: Machine) -> None:
    machine = Machine(machine.folder, faults.detours)
    machine.breaks(first="WorkerLost", second="WorkerLost")
    machine.start("hurt")
    machine.breaks(second="WorkerLost")
    digests = {machine.resume("hurt")["digest"] for _ in range(2)}
    assert len(digests) == 1
    assert RunView(machine.run("hurt")).about.retried == {"WorkerLost": 2}


def test_other_failures_of_the_machine_are_asked_again_when_a_resume_is_told_to(
    machine: Machine, calm: dict[str, Any]
) -> None:
    machine.breaks(map1_2="Deadline", part1_0="MemoryError")
    first = machine.start("hurt")
    assert first["machine_failures"] == {"Deadline": 1, "MemoryError": 1}
    machine.breaks()
    kept = machine.resume("hurt")
    assert (kept["evaluated"], kept["digest"]) == (0, first["digest"])
    assert kept["retried"] == {}
    one = machine.resume("hurt", retry=["Deadline"])
    assert (one["machine_failures"], one["retried"]) == ({"MemoryError": 1}, {"Deadline": 1})
    both = machine.resume("hurt", retry=["MemoryError", "Deadline"])
    assert both["retried"] == {"Deadline": 1, "MemoryError": 1}
    assert seen(machine.run("hurt")) == calm


def test_an_unknown_kind_is_refused_with_those_there_are(machine: Machine) -> None:
    machine.start("hurt")
    before = machine.run("hurt").database.read_bytes()
    for kind, said in (("deadline", "did you mean 'Deadline'"), ("ValueError", "MemoryError")):
        with pytest.raises(ConfigError, match=said) as caught:
            machine.resume("hurt", retry=[kind])
        assert caught.value.field == "--retry"
    assert machine.run("hurt").database.read_bytes() == before


@pytest.mark.parametrize("commits", [1, 4])
def test_a_driver_that_is_killed_while_it_asks_again_changes_nothing(
    machine: Machine, calm: dict[str, Any], monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    machine.breaks(map1_2="WorkerLost", part1_0="WorkerLost", submit3="WorkerLost")
    machine.start("hurt")
    machine.breaks()
    monkeypatch.setenv(FAULT_VARIABLE, f"kill-after-commits={commits}")
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            machine.resume("hurt")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    monkeypatch.delenv(FAULT_VARIABLE)
    machine.resume("hurt")
    assert seen(machine.run("hurt")) == calm


def test_where_no_worker_is_to_be_had_nothing_is_superseded(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.breaks(map1_2="WorkerLost")
    machine.start("hurt")

    def kept() -> Any:
        view = RunView(machine.run("hurt"))
        return seen(machine.run("hurt"))["rows"], view.about.superseded_after, view.metrics()

    def refuse(self: SerialExecutor) -> None:
        raise NotStarted("nobody is there")

    before = kept()
    with monkeypatch.context() as patch:
        patch.setattr(SerialExecutor, "start", refuse)
        with pytest.raises(NotStarted):
            machine.resume("hurt")
    assert kept() == before
    assert before[1] is None


def test_a_search_that_strays_before_what_failed_is_still_refused(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(machine.folder, faults.strays)
    monkeypatch.setenv("TEST_STRAY", "1")
    machine.breaks(last="WorkerLost")
    machine.start("hurt")
    machine.breaks()
    monkeypatch.setenv("TEST_STRAY", "2")
    with pytest.raises(ReplayMismatch, match="another item at 0"):
        machine.resume("hurt")


def test_calls_of_sub_searches_before_a_checkpoint_stay_when_a_budget_grows(tmp_path: Path) -> None:
    def search(run: Any, rounds: int) -> Any:
        step, seen = run.restore((0, []))
        for number in range(step, rounds):
            subs = [lambda sub: sub.call(tasks.draw, 0).unwrap()] * 2
            seen = [*seen, *run.gather(*subs)]
            run.checkpoint(number + 1, seen)
        return seen

    whole = drive(lambda run: search(run, 3), tmp_path / "whole")
    folder = tmp_path / "grown"
    drive(lambda run: search(run, 2), folder)
    journal = Journal(folder / "run.db", ArtifactStore(folder / "artifacts"))
    journal._write(lambda: journal._put_record(RunRecord("grown", {})))
    journal.begin_extension()
    journal.close()
    assert drive(lambda run: search(run, 3), folder).digest == whole.digest


def test_the_commands_show_what_the_machine_failed_and_how_to_ask_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = InProcess(tmp_path, "machine_faults")
    broken = tmp_path / "broken.json"
    monkeypatch.setenv(faults.BROKEN, str(broken))
    broken.write_text('{"0": "MemoryError", "3": "WorkerLost"}')
    serial = ("--workers", "serial")
    hurt = here("run", "draws", *serial)
    assert hurt.returncode == 0, hurt.stderr
    run = here.json("ls")[0]["run"]
    ask = f"1 WorkerLost, 1 MemoryError; ask again with: heliostat resume {run} --retry MemoryError"
    assert f"machine  {ask}\n" in hurt.stdout
    assert f"machine   {ask}\n" in here("show", "last").stdout
    page = Path(here("report", "last").stdout.strip()).read_text()
    assert "Failures of the machine (1 WorkerLost, 1 MemoryError) are no values" in page
    refused = here("resume", "last", *serial, "--retry", "Deadlin")
    assert refused.returncode == 2
    assert "--retry = 'Deadlin': expected a kind of failure of the machine" in refused.stderr
    assert "did you mean 'Deadline'?" in refused.stderr
    broken.unlink()
    again = here("resume", "last", *serial, "--retry", "MemoryError")
    assert again.returncode == 0, again.stderr
    said = "failures of the machine: 1 MemoryError, 1 WorkerLost asked again, first 0.0"
    assert said in again.stderr
    assert "retried   1 MemoryError, 1 WorkerLost\n" in here("show", "last").stdout
    assert here.json("show", "last")["machine_failures"] == {}
