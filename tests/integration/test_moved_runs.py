"""Runs that moved, with their data or without, go on where they are and come to the same end."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from in_process import InProcess

METHODS = "heliostat_part_methods"
TABLE = "x,y\n" + "".join(f"{i},{0.5 + 1.25 * i * i}\n" for i in range(12))
QUICK = ("--workers", "serial", "--no-report")


class Project:
    """A folder with a table and a run that was killed after two of its four items."""

    def __init__(self, folder: Path, data: str) -> None:
        self.origin = folder / "project"
        table = self.origin / data
        table.parent.mkdir(parents=True)
        self.origin.mkdir(exist_ok=True)
        table.write_text(TABLE)
        words = ("run", "builds_parts", "-o", f"data=csv:{data}", *QUICK)
        cli = CommandLine(self.origin)
        cli.environment["HELIOSTAT_LOAD"] = f"heliostat_teaching.plugin,{METHODS}"
        killed = cli(*words, HELIOSTAT_FAULT="kill-after-commits=2")
        assert killed.returncode < 0, killed.stderr
        self.run = cli.only_run().name
        unmoved = InProcess(self.origin, METHODS)
        unmoved.runs = folder / "unmoved"
        self.digest = unmoved.json(*words)["digest"]
        self._kept = folder.rename(folder.with_name("kept")) / "project"

    def at(self, folder: Path) -> Path:
        """Put the whole project there; nothing is left of it where it began."""
        shutil.copytree(self._kept, folder)
        return folder


def at(folder: Path) -> InProcess:
    return InProcess(folder, METHODS)


@pytest.fixture(scope="module")
def project(tmp_path_factory: Any) -> Project:
    return Project(tmp_path_factory.mktemp("moved") / "home", "data/t.csv")


@pytest.fixture
def moved(project: Project, tmp_path: Path) -> Path:
    """The project, in another place than where it began."""
    return project.at(tmp_path / "elsewhere")


def assert_goes_on(here: InProcess, project: Project, *options: str, run: str = "last") -> None:
    account = here.json("resume", run, *QUICK, *options)
    assert account["replayed"] == account["evaluated"] == 2
    assert account["digest"] == project.digest
    words = [word for word in options if "=" in word]
    given = [part for word in words for part in ("--input", word)]
    assert here.json("verify", run, *given)["different"] == []


def test_a_killed_run_that_moved_with_its_data_goes_on(project: Project, moved: Path) -> None:
    assert_goes_on(at(moved), project)


def test_it_goes_on_from_any_folder(project: Project, moved: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert_goes_on(at(tmp_path / "other"), project, run=str(moved / "runs" / project.run))


def test_data_of_an_absolute_path_are_found_as_they_lay_to_the_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    project = Project(home, str(home / "tables" / "t.csv"))
    (tmp_path / "kept").rename(tmp_path / "new")
    assert_goes_on(at(tmp_path / "new" / "project"), project)


@pytest.mark.parametrize("beside", ["bundle", "bundle/{run}/data", "bundle/data"])
def test_a_run_and_its_table_in_one_folder_go_on(
    project: Project, moved: Path, tmp_path: Path, beside: str
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (moved / "runs" / project.run).rename(bundle / project.run)
    place = tmp_path / beside.format(run=project.run)
    place.mkdir(exist_ok=True)
    (moved / "data" / "t.csv").rename(place / "t.csv")
    assert_goes_on(at(tmp_path), project, run=str(bundle / project.run))


@pytest.mark.parametrize("old", ["data/t.csv", "{origin}/data/t.csv", "data"])
def test_a_file_that_went_elsewhere_is_said(
    project: Project, moved: Path, tmp_path: Path, old: str
) -> None:
    gone = tmp_path / "far" / "away"
    gone.mkdir(parents=True)
    (moved / "data" / "t.csv").rename(gone / "t.csv")
    assert at(moved)("resume", "last", *QUICK).returncode == 2
    said = old.format(origin=project.origin)
    assert_goes_on(at(moved), project, "--input", f"{said}={gone}")


def test_a_renamed_file_is_accepted_by_its_hash(
    project: Project, moved: Path, tmp_path: Path
) -> None:
    new = (moved / "data" / "t.csv").rename(tmp_path / "renamed.csv")
    assert_goes_on(at(moved), project, "--input", f"data/t.csv={new}")


def test_a_missing_file_is_named_with_every_place_that_was_looked_at(
    project: Project, moved: Path
) -> None:
    (moved / "data" / "t.csv").unlink()
    done = at(moved)("resume", "last", *QUICK)
    assert done.returncode == 2
    for place in (
        project.origin / "data" / "t.csv",
        moved / "data" / "t.csv",
        moved / "runs" / "data" / "t.csv",
        moved / "runs" / "t.csv",
        moved / "t.csv",
    ):
        assert f"  {place}: nothing" in done.stderr.splitlines()
    assert f"--input {project.origin / 'data' / 't.csv'}=NEW" in done.stderr


def test_a_changed_file_is_refused_with_both_hashes(moved: Path) -> None:
    from heliostat.plugins.input_files import file_hash

    table = moved / "data" / "t.csv"
    was = file_hash(table)
    table.write_text(TABLE + "12,9\n")
    now = file_hash(table)
    for options in ((), ("--input", f"data={moved / 'data'}")):
        done = at(moved)("resume", "last", *QUICK, *options)
        assert done.returncode == 5
        assert was[:12] in done.stderr and now[:12] in done.stderr
        assert str(table) in done.stderr


def test_another_file_where_it_was_does_not_hide_the_one_that_moved(
    project: Project, moved: Path
) -> None:
    other = project.origin / "data" / "t.csv"
    other.parent.mkdir(parents=True)
    other.write_text("somebody else's")
    try:
        assert_goes_on(at(moved), project)
    finally:
        shutil.rmtree(project.origin)


@pytest.mark.parametrize(
    "text, words",
    [
        ("data/t.csv", ["--input = 'data/t.csv'", "OLD=NEW"]),
        ("date/t.csv=data", ["--input = 'date/t.csv'", "did you mean 'data/t.csv'?"]),
        ("data/t.csv=nowhere", ["--input = 'nowhere'", "that is there"]),
    ],
)
def test_a_move_that_cannot_be_is_refused(moved: Path, text: str, words: list[str]) -> None:
    done = at(moved)("resume", "last", *QUICK, "--input", text)
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr


def test_a_table_that_the_search_reads_is_found_too(tmp_path: Path) -> None:
    old = at(tmp_path / "old")
    old.folder.mkdir()
    (old.folder / "t.csv").write_text(TABLE)
    words = ("run", "tuned_table", *QUICK, "-o", "data=csv:t.csv")
    account = old.json(*words)
    new = at(Path(shutil.move(old.folder, tmp_path / "new")))
    assert new.json("resume", "last", *QUICK)["digest"] == account["digest"]
    assert new.json("verify", "last")["different"] == []


@pytest.mark.ray
def test_workers_find_what_moved(project: Project, moved: Path, ray_node: Any) -> None:
    cli = CommandLine(moved)
    cli.environment["HELIOSTAT_LOAD"] = f"heliostat_teaching.plugin,{METHODS}"
    where = ("--workers", "2", "--address", ray_node.address, "--no-report")
    assert cli.json("resume", "last", *where)["digest"] == project.digest
