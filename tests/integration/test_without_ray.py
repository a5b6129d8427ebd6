"""Without Ray everything runs in one process, and asking for workers says what to install."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest


@pytest.fixture
def no_ray(cli: Any) -> Any:
    (cli.folder / "blocked" / "ray").mkdir(parents=True)
    (cli.folder / "blocked" / "ray" / "__init__.py").write_text(
        "raise ImportError('ray is not installed here')\n"
    )
    cli.environment["PYTHONPATH"] = os.pathsep.join(
        [str(cli.folder / "blocked"), os.environ["PYTHONPATH"]]
    )
    return cli


def test_serial_works(no_ray: Any) -> None:
    account = no_ray.json("run", "everything", "--workers", "serial")
    assert account["state"] == "finished"
    assert account["report"]


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core is one process anyway")
def test_the_default_run_works_in_one_process_and_says_so(no_ray: Any) -> None:
    done = no_ray("run", "count", "--no-report", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["executor"]["executor"] == "serial"
    assert "warning: Ray cannot be imported here (ImportError: ray is not" in done.stderr
    assert "; the run works in one process" in done.stderr


def test_ray_whose_import_fails_in_any_way_is_told(no_ray: Any) -> None:
    package = no_ray.folder / "blocked" / "ray" / "__init__.py"
    package.write_text("raise OSError('libray.so: no such file')\n")
    done = no_ray("run", "count", "--workers", "2")
    assert done.returncode == 6
    assert "Ray cannot be imported here (OSError: libray.so: no such file)" in done.stderr


@pytest.mark.parametrize("options", [["--workers", "2"], ["--address", "auto"]])
def test_workers_exit_6_and_say_how_to_install(no_ray: Any, options: list[str]) -> None:
    done = no_ray("run", "everything", *options, "--json")
    assert done.returncode == 6
    assert "pip install 'ray" in done.stderr
    assert "--workers serial" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_run_that_found_no_ray_goes_on_in_one_process(no_ray: Any) -> None:
    no_ray.json("run", "count", "-o", "rounds=1", "--workers", "serial", "--no-report")
    more = ("resume", "last", "-o", "rounds=2", "--no-report")
    assert no_ray(*more, "--workers", "2").returncode == 6
    assert no_ray.json(*more, "--workers", "serial")["state"] == "finished"


def test_a_run_that_found_no_ray_at_its_beginning_is_not_kept(no_ray: Any) -> None:
    assert no_ray("run", "count", "--workers", "2").returncode == 6
    assert no_ray.json("ls") == []
