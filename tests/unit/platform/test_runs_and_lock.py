"""Run folders, names and the lock of a driver."""

from __future__ import annotations

import itertools
import os
import secrets
import socket
import threading
import time
from pathlib import Path

import heliostat_test_methods
import pytest
from heliostat_test_methods import METHODS

from heliostat.driver.resume import resume
from heliostat.driver.start import start
from heliostat.engine.listener import Silent
from heliostat.errors import IdentityChanged, RunLocked, RunNotFound, StoreError
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry
from heliostat.store.folder import RunFolder, create, find, folders
from heliostat.store.journal import Journal
from heliostat.store.lock import RunLock, held, holder
from heliostat.store.view import RunView


@pytest.fixture(scope="module")
def plugins() -> Registry:
    found = Registry()
    found.register(heliostat_test_methods, "tests")
    return found


def begin(plugins: Registry, runs: Path, name: str = "count", *overrides: str) -> RunFolder:
    account = start(
        METHODS[name],
        overrides=overrides,
        execution=Execution(workers=0, runs=runs, cache_dir=runs / "cache"),
        plugins=plugins,
    )
    return RunFolder(Path(account["folder"]))


def go_on(plugins: Registry, folder: RunFolder, *overrides: str) -> dict:
    execution = Execution(workers=0, runs=folder.path.parent, cache_dir=folder.path.parent)
    return resume(folder, overrides=overrides, execution=execution, plugins=plugins)


def test_last_is_the_run_that_began_last(
    plugins: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = itertools.count(0xFFFF, -1)  # later runs of one second may have smaller names
    monkeypatch.setattr(secrets, "token_hex", lambda size: f"{next(names):04x}")
    monkeypatch.setattr(time, "strftime", lambda *form: "20260101-000000")
    made = [begin(plugins, tmp_path, name) for name in ("count", "count", "checkpointed", "count")]
    assert find("last", tmp_path).id == made[-1].id


def test_a_run_is_found_by_name_part_or_path_and_otherwise_the_nearest_is_named(
    plugins: Registry, tmp_path: Path
) -> None:
    run = begin(plugins, tmp_path)
    assert find(run.id, tmp_path) == find(run.id[-9:], tmp_path) == run
    assert find(str(run.path), tmp_path / "elsewhere").id == run.id
    with pytest.raises(RunNotFound, match=f"did you mean '{run.id}'"):
        find(run.id[:-1] + "-", tmp_path)
    with pytest.raises(RunNotFound):
        find("", tmp_path)
    with pytest.raises(RunNotFound):
        find("last", tmp_path / "empty")


def test_a_part_of_two_names_is_refused_with_a_choice(plugins: Registry, tmp_path: Path) -> None:
    begin(plugins, tmp_path)
    begin(plugins, tmp_path)
    with pytest.raises(RunNotFound, match=r"several runs .* have 'count'"):
        find("count", tmp_path)


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="cannot make a run folder"):
            create(root, "count")


def test_a_lock_that_was_taken_away_while_somebody_waited_is_not_the_lock(tmp_path: Path) -> None:
    """Whoever made the file for nothing takes it away; one who had opened it opens the next."""
    first, second, third = (RunLock(tmp_path / "lock") for _ in range(3))
    first.acquire()
    waiting = threading.Thread(target=second.acquire)
    waiting.start()
    time.sleep(0.2)
    first.release()
    waiting.join()
    assert held(tmp_path / "lock")
    with pytest.raises(RunLocked):
        third.acquire()
    second.release()
    assert not (tmp_path / "lock").exists()


def test_the_lock_names_who_holds_it(tmp_path: Path) -> None:
    first, second = RunLock(tmp_path / "lock"), RunLock(tmp_path / "lock")
    first.acquire()
    assert held(tmp_path / "lock")
    first.sign()
    assert holder(tmp_path / "lock") == (os.getpid(), socket.gethostname())
    with pytest.raises(RunLocked, match=rf"process {os.getpid()} on {socket.gethostname()}"):
        second.acquire()
    first.release()
    assert not held(tmp_path / "lock")
    second.acquire()
    second.release()


def test_looking_at_a_run_never_keeps_its_driver_from_starting(tmp_path: Path) -> None:
    path, stop = tmp_path / "lock", threading.Event()
    path.touch()

    def look() -> None:
        while not stop.is_set():
            held(path)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(2000):
            lock = RunLock(path)
            lock.acquire()
            lock.release()
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()


def test_a_refused_second_driver_changes_nothing(plugins: Registry, tmp_path: Path) -> None:
    run = begin(plugins, tmp_path)
    before, view = run.config.read_text(), RunView(run)
    driver = RunLock(run.lock)
    driver.acquire()
    with pytest.raises(RunLocked):
        go_on(plugins, run, "rounds=9")
    driver.release()
    assert run.config.read_text() == before
    assert view.config["rounds"] == RunView(run).config["rounds"] == 4


def test_an_extendable_field_may_grow_and_not_shrink(plugins: Registry, tmp_path: Path) -> None:
    run = begin(plugins, tmp_path)
    longer = go_on(plugins, run, "rounds=7")
    assert longer["digest"] == RunView(begin(plugins, tmp_path, "count", "rounds=7")).digest
    assert (longer["evaluated"], longer["replayed"]) == (15, 20)
    with pytest.raises(IdentityChanged, match=r"rounds.*was 7, is 5; it may only grow"):
        go_on(plugins, run, "rounds=5")


def test_any_other_field_may_not_change(plugins: Registry, tmp_path: Path) -> None:
    run = begin(plugins, tmp_path)
    with pytest.raises(IdentityChanged, match=r"field items changed.*was 5, is 6"):
        go_on(plugins, run, "items=6")


def test_a_longer_run_that_was_stopped_has_no_digest_of_the_shorter_one(
    plugins: Registry, tmp_path: Path
) -> None:
    run = begin(plugins, tmp_path)
    assert RunView(run).digest is not None
    with pytest.raises(IdentityChanged):
        go_on(plugins, run, "seconds=1")
    execution = Execution(workers=0, runs=tmp_path, cache_dir=tmp_path)

    class Breaks(Silent):
        def on_report(self, scope, step, of, count, metrics) -> None:
            if step == 6:
                raise RuntimeError("the driver ends here")

    with pytest.raises(RuntimeError):
        resume(run, overrides=["rounds=7"], execution=execution, plugins=plugins, listener=Breaks())
    view = RunView(run)
    assert view.state == "failed"
    assert view.digest is None
    assert view.result is None


@pytest.mark.parametrize("value", ["inf", "-inf", "-0.0", "1e-300"])
def test_a_run_with_any_number_in_its_configuration_resumes(
    plugins: Registry, tmp_path: Path, value: str
) -> None:
    run = begin(plugins, tmp_path, "count", f"offset={value}")
    assert go_on(plugins, run)["evaluated"] == 0


def test_a_run_of_a_preset_that_unsets_a_field_resumes(plugins: Registry, tmp_path: Path) -> None:
    account = start(
        METHODS["limited"],
        preset="free",
        execution=Execution(workers=0, runs=tmp_path, cache_dir=tmp_path),
        plugins=plugins,
    )
    assert account["result"] == [0, 1, 4, None]
    assert go_on(plugins, RunFolder(Path(account["folder"])))["result"] == [0, 1, 4, None]


def test_the_state_of_a_run_without_driver_is_stopped(plugins: Registry, tmp_path: Path) -> None:
    run = begin(plugins, tmp_path)
    journal = Journal(run.database, run.artifacts)
    journal.change(state="running")
    assert RunView(run).state == "stopped"
    lock = RunLock(run.lock)
    lock.acquire()
    assert RunView(run).state == "running"
    lock.release()


def test_runs_in_a_folder_of_any_name_can_be_looked_at(plugins: Registry, tmp_path: Path) -> None:
    run = begin(plugins, tmp_path / "study #1 100%")
    assert RunView(run).state == "finished"
    assert [f.id for f in folders(tmp_path / "study #1 100%")] == [run.id]
