"""What code of a plugin may not do to a run: end it mutely, fail it when it is done, move it."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from broken_plugins import METHOD, install_one
from in_process import Ended, InProcess

SOURCE = """
import os, sys
from heliostat import MethodConfig, MethodSpec, PartRef, PartSpec, hookimpl
import heliostat_test_tasks as tasks

class Config(MethodConfig):
    n: int = 3

def search(config, run):
    found = [o.unwrap() for o in run.map(tasks.square, range(config.n))]
    {search}
    return found

def act(*arguments):
    {act}

@hookimpl
def heliostat_methods():
    return [MethodSpec("rude", "a \\x1b[2Jmethod", "P\\u00f3lya 1921", Config, search{more})]

@hookimpl
def heliostat_parts():
    return [PartSpec("sampler", "rude", act, "ends")]
"""


def run(
    folder: Path, *arguments: str, search: str = "", act: str = "pass", more: str = ""
) -> Ended:
    """Run the rude method in this process, with one of its callbacks doing something."""
    (folder / "rude_plugin.py").write_text(SOURCE.format(search=search, act=act, more=more))
    sys.modules.pop("rude_plugin", None)
    command = arguments or ("run", "rude", "--workers", "serial")
    return InProcess(folder, "rude_plugin")(*command)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("sys.exit(0)", "the search raised SystemExit: 0"),
        ("sys.exit('bye')", "the search raised SystemExit: bye"),
        ("raise KeyboardInterrupt", "the search raised KeyboardInterrupt"),
        ("raise GeneratorExit", "the search raised GeneratorExit"),
        ("run.part('sampler', PartRef('rude'))", "sampler rude: build raised SystemExit: 0"),
    ],
)
def test_a_search_cannot_end_the_process(here: Path, statement: str, said: str) -> None:
    done = run(here, search=statement, act="sys.exit(0)")
    assert done.returncode == 3
    assert said in done.stderr
    assert done.stdout == ""


def test_an_interruption_that_nobody_asked_for_is_an_error(here: Path) -> None:
    done = run(here, search="from heliostat.errors import Interrupted; raise Interrupted('no')")
    assert done.returncode == 3
    assert "the search raised Interrupted: no" in done.stderr


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("1/0", "ZeroDivisionError: division by zero (line 15 of rude_plugin.py)"),
        ("sys.exit(0)", "describe raised SystemExit: 0; it may not end the process (line 15 of"),
        ("return 3", "describe returned a int, expected text; the result is not touched"),
    ],
)
def test_a_describe_that_fails_does_not_fail_a_finished_run(
    here: Path, statement: str, said: str
) -> None:
    done = run(here, act=statement, more=", describe=act")
    assert done.returncode == 0
    assert "warning: method rude could not describe its result: " in done.stderr
    assert said in done.stderr
    assert re.search(r"^digest   [0-9a-f]{64}$", done.stdout, re.MULTILINE)


def test_a_describe_does_not_play_with_the_terminal(here: Path) -> None:
    done = run(here, act="return 'one\\x1b[2J\\ntwo'", more=", describe=act")
    assert "one\\x1b[2J\ntwo\n" in done.stdout


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("1/0", "ZeroDivisionError: division by zero (line 15 of rude_plugin.py)"),
        ("sys.exit(0)", "report raised SystemExit: 0"),
        ("return 'abc'", "report returned a str; expected a list of Section"),
    ],
)
def test_a_report_that_fails_leaves_a_note_and_what_every_run_shows(
    here: Path, statement: str, said: str
) -> None:
    done = run(here, act=statement, more=", report=act")
    assert done.returncode == 0
    (page,) = (here / "runs").glob("*/report.html")
    text = page.read_text()
    assert "The sections of method rude are left out: " in text
    assert said in text
    assert "warning: the report: The sections of method rude are left out: " in done.stderr
    assert said in done.stderr
    assert "How to reproduce" in text


def test_an_import_does_not_move_the_run_to_another_folder(here: Path) -> None:
    (here / "elsewhere").mkdir()
    (here / "moving.py").write_text(
        f"import os\nos.chdir({str(here / 'elsewhere')!r})\n" + METHOD.format(name="moving")
    )
    done = InProcess(here, "moving")("run", "moving", "--workers", "serial", "--runs", "my")
    assert done.returncode == 0, done.stderr
    assert list((here / "my").glob("*/run.db"))
    assert not list((here / "elsewhere").iterdir())


def test_a_search_that_changes_the_directory_keeps_its_folder(here: Path) -> None:
    (here / "elsewhere").mkdir()
    before = Path.cwd()
    done = run(
        here, "run", "rude", "--workers", "serial", "--runs", "my",
        search=f"os.chdir({str(here / 'elsewhere')!r})",
    )  # fmt: skip
    assert Path.cwd() == before
    assert done.returncode == 0, done.stderr
    assert list((here / "my").glob("*/report.html"))
    assert not list((here / "elsewhere").iterdir())


def test_a_plugin_that_is_missing_is_said_at_the_start_of_a_run(here: Path) -> None:
    (here / "watcher.py").write_text("import module_missing\n")
    (here / "rude_plugin.py").write_text(SOURCE.format(search="", act="pass", more=""))
    sys.modules.pop("rude_plugin", None)
    done = InProcess(here, "rude_plugin", "watcher")("run", "rude", "--workers", "serial")
    assert done.returncode == 0
    (line,) = [line for line in done.stderr.splitlines() if "watcher" in line]
    assert line == (
        "note: plugin watcher failed: ModuleNotFoundError: No module named 'module_missing' "
        "(see: heliostat plugins); the run goes on without it"
    )
    (log,) = (here / "runs").glob("*/log.jsonl")
    assert "watcher failed: ModuleNotFoundError" in log.read_text()


def test_methods_show_their_source_and_no_terminal_codes(here: Path) -> None:
    listed = run(here, "methods").stdout
    assert "a \\x1b[2Jmethod  (Pólya 1921)\n" in listed
    assert "(arXiv 2209.08907)" in listed
    assert "(none)" not in listed
    assert "rude: a \\x1b[2Jmethod  (Pólya 1921)" in run(here, "methods", "describe", "rude").stdout
    assert "# a \\x1b[2Jmethod  (Pólya 1921)" in run(here, "config", "init", "rude").stdout


def test_plugins_are_listed_with_what_they_offer(here: Path) -> None:
    lines = run(here, "plugins").stdout.splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith("rude_plugin ")]
    assert lines[at + 1] == "    offers method rude, sampler rude"


def test_help_names_installed_plugins_and_a_misspelt_verb_of_one_gets_the_nearest(
    here: Path,
) -> None:
    (here / "verbs.py").write_text(
        "import click\nfrom heliostat import hookimpl\n@hookimpl\ndef heliostat_commands():\n"
        "    return [click.Command('pi-runs', callback=lambda: click.echo('three'))]\n"
    )
    command = InProcess(here, "verbs")
    sys.modules.pop("verbs", None)
    text = command("--help").stdout
    assert "heliostat_teaching.plugin, heliostat_test_methods, verbs (see: heliostat" in text
    assert "verbs" not in sys.modules
    done = command("pi-run")
    assert done.returncode == 2
    assert "did you mean 'pi-runs'?" in done.stderr
    assert command("pi-runs").stdout == "three\n"


HANGS = "import pathlib, time\npathlib.Path({mark!r}).touch()\nwhile True:\n    time.sleep(0.01)\n"


def test_a_plugin_that_hangs_is_named_when_it_is_stopped(cli: Any) -> None:
    mark = cli.folder / "began"
    (cli.folder / "hangs.py").write_text(HANGS.format(mark=str(mark)))
    environment = {
        "HELIOSTAT_LOAD": "hangs",
        "PYTHONPATH": os.pathsep.join([str(cli.folder), cli.environment["PYTHONPATH"]]),
    }
    process = cli.popen("methods", **environment)
    while not mark.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped while plugin hangs was being imported" in said


def test_a_plugin_that_takes_long_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliostat.plugins.importing.SLOW_SECONDS", 0.01)
    (here / "slow.py").write_text(
        "import sys, time\nwhile 'still being' not in sys.stderr.buffer.getvalue().decode():\n"
        "    time.sleep(0.001)\n" + METHOD.format(name="slow")
    )
    sys.modules.pop("slow", None)
    done = InProcess(here, "slow")("methods")
    assert "note: plugin slow is still being imported; Ctrl-C stops it" in done.stderr
    assert "slow            a method" in done.stdout


def test_a_plugin_cannot_take_the_place_of_an_allowed_one(cli: Any) -> None:
    folder = cli.folder / "site"
    install_one(folder, "real", METHOD.format(name="one"), "tracker = broken_real")
    install_one(folder, "fake", METHOD.format(name="two"), "tracker = broken_fake")
    install_one(folder, "none", METHOD.format(name="three"))
    cli.environment["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ["PYTHONPATH"]])
    cli.environment["HELIOSTAT_LOAD"] = ""

    def rows(allowed: str) -> dict[str, tuple[str, str]]:
        found = cli.json("plugins", HELIOSTAT_PLUGINS=allowed)
        return {row["distribution"]: (row["state"], row["reason"]) for row in found}

    assert rows("none")["broken-none"] == ("blocked", "not in HELIOSTAT_PLUGINS")
    both = rows("tracker")
    assert both["broken-real"] == both["broken-fake"]
    state, reason = both["broken-real"]
    assert state == "blocked"
    assert "2 distributions call a plugin 'tracker' (broken-fake, broken-real)" in reason
    assert "put the name of the distribution into HELIOSTAT_PLUGINS" in reason
    assert not (folder / "imported-fake").exists()
    for allowed in ("broken-real", "Broken_Real", "tracker, broken-real"):
        found = rows(allowed)
        assert found["broken-real"] == ("loaded", "")
        assert found["broken-fake"] == ("blocked", "not in HELIOSTAT_PLUGINS")
    assert not (folder / "imported-fake").exists()
