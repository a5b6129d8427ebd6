"""The commands that Heliostat prints work when they are copied into a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from in_process import Ended, InProcess

RUNS = "my runs"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    monkeypatch.chdir(tmp_path)
    return InProcess(tmp_path, "printed_commands_methods")


def begin(here: InProcess, *arguments: str) -> Ended:
    return here("run", *arguments, "--workers", "serial", "--no-report", "--runs", RUNS)


def printed(text: str) -> list[list[str]]:
    """The commands in a text, as a shell splits them."""
    lines = [line[line.index("heliostat ") :] for line in text.splitlines() if "heliostat " in line]
    return [shlex.split(line)[1:] for line in lines]


def name_of(runs: Path) -> str:
    (path,) = runs.iterdir()
    return path.name


def test_the_commands_of_a_finished_run_find_it(here: InProcess) -> None:
    done = begin(here, "step_options", "--preset", "smoke", "-o", "sweep=spot", "-o",
                 f"sweep_values={list(range(80, 130))}")  # fmt: skip
    (command,) = printed(done.stdout)
    assert command[-2:] == ["--runs", RUNS]
    assert here(*command).returncode == 0


def test_a_finished_run_is_not_said_to_go_on(here: InProcess) -> None:
    done = begin(here, "count", "-o", "rounds=1")
    assert done.returncode == 0
    assert "resume" not in done.stdout + done.stderr


def test_a_failed_run_names_its_log_and_how_to_go_on(here: InProcess) -> None:
    done = begin(here, "fails_late")
    run = name_of(here.folder / RUNS)
    said = [line for line in done.stderr.splitlines() if "its log:" in line]
    assert said == [f"run {run} ended with an error; its log: {RUNS}/{run}/log.jsonl"]
    assert (here.folder / RUNS / run / "log.jsonl").is_file()
    (command,) = printed(here("show", run, "--runs", RUNS).stdout.split("go on with: ")[1])
    assert command == ["resume", run, "--runs", RUNS]


def test_names_with_blanks_are_quoted(here: InProcess) -> None:
    done = here("config", "init", "count", "--output", "my job.toml")
    (command,) = printed(done.stderr)
    assert command == ["run", "my job.toml"]


def test_a_run_that_is_driven_is_not_said_to_go_on(here: InProcess) -> None:
    from heliostat.store.folder import RunFolder
    from heliostat.store.journal import Journal
    from heliostat.store.lock import RunLock

    begin(here, "count", "-o", "rounds=1")
    folder = RunFolder(here.folder / RUNS / name_of(here.folder / RUNS))
    journal = Journal(folder.database, folder.artifacts)
    journal.change(state="running")
    journal.close()
    lock = RunLock(folder.lock)
    lock.acquire()
    said = here("show", folder.id, "--runs", RUNS).stdout
    lock.release()
    assert "is driving it" in said
    assert "resume" not in said
    assert "go on with: heliostat resume" in here("show", folder.id, "--runs", RUNS).stdout


def test_a_method_without_words_of_its_own_shows_its_declared_outputs(here: InProcess) -> None:
    done = begin(here, "speechless")
    run = name_of(here.folder / RUNS)
    for text in (done.stdout, here("show", run, "--runs", RUNS).stdout):
        assert "price    7.653 USD\n" in text
        assert "seconds  0.125 s\n" in text
        assert "hidden" not in text


@pytest.mark.parametrize("method", ["bad_data", "nowhere"])
def test_a_run_that_is_removed_is_said_to_have_left_nothing(here: InProcess, method: str) -> None:
    done = begin(here, method)
    assert done.returncode in (2, 6)
    named, removed, error = done.stderr.splitlines()
    run = named.removeprefix("run ").removesuffix("; in this process")
    assert removed == f"run {run} left nothing: no task was evaluated"
    assert error.startswith("error: ")
    assert not list((here.folder / RUNS).iterdir())
