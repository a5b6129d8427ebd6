"""A method in one file: written, run without installing, judged, and no other module's name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine
from in_process import InProcess

from heliostat_kit.scaffold.names import Names
from heliostat_kit.scaffold.one_file import one_file

NAME, OTHER = "quarter_circle", "tidal_wave"


class WithFile(InProcess):
    """The command with HELIOSTAT_LOAD as given, and nothing else loaded."""

    def __init__(self, folder: Path, load: str) -> None:
        super().__init__(folder)
        self.load = load


@pytest.fixture(autouse=True)
def path() -> Iterator[None]:
    """Leave the path and the module as they were: the folder of a file is added to it."""
    before = list(sys.path)
    yield
    sys.path[:] = before
    sys.modules.pop(OTHER, None)


def test_the_example_is_what_new_writes(root: Path) -> None:
    written = one_file(Names(NAME))[f"{NAME}.py"]
    assert (root / "examples" / f"{NAME}.py").read_text(encoding="utf-8") == written


@pytest.mark.parametrize("load", ["./{}.py", "{}/{}.py", "{}.py:Plugin"])
def test_a_file_runs_by_its_path(tmp_path: Path, load: str) -> None:
    text = one_file(Names(OTHER))[f"{OTHER}.py"]
    if load.endswith(":Plugin"):  # hooks may stand in an object of the file as well
        text, _, _ = text.partition("@hookimpl")
        text += (
            "class Plugin:\n    @staticmethod\n    @hookimpl\n"
            "    def heliostat_methods() -> Sequence[MethodSpec]:\n        return [METHOD]\n"
        )
    (tmp_path / f"{OTHER}.py").write_text(text, encoding="utf-8")
    names = [OTHER] if load.count("{}") == 1 else [str(tmp_path), OTHER]
    here = WithFile(tmp_path, load.format(*names))
    account = here.json("run", OTHER, "--preset", "smoke", "--workers", "serial")
    assert abs(account["result"]["pi"] - 3.14159) < 0.05
    assert "Pi by points" in (tmp_path / account["report"]).read_text(encoding="utf-8")


def test_a_resume_finds_the_file_from_another_folder(root: Path, cli: CommandLine) -> None:
    load = str(root / "examples" / f"{NAME}.py")
    command = ("run", NAME, "--preset", "smoke", "--workers", "serial")
    killed = cli(*command, HELIOSTAT_LOAD=load, HELIOSTAT_FAULT="kill-after-commits=2")
    assert killed.returncode == -9
    other = cli.folder / "elsewhere"
    other.mkdir()
    relative = os.path.relpath(load, cli.folder)
    done = cli("resume", "last", "--workers", "serial", HELIOSTAT_LOAD=relative)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ("./gone.py", "HELIOSTAT_LOAD = './gone.py': expected a Python file that is there"),
        ("./not-a-name.py", "expected a file whose name is a name of Python; rename it"),
        ("./json.py", "expected a file whose name no other module has; json is"),
        ("quarter_circel", "expected a module that Python finds, or a file"),
    ],
)
def test_what_cannot_be_loaded_is_said_before_anything_is_imported(
    tmp_path: Path, load: str, said: str
) -> None:
    for name in ("not-a-name.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('imported')")
    done = WithFile(tmp_path, load)("methods")
    assert done.returncode == 2
    assert said in done.stderr


def test_new_writes_two_files_and_overwrites_none(here: InProcess) -> None:
    done = here("plugins", "new", "--minimal", "tidal_wave")
    assert done.returncode == 0, done.stderr
    assert "HELIOSTAT_LOAD=./tidal_wave.py heliostat run tidal_wave" in done.stdout
    assert sorted(path.name for path in here.folder.iterdir() if path.is_file()) == [
        "test_tidal_wave.py", "tidal_wave.py",
    ]  # fmt: skip
    (here.folder / "tidal_wave.py").unlink()
    (here.folder / "test_tidal_wave.py").write_text("mine")
    again = here("plugins", "new", "--minimal", "tidal_wave")
    assert again.returncode == 2
    assert "expected a file that does not exist yet" in again.stderr
    assert not (here.folder / "tidal_wave.py").exists()
    assert (here.folder / "test_tidal_wave.py").read_text() == "mine"


def test_a_file_that_is_there_is_named_as_such(
    here: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.folder / "tides_of_mine.py").write_text("mine")
    monkeypatch.syspath_prepend(here.folder)  # as `python -m` has it: its module is found
    again = here("plugins", "new", "--minimal", "tides_of_mine")
    assert again.returncode == 2
    assert "tides_of_mine.py is there and is left as it is" in again.stderr
    assert (here.folder / "tides_of_mine.py").read_text() == "mine"


def test_a_name_that_a_module_has_is_refused(here: InProcess) -> None:
    done = here("plugins", "new", "--minimal", "statistics")
    assert done.returncode == 2
    assert "expected a name that no module of Python has" in done.stderr
    assert "for example 'my_statistics'" in done.stderr


def test_the_kit_accepts_the_file(cli: CommandLine, root: Path) -> None:
    rules = ("quick-run", "plain-values", "module-level-tasks", "report", "partial-report", "seed")
    only = [word for rule in rules for word in ("--only", rule)]
    done = cli("plugins", "check", str(root / "examples" / f"{NAME}.py"), *only)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"0 broken, {len(rules)} kept, 0 not judged" in done.stdout


def test_the_written_test_judges_the_file(tmp_path: Path) -> None:
    for name, text in one_file(Names("tidal_wave")).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tidal_wave.py",
         "-k", "presets or unknown or does_something"],
        cwd=tmp_path,
        env={**os.environ, "HELIOSTAT_LOAD": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "3 passed" in done.stdout
