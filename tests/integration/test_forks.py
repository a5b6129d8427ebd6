"""A fork shares outcomes up to a key, and ends as a run that was never forked."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from in_process import InProcess

from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.view import RunView

QUICK = ("--workers", "serial", "--no-report")


@pytest.fixture
def here(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path, "heliostat_fork_methods", "heliostat_part_methods")


def options(*texts: str) -> list[str]:
    return [word for text in texts for word in ("-o", text)]


def staged(here: InProcess, *texts: str) -> Any:
    return here.json("run", "staged", *QUICK, *options(*texts))


def forked(here: InProcess, run: str, key: str, *texts: str) -> Any:
    return here.json("fork", run, "--from", key, *QUICK, *options(*texts))


def names(here: InProcess) -> list[str]:
    return sorted(path.name for path in here.runs.iterdir())


@pytest.mark.parametrize("key, shared", [("0", 0), ("0.2", 2), ("2", 7), ("3.1", 9), ("6.1", 15),
                                         ("99", 20)])  # fmt: skip
def test_a_fork_without_a_change_ends_as_its_run(here: InProcess, key: str, shared: int) -> None:
    run = staged(here)
    fork = forked(here, run["run"], key)
    assert (fork["digest"], fork["result"]) == (run["digest"], run["result"])
    assert (fork["replayed"], fork["evaluated"]) == (shared, 20 - shared)
    assert fork["run"] != run["run"]
    assert here.json("verify", fork["run"])["different"] == []


def test_a_search_that_uses_every_verb_is_forked_anywhere(here: InProcess) -> None:
    run = here.json("run", "everything", *QUICK)
    view = RunView(RunFolder(Path(run["folder"])))
    keys = [".".join(map(str, row.key)) for row in view.outcomes()]
    view.close()
    for key in keys[:: len(keys) // 3]:
        assert forked(here, run["run"], key)["digest"] == run["digest"]


@pytest.mark.parametrize("key", ["5", "3.0.0", "1.2"])
def test_a_later_change_ends_as_a_run_that_had_it_from_its_beginning(
    here: InProcess, key: str
) -> None:
    fresh = staged(here, "late=5", "rounds=2")
    run = staged(here)
    fork = forked(here, run["run"], key, "late=5", "rounds=2")
    assert (fork["digest"], fork["result"]) == (fresh["digest"], fresh["result"])
    assert fork["digest"] != run["digest"]
    assert fork["replayed"] > 0


def test_a_change_before_the_key_is_refused_naming_where(here: InProcess) -> None:
    run = staged(here)["run"]
    for change, at in (("late=5", "5.0"), ("first=3", "0.0"), ('shape="map"', "2")):
        done = here("fork", run, "--from", "6", *QUICK, *options(change))
        assert done.returncode == 2
        assert f"--from = '6': expected {at} or a key before it" in done.stderr
        assert "Traceback" not in done.stderr
        assert names(here) == [run]  # no half of a run is left


def test_a_call_of_another_shape_counts_nothing_that_the_other_one_left(here: InProcess) -> None:
    """Before, an item of a list that has become a call would have been in the digest."""
    run = staged(here, 'shape="map"')["run"]
    done = here("fork", run, "--from", "3", *QUICK, *options('shape="call"'))
    assert done.returncode == 2
    assert "expected 2 or a key before it" in done.stderr
    fork = forked(here, run, "2", 'shape="call"')
    assert fork["digest"] == staged(here)["digest"]


def test_it_says_where_it_comes_from(here: InProcess) -> None:
    run = staged(here)["run"]
    done = here("fork", run, "--from", "3", *QUICK, "--name", "branch", "--tag", "a=1")
    assert done.returncode == 0
    assert f"forked from {run}: its 8 outcomes before 3 are taken over" in done.stderr
    shown = here.json("show", "branch")
    assert [e["text"] for e in shown["events"] if e["kind"] == "forked"] == [
        f"from {run}: its 8 outcomes before 3 are taken over"
    ]
    view = RunView(RunFolder(here.runs / shown["run"]))
    assert view.about.forked_from == f"{run} 3"
    assert view.marks.tags == {"a": "1"}
    view.close()
    assert shown["labels"] == []
    assert here.json("note", run)["name"] == ""


def test_a_killed_run_is_forked_and_its_fork_killed_and_resumed(
    here: InProcess, tmp_path: Path
) -> None:
    cli = CommandLine(tmp_path)
    cli.environment["HELIOSTAT_LOAD"] = here.load
    assert cli("run", "staged", *QUICK, HELIOSTAT_FAULT="kill-after-commits=13").returncode < 0
    run = cli.only_run().name
    words = ("fork", run, "--from", "2", *QUICK, *options("late=5"))
    assert cli(*words, HELIOSTAT_FAULT="kill-after-commits=7").returncode < 0
    assert [name for name in names(here) if not name.startswith(".")] == [run]  # whole, or none
    assert cli(*words, HELIOSTAT_FAULT="kill-after-commits=9").returncode < 0
    account = here.json("resume", "last", *QUICK)
    assert account["run"] != run
    assert account["digest"] == staged(here, "late=5")["digest"]
    assert here.json("verify", account["run"])["different"] == []


def test_failures_of_the_machine_are_asked_again(here: InProcess) -> None:
    flag = here.folder / "flag"
    flag.touch()
    run = staged(here, f"fails={flag}")
    assert run["machine_failures"] == {"MemoryError": 1}
    assert run["labels"]
    flag.unlink()
    fork = forked(here, run["run"], "99")
    assert fork["replayed"] == 4  # those before it: what came after may have followed from it
    assert (fork["machine_failures"], fork["labels"]) == ({}, [])
    assert fork["digest"] == staged(here, f"fails={flag}")["digest"] != run["digest"]


def test_other_code_is_refused_or_recorded(here: InProcess) -> None:
    run = staged(here)
    folder = RunFolder(here.runs / run["run"])
    journal = Journal(folder.database, folder.artifacts)
    sources = journal.record.sources
    journal.change(sources={**sources, next(iter(sources)): "0" * 64})
    journal.close()
    done = here("fork", run["run"], "--from", "3", *QUICK)
    assert done.returncode == 5
    assert "--allow-code-change" in done.stderr
    words = ("fork", run["run"], "--from", "3", "--allow-code-change", *QUICK)
    (label,) = here.json(*words)["labels"]
    assert "forked under other code" in label


def test_what_a_run_brought_in_goes_into_its_fork(here: InProcess) -> None:
    """As it was then: the product's run may be gone, the table may have moved with the run."""
    left = here.json("run", "leaves_loss", *QUICK, "--name", "mine")["run"]
    (here.folder / "t.csv").write_text("x,y\n" + "".join(f"{i},{i}\n" for i in range(12)))
    words = ("run", "builds_parts", *QUICK, "-o", "loss=run:mine", "-o", "data=csv:t.csv")
    run = here.json(*words)
    shutil.rmtree(here.runs / left)
    moved = here.folder / "moved"
    moved.mkdir()
    for name in ("runs", "t.csv"):
        (here.folder / name).rename(moved / name)
    there = InProcess(moved, "heliostat_part_methods")
    fork = forked(there, run["run"], "0.2")
    assert fork["digest"] == run["digest"]
    assert there.json("verify", fork["run"])["different"] == []
    assert there.json("resume", fork["run"], *QUICK)["digest"] == run["digest"]
    (moved / "t.csv").write_text("x,y\n" + "".join(f"{i},{i + 1}\n" for i in range(12)))
    assert there("fork", run["run"], "--from", "0.2", *QUICK).returncode == 5


def test_a_new_table_is_meant_from_the_present_folder(here: InProcess) -> None:
    table = "x,y\n" + "".join(f"{i},{i}\n" for i in range(12))
    (here.folder / "t.csv").write_text(table)
    run = here.json("run", "builds_parts", *QUICK, "-o", "data=csv:t.csv")["run"]
    other = here.folder / "other"
    other.mkdir()
    (other / "u.csv").write_text(table.replace("11,11", "11,12"))
    there = InProcess(other, "heliostat_part_methods")
    fresh = there.json("run", "builds_parts", *QUICK, "-o", "data=csv:u.csv")
    fork = forked(there, str(here.runs / run), "0", "data=csv:u.csv")
    assert fork["digest"] == fresh["digest"]
    assert there.json("resume", fork["run"], *QUICK)["digest"] == fresh["digest"]


@pytest.mark.parametrize("key", ["", "a", "1.", "-1", "1..2", "9" * 30, "\u0661"])
def test_a_key_that_is_none_is_refused(here: InProcess, key: str) -> None:
    done = here("fork", "last", "--from", key, *QUICK)
    assert done.returncode == 2
    assert "--from" in done.stderr and "3.1" in done.stderr


def test_the_run_that_is_forked_stays_as_it_is(here: InProcess) -> None:
    run = staged(here)["run"]
    before = (here.runs / run / "run.db").read_bytes()
    forked(here, run, "3", "late=7")
    assert (here.runs / run / "run.db").read_bytes() == before
