"""A configuration file means the same to every command that takes one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess

VERSIONS = """
from heliostat import MethodConfig, MethodSpec, Metric, hookimpl

class Config(MethodConfig):
    rounds: int = 3

def search(config, run):
    return {"value": config.rounds}

@hookimpl
def heliostat_methods():
    return [MethodSpec(
        "renamed", "a method", "none", Config, search, outputs={"value": Metric("min")},
        version=2, migrate=lambda config, version: {"rounds": config["steps"]})]
"""
COMMANDS = {
    "run": ["run", "job.toml", "--workers", "serial", "--no-report"],
    "tune": ["tune", "job.toml", "--space", "space.toml", "--trials", "2", "--workers", "serial",
             "--no-report"],
    "config check": ["config", "check", "job.toml"],
}  # fmt: skip


@pytest.fixture(params=list(COMMANDS))
def command(request: Any) -> list[str]:
    return COMMANDS[request.param]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("renamed_plugin", "bystander"):
        sys.modules.pop(name, None)
    (tmp_path / "renamed_plugin.py").write_text(VERSIONS)
    (tmp_path / "bystander.py").write_text("raise SystemExit('it should not be imported')\n")
    (tmp_path / "space.toml").write_text("rounds = {low = 1, high = 4}\n")
    return InProcess(tmp_path, "renamed_plugin", "bystander")


def test_a_file_of_an_older_version_is_carried_over(here: InProcess, command: list[str]) -> None:
    (here.folder / "job.toml").write_text('method = "renamed"\nversion = 1\n[config]\nsteps = 7\n')
    done = here(*command)
    assert done.returncode == 0, done.stderr


def test_a_file_of_an_unknown_version_is_refused(here: InProcess, command: list[str]) -> None:
    (here.folder / "job.toml").write_text('method = "renamed"\nversion = 9\n')
    done = here(*command)
    assert done.returncode == 2
    assert "job.toml: version = 9: expected a version that method renamed reads" in done.stderr


def test_what_a_file_blocks_is_not_imported(here: InProcess, command: list[str]) -> None:
    (here.folder / "job.toml").write_text('method = "renamed"\n[plugins]\nblock = ["bystander"]\n')
    done = here(*command)
    assert done.returncode == 0, done.stderr
    assert "bystander" not in done.stderr
    assert "bystander" not in sys.modules


def test_tune_is_no_method_to_tune(here: InProcess) -> None:
    done = here("tune", "tune", "--space", "space.toml")
    assert done.returncode == 2
    assert "METHOD = 'tune': expected another method than tune" in done.stderr
