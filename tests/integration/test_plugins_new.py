"""`heliostat plugins new` writes a distribution that installs, runs and passes its own tests."""

from __future__ import annotations

import keyword
import tomllib
from pathlib import Path

import pytest
from command_line import CommandLine
from hypothesis import given
from hypothesis import strategies as st
from plugin_environment import PluginEnvironment

from heliostat.errors import ConfigError
from heliostat.names import GROUP, is_method_name
from heliostat_kit.scaffold.names import checked
from heliostat_kit.scaffold.write import texts, write


def test_the_distribution_is_complete(cli: CommandLine) -> None:
    account = cli.json("plugins", "new", "tidal_waves")
    home = cli.folder / account["folder"]
    assert home.name == account["distribution"] == "heliostat-plugin-tidal-waves"
    found = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    package = "src/heliostat_plugin_tidal_waves"
    assert found == [
        ".gitignore",
        "README.md",
        "pyproject.toml",
        *(
            f"{package}/{name}"
            for name in ("__init__.py", "config.py", "plugin.py", "points.py", "py.typed",
                         "regression.py", "report.py", "search.py", "tasks.py")
        ),
        "tests/test_tidal_waves.py",
    ]  # fmt: skip
    project = tomllib.loads((home / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][GROUP] == {"tidal_waves": "heliostat_plugin_tidal_waves.plugin"}


def test_the_next_steps_are_said(cli: CommandLine) -> None:
    done = cli("plugins", "new", "tides", "--folder", str(cli.folder))
    assert done.returncode == 0
    assert "heliostat run tides --preset smoke --workers serial" in done.stdout
    assert "heliostat plugins check ." in done.stdout


def test_what_is_written_is_formatted_python(tmp_path: Path, root: Path) -> None:
    import subprocess
    import sys

    write(checked("tides", []), tmp_path)
    for verb in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *verb, "--no-cache", str(tmp_path)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_no_placeholder_is_left() -> None:
    for path, text in texts(checked("tides", [])).items():
        assert "$" not in text, path
        assert "tides" in path + text or path in (
            ".gitignore",
            "src/heliostat_plugin_tides/py.typed",
        )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("class", "no keyword of Python; for example 'class_search'"),
        ("match", "no keyword of Python"),
        ("../tides", "for example 'tides'"),
        ("/tmp/tides", "for example 'tmp_tides'"),
        ("Tides", "for example 'tides'"),
        ("tides-two", "for example 'tides_two'"),
        ("heliostat-plugin-tides", "for example 'tides'"),
        ("9lives", "for example 'lives'"),
        ("", "a lower-case letter"),
        ("a" * 41, "at most 39"),
        ("tides\n", "for example 'tides'"),
        ("naïve", "a lower-case letter"),
        ("evomal", "a name that no method or plugin has"),
        ("parts", "a name that no method or plugin has"),
        ("heliostat_test_methods", "a name that no method or plugin has"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, said: str) -> None:
    taken = ["evomal", "parts", "heliostat_test_methods"]
    with pytest.raises(ConfigError, match=r"^NAME = ") as error:
        checked(name, taken)
    assert said in str(error.value)


@given(st.text(max_size=50))
def test_an_accepted_name_is_safe_for_folders_modules_and_classes(name: str) -> None:
    try:
        names = checked(name, [])
    except ConfigError:
        return
    assert is_method_name(names.name)
    assert names.package.isidentifier()
    assert names.klass.isidentifier()
    assert not keyword.iskeyword(names.name)
    assert "/" not in names.distribution
    assert ".." not in names.distribution


@given(st.text(max_size=50))
def test_a_suggested_name_is_accepted(name: str) -> None:
    try:
        checked(name, [])
    except ConfigError as error:
        if error.hint:
            checked(error.hint.split("'")[1], [])


@pytest.mark.parametrize("name", ["../tides", "evomal", "lambda"])
def test_the_command_refuses_and_writes_nothing(cli: CommandLine, name: str) -> None:
    done = cli("plugins", "new", name)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: NAME = {name!r}: expected")
    assert list(cli.folder.iterdir()) == []


def test_what_exists_is_not_overwritten(cli: CommandLine) -> None:
    mine = cli.folder / "heliostat-plugin-tides" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("kept")
    done = cli("plugins", "new", "tides")
    assert done.returncode == 2
    assert "expected a folder that does not exist yet" in done.stderr
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]
    assert mine.read_text() == "kept"


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(cli: CommandLine) -> None:
    (cli.folder / "file").write_text("")
    done = cli("plugins", "new", "tides", "--folder", "file")
    assert done.returncode == 2
    assert "--folder = 'file': expected a folder that can be written to" in done.stderr


@pytest.mark.ray
def test_the_plugin_installs_and_passes_its_own_tests_untouched(
    cli: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = PluginEnvironment(tmp_path_factory.mktemp("environment"))
    home = cli.folder / cli.json("plugins", "new", "tides")["folder"]
    environment.install(home)
    done = environment("python", "-m", "pytest", "-q", cwd=home)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "26 passed" in done.stdout
    run = environment("heliostat", "run", "tides", "--workers", "serial", "--runs", "runs")
    assert run.returncode == 0, run.stderr
    assert "mean absolute error" in run.stdout
    errors = dict(line.rsplit(None, 1) for line in run.stdout.splitlines()[1:4])
    found, squares, _ = (float(errors[f"  {n}"]) for n in ("found", "least squares", "median"))
    assert found < squares
