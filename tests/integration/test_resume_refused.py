"""A resume under another configuration, code, input or order of asking is refused by name."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

METHOD = """
from heliostat import MethodConfig, MethodSpec, hookimpl
import heliostat_test_tasks as tasks

class Config(MethodConfig):
    rounds: int = 4

def search(config, run):
    rounds = [run.map(tasks.square, range(n, n + 3)) for n in range(config.rounds)]
    return [o.unwrap() for outcomes in rounds for o in outcomes]

@hookimpl
def heliostat_methods():
    return [MethodSpec("small", "a small method", "none", Config, search)]
"""


@pytest.fixture
def small(cli: Any) -> Any:
    """The command line with a method of this test's own, stopped after five items."""
    folder = cli.folder / "plugin"
    folder.mkdir()
    (folder / "small_method.py").write_text(METHOD)
    cli.environment["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ["PYTHONPATH"]])
    cli.environment["HELIOSTAT_LOAD"] = "small_method"
    cli("run", "small", "--workers", "serial", HELIOSTAT_FAULT="kill-after-commits=5")
    cli.source = folder / "small_method.py"
    return cli


def resume(cli: Any, *options: str) -> Any:
    return cli("resume", "last", "--workers", "serial", "--no-report", *options)


def assert_refused(done: Any, *parts: str) -> None:
    assert done.returncode == 5
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for part in parts:
        assert part in done.stderr


def test_a_changed_configuration_file_names_the_field(small: Any) -> None:
    path = small.only_run() / "config.toml"
    path.write_text(path.read_text().replace("rounds = 4", "rounds = 5"))
    assert_refused(resume(small), "rounds", "was 4, is 5")


def test_a_changed_seed_is_refused(small: Any) -> None:
    path = small.only_run() / "config.toml"
    path.write_text(path.read_text().replace("seed = 0", "seed = 1"))
    assert_refused(resume(small), "seed")


def test_changed_code_is_refused_by_file_or_recorded(small: Any) -> None:
    small.source.write_text(METHOD + "\n# another comment\n")
    assert_refused(resume(small), "small_method", "--allow-code-change")
    account = small.json(
        "resume", "last", "--workers", "serial", "--no-report", "--allow-code-change"
    )
    assert [label for label in account["labels"] if "small_method" in label]
    assert small.json("show", "last")["labels"] == account["labels"]


def test_changed_items_are_refused_even_where_code_may_change(small: Any) -> None:
    small.source.write_text(METHOD.replace("range(n, n + 3)", "range(n, n + 4)[::-1]"))
    assert_refused(
        resume(small, "--allow-code-change"), "another item at 0.0", "journal has 0", "asks 3"
    )


def test_a_changed_or_missing_input_file_is_named(cli: Any) -> None:
    table = cli.folder / "table.csv"
    table.write_text("x,y\n" + "".join(f"{i},{i}.5\n" for i in range(20)))
    start = ["run", "reads_table", "-o", f"data=csv:{table}", "--workers", "serial", "--no-report"]
    assert cli.json(*start)["result"] == 200**2
    table.write_text(table.read_text().replace("19,19.5", "19,20.5"))
    assert_refused(resume(cli), "table.csv")
    table.unlink()
    done = resume(cli)
    assert done.returncode == 2
    assert "table.csv" in done.stderr


def test_a_run_with_an_input_file_resumes_from_another_folder(cli: Any) -> None:
    (cli.folder / "table.csv").write_text("x,y\n" + "".join(f"{i},{i}\n" for i in range(20)))
    cli.json("run", "reads_table", "-o", "data=csv:table.csv", "--workers", "serial", "--no-report")
    (cli.folder / "elsewhere").mkdir()
    cli.folder = cli.folder / "elsewhere"
    assert resume(cli).returncode == 0


def test_a_second_driver_is_refused_by_process_and_host(cli: Any) -> None:
    first = cli.popen("run", "waits_for_file", "--workers", "serial", "--no-report", "--json")
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if cli.runs.exists() and [r for r in cli.json("ls") if r["outcomes"] == 3]:
                break
        done = resume(cli)
        assert_refused(done, f"process {first.pid}", socket.gethostname())
        assert cli.json("ls")[0]["state"] == "running"
    finally:
        (cli.folder / "go").touch()
        out, _ = first.communicate(timeout=30)
    assert first.returncode == 0
    assert Path(cli.only_run()).name in out
