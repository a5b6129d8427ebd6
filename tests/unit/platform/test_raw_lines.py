"""What Ray's compiled parts write to descriptor 2 is kept for the log, and our messages are not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heliostat.errors import NotStarted
from heliostat.executors.ray.executor import RayExecutor, WorkerSetup
from heliostat.executors.ray.raw_lines import kept, only_fatal, why_refused

WARNING = (
    "[2026-01-01 00:00:0{n},000 W 10 10] gcs_client.cc:210: Failed to get cluster ID from GCS "
    "server: Unauthenticated: RPC error: InvalidAuthToken: Authentication token is missing"
)
SCRIPT = """
import os, sys
from heliostat.executors.ray.raw_lines import kept
from heliostat.terminal import messages
lines = []
print("before", file=sys.stderr)
with kept(lines):
    os.write(2, b"[a W 1] raw\\n")
    print("ours", file=sys.stderr)
    os.write(messages(), b"last words\\n")
    os.write(2, b"[b W 1] raw\\nother\\n")
os.write(2, b"after\\n")
print("end", file=sys.stderr)
print(lines)
"""


def test_raw_lines_are_kept_once_and_our_own_reach_standard_error() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stderr.splitlines() == ["before", "ours", "last words", "after", "end"]
    assert done.stdout == "['[b W 1] raw', 'other']\n"


def test_an_error_inside_leaves_standard_error_as_it_was() -> None:
    lines: list[str] = []
    before = os.fstat(2).st_ino, sys.stderr
    with pytest.raises(ZeroDivisionError), kept(lines):
        os.write(2, b"raw\n")
        raise ZeroDivisionError
    assert lines == ["raw"]
    assert (os.fstat(2).st_ino, sys.stderr) == before


def test_the_level_of_rays_own_log_is_set_inside_unless_the_shell_sets_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    level = "RAY_BACKEND_LOG_LEVEL"
    monkeypatch.delenv(level, raising=False)
    with only_fatal():
        assert os.environ[level] == "fatal"
    assert level not in os.environ
    monkeypatch.setenv(level, "debug")
    with only_fatal():
        assert os.environ[level] == "debug"


def test_another_token_is_said_and_rays_lines_are_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")

    def init(**options: object) -> None:
        for n in range(3):
            os.write(2, WARNING.format(n=n).encode() + b"\n")
        raise ConnectionError("Failed to connect to Ray cluster")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr("heliostat.executors.ray.executor.why_unreachable", lambda *place: None)
    said: list[tuple[str, str]] = []
    executor = RayExecutor(
        WorkerSetup(str(tmp_path), 0, "the tests", str(tmp_path), 0.0),
        lambda sha256: "",
        address="10.0.0.2:6379",
        on_event=lambda kind, text: said.append((kind, text)),
    )
    with pytest.raises(NotStarted, match="the cluster has another token"):
        executor.start()
    assert said == [("ray", WARNING.format(n=2))]
    assert why_refused(["something else"]) == ""
