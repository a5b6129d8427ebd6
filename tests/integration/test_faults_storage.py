"""Disks that fill up, folders that cannot be written, drivers that die inside a commit."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fault_tasks
import pytest
from engine_runs import drive

from heliostat.errors import StoreError


def mounted(folder: Path, size: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


@pytest.fixture
def disk(cli: Any) -> Iterator[Path]:
    """A disk of 400 kB that holds the runs."""
    cli.runs.mkdir()
    if not mounted(cli.runs, "400k"):
        pytest.skip("mounting a small disk needs the rights of root")
    yield cli.runs
    subprocess.run(["umount", "--lazy", str(cli.runs)], check=True)


def test_a_full_disk_is_a_storage_error_and_the_run_goes_on_once_there_is_room(
    cli: Any, disk: Path
) -> None:
    start = ["run", "everything", "-o", "size=400", "--workers", "serial", "--no-report"]
    done = cli(*start, "--json")
    assert done.returncode == 5, done.stderr
    assert "error: cannot write" in done.stderr
    assert "free the disk" in done.stderr
    assert "Traceback" not in done.stderr
    remount(disk, "size=64m")
    account = cli.json("resume", "last", "--workers", "serial", "--no-report")
    whole = cli.json(*start)
    assert account["replayed"] > 0
    assert account["digest"] == whole["digest"]


def test_a_folder_that_became_read_only_is_a_storage_error_and_resumes_later(
    cli: Any, disk: Path
) -> None:
    remount(disk, "size=64m")
    fault = {"HELIOSTAT_FAULT": "kill-after-commits=8"}
    start = ["run", "count", "--workers", "serial", "--no-report"]
    assert cli(*start, **fault).returncode == -signal.SIGKILL
    remount(disk, "ro")
    for command in (["resume", "last"], ["run", "count"]):
        refused = cli(*command, "--workers", "serial", "--json")
        assert refused.returncode == 5, refused.stderr
        assert str(disk) in refused.stderr
        assert "Read-only file system" in refused.stderr
        assert "Traceback" not in refused.stderr
    remount(disk, "rw")
    account = cli.json("resume", "last", "--workers", "serial", "--no-report")
    assert account["digest"] == cli.json(*start)["digest"]


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Limit how large a file this process may write: a full disk that needs no rights."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("task", "limit"), [(fault_tasks.medium, 400_000), (fault_tasks.large, 250_000)]
)
def test_a_write_that_fails_loses_nothing_that_was_committed(
    tmp_path: Path, small_files: Callable[[int], None], task: Any, limit: int
) -> None:
    def search(run: Any) -> int:
        return sum(len(o.value) for _ in range(40) for o in run.map(task, range(4)))

    whole = drive(search, tmp_path / "whole")
    small_files(limit)
    with pytest.raises(StoreError, match=r"cannot write .*nothing committed so far is lost"):
        drive(search, tmp_path / "run")
    small_files(resource.RLIM_INFINITY)
    again = drive(search, tmp_path / "run")
    assert again.digest == whole.digest
    assert again.evaluated + again.replayed == 160
    assert list(tmp_path.rglob("*.part")) == []


def test_fifty_drivers_killed_around_their_commits_leave_a_sound_journal(tmp_path: Path) -> None:
    program = Path(fault_tasks.__file__).with_name("dying_drivers.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), "50"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    account = json.loads(done.stdout)
    kills = account["kills"]
    assert [kill["sound"] for kill in kills] == ["ok"] * 50
    assert all(kill["killed"] for kill in kills)
    assert sum(kill["inside"] for kill in kills) >= 3  # about one in three
    counts = [kill["rows"] for kill in kills]
    assert counts == sorted(counts)
    assert account["digests"][0] == account["digests"][1]
