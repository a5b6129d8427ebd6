"""Each examination of a machine: when it is content, and what it says when it is not."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from heliostat.executors.ray.shared_memory import too_small
from heliostat.ops import doctor

NAMES = ("python", "ray", "cores", "BLAS threads", "memory", "shared memory", "runs folder")
MORE = (
    "compiler",
    "native kernels",
    "cache folder",
    "temp folder",
    "file locks",
    "clock",
    "ray token",
)


def test_every_finding_has_a_state_and_one_that_is_not_ok_says_what_to_do() -> None:
    findings = doctor.examine()
    assert {finding.name for finding in findings} >= {*NAMES, *MORE}
    for finding in findings:
        assert finding.found
        assert finding.state == "ok" or finding.mend


@pytest.mark.parametrize(
    ("content", "cores"),
    [("max 100000", None), ("150000 100000", 1.5), ("400000 100000", 4.0), ("nonsense", None)],
)
def test_the_limit_of_a_control_group_is_read(
    tmp_path: Path, content: str, cores: float | None
) -> None:
    (tmp_path / "cpu.max").write_text(content)
    assert doctor.allowed_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", None), ("250000", 2.5)])
def test_the_limit_of_an_older_control_group_is_read(
    tmp_path: Path, quota: str, cores: float | None
) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert doctor.allowed_cores(tmp_path) == cores


def test_fewer_cores_than_the_machine_has_is_a_warning_with_the_number(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000")
    found = doctor.cores(tmp_path, 64)
    assert found.state == "warning"
    assert "control group allows 1" in found.found
    assert "--workers 1" in found.mend


def test_a_folder_is_tried_by_writing_where_it_would_be_made(tmp_path: Path) -> None:
    missing = tmp_path / "not" / "yet"
    assert doctor.folder("runs folder", missing).state == "ok"
    assert not missing.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_fails_with_the_reason() -> None:
    found = doctor.folder("runs folder", Path("/proc/heliostat"))
    assert found.state == "failed"
    assert "/proc/heliostat: cannot write:" in found.found


@pytest.mark.parametrize(("free", "state"), [(10, "failed"), (500, "warning"), (5000, "ok")])
def test_little_room_is_a_warning_and_none_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr(
        doctor.shutil, "disk_usage", lambda path: type("Usage", (), {"free": free << 20})
    )
    assert doctor.folder("runs folder", tmp_path).state == state


def test_native_kernels_are_listed_as_they_describe_themselves(tmp_path: Path) -> None:
    assert doctor.native_kernels(tmp_path).found == "none was used yet"
    texts = (
        '{"name": "sums", "sentence": "sums: scalar\\u001b[2J"}',
        *("[]", "{", "[" * 9999, '{"name": 1}'),
    )
    for number, text in enumerate(texts):
        build = tmp_path / "native" / f"sums-{number}"
        build.mkdir(parents=True)
        (build / "build.json").write_text(text)
        (build / "library.so").touch()
    lost = tmp_path / "native" / "lost-1"
    lost.mkdir()
    (lost / "build.json").write_text('{"name": "lost", "sentence": "lost: its file is gone"}')
    assert doctor.native_kernels(tmp_path).found == "sums: scalar\\x1b[2J"


def test_scarce_shared_memory_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        doctor.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 64 << 20})
    )
    found = doctor.shared_memory(tmp_path)
    assert found.state == "failed"
    assert "--shm-size" in found.mend
    said = too_small(tmp_path)  # what a run on Ray ends with
    assert said.startswith(f"{tmp_path} has only 67 MB free")
    assert "--shm-size" in said
    monkeypatch.setenv("RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE", "1")
    assert too_small(tmp_path) == ""


def test_a_library_that_is_there_and_cannot_be_imported_is_not_ok(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_library.py").write_text("import sys\nsys.exit('no luck')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert doctor.import_fails("json") == ""
    assert "SystemExit: no luck" in doctor.import_fails("broken_library")
    assert "ModuleNotFoundError" in doctor.import_fails("library_that_is_not_there")


def test_a_clock_that_differs_from_the_disks_is_a_warning(tmp_path: Path) -> None:
    assert doctor.clock(tmp_path).state == "ok"
    assert doctor.clock(tmp_path, now=time.time() - 60).state == "warning"


def test_a_missing_token_fails_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "auth_token"
    assert doctor.token({}, path).state == "ok"
    wanted = doctor.token({"RAY_AUTH_MODE": "token"}, path)
    assert (wanted.state, wanted.mend) == ("failed", "ray get-auth-token --generate")
    assert doctor.token({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "x"}, path).state == "ok"
    path.write_text("secret")
    path.chmod(0o644)
    assert doctor.token({}, path).state == "warning"
    path.chmod(0o600)
    assert doctor.token({"RAY_AUTH_MODE": "token"}, path).state == "ok"


def test_a_cluster_that_the_shell_names_is_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        alive = f"127.0.0.1:{listener.getsockname()[1]}"
        assert doctor.address({"RAY_ADDRESS": alive}).state == "ok"
    dead = doctor.address({"RAY_ADDRESS": alive})
    assert dead.state == "warning"
    assert alive in dead.found
    assert doctor.address({}).state == "ok"


def test_the_command_ends_with_0_when_nothing_failed_and_1_otherwise(cli: Any) -> None:
    findings = cli.json("doctor")
    assert {f["state"] for f in findings} <= {"ok", "warning"}
    assert set(findings[0]) == {"name", "state", "found", "mend"}
    done = cli("doctor", HELIOSTAT_RUNS="/proc/heliostat")
    assert done.returncode == 1
    assert "FAILED  runs folder" in done.stdout
    assert "mend: " in done.stdout
    assert "not ready: runs folder, file locks" in done.stderr
    assert "Traceback" not in done.stderr
    assert not os.path.exists(cli.runs)
