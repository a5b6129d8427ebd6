"""What people see of runs that go on, have failed, or are done: ls, show, log, watch."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from in_process import InProcess

from heliostat.cli.verbs import log as log_verb
from heliostat.cli.verbs import watch as watch_verb
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.lock import RunLock
from heliostat.store.marks import Marks, write_marks

SERIAL = ("--workers", "serial", "--no-report")


@pytest.fixture
def here(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path, "watched_methods")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_verb, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(log_verb, "LOOK_SECONDS", 0.02)


def begin(here: InProcess, *more: str, method: str = "phases") -> RunFolder:
    before = set(here.runs.iterdir()) if here.runs.exists() else set()
    here("run", method, *SERIAL, *more)
    (path,) = set(here.runs.iterdir()) - before
    return RunFolder(path)


def change(folder: RunFolder, **fields: Any) -> None:
    journal = Journal(folder.database, folder.artifacts)
    journal.change(**fields)
    journal.close()


class Driven:
    """A run that seems to be driven, until it is let go."""

    def __init__(self, folder: RunFolder) -> None:
        change(folder, state="running")
        self.folder, self.lock = folder, RunLock(folder.lock)
        self.lock.acquire()
        self.lock.sign()

    def ends(self, state: str = "finished") -> None:
        change(self.folder, state=state)
        self.lock.release()


# One number


def test_tasks_are_one_number_everywhere(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    done, stopped = begin(here, method="everything"), begin(here, method="count")
    journal = Journal(stopped.database, stopped.artifacts)
    journal.save_calls({(3,): 2})  # its search saw two of the last five
    journal.change(state="interrupted", digest=None, result=None)
    journal.close()
    lines = {line["run"]: line for line in here.json("ls")}
    assert lines[stopped.id]["outcomes"] == 17
    for run in (done, stopped):
        line, shown = lines[run.id], here.json("show", run.id)
        checked = here.json("verify", run.id)
        count, stored = line["outcomes"], line["stored"]
        # what a worker did ahead for a search that left its stream is stored only
        said = f"{count}" if count == stored else f"{count} ({stored} stored)"
        for name in ("outcomes", "stored"):
            assert line[name] == shown[name] == checked[name]
        assert f"tasks     {said}\n" in here("show", run.id).stdout
        assert f" {said} tasks" in here("verify", run.id).stdout
        here("report", run.id)
        assert f" of {said} tasks failed" in run.report.read_text()
    assert "17 (20 stored)" in here("ls").stdout


# ls


def test_runs_are_chosen_by_state_method_and_tag(here: InProcess) -> None:
    done = begin(here)
    failed = begin(here, "-o", "fails_at=2")
    other = begin(here, method="limited")
    write_marks(done.path, Marks("tuesday", "", {"series": "b"}))

    def chosen(*options: str) -> list[str]:
        return [line["run"] for line in here.json("ls", *options)]

    assert chosen() == [other.id, failed.id, done.id]
    assert chosen("--state", "failed") == [failed.id]
    assert chosen("--state", "failed", "--state", "finished", "--method", "phases") == [
        failed.id, done.id,
    ]  # fmt: skip
    assert chosen("--tag", "series") == chosen("--tag", "series=b") == [done.id]
    assert chosen("--tag", "series=c") == []
    assert chosen("--limit", "1") == [other.id]
    assert chosen("--sort=-begin", "--limit", "1") == [done.id]
    assert "none of the 3 runs" in here("ls", "--state", "paused").stderr
    text = here("ls").stdout
    assert "tuesday" in text
    assert "digits, wine" in text
    assert "value 0.2" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--state", "finnished"], "did you mean 'finished'?"),
        (["--sort", "sizes"], "did you mean 'size'?"),
        (["--method", "phasis"], "did you mean 'phases'?"),
        (["--limit", "0"], "0"),
    ],
)
def test_ls_refuses_what_it_does_not_know(here: InProcess, options: list[str], said: str) -> None:
    begin(here)
    done = here("ls", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


# show


def test_a_failed_run_shows_what_it_came_to(here: InProcess) -> None:
    run = begin(here, "-o", "fails_at=3", "-o", "steps=9")
    write_marks(run.path, Marks("tuesday", "first try", {"series": "b"}))
    text = here("show", "tuesday").stdout
    for line in (
        "name      tuesday",
        "note      first try",
        "tags      series=b",
        "on        digits, wine",
        "state     failed",
        "best      value 0.3333",
    ):
        assert f"{line}\n" in text
    assert "digits: searching" in text
    assert "3/9" in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("command")) <= 120


def test_a_run_that_was_stopped_has_its_products_and_best(here: InProcess) -> None:
    run = begin(here)
    change(run, state="interrupted", result=None, digest=None, best={})
    shown = here.json("show", run.id)
    assert [one["name"] for one in shown["products"]] == ["best-digits", "best-wine"]
    assert shown["best"] == {"value": 0.2}
    assert (shown["state"], shown["phase"]) == ("interrupted", "waiting")
    assert shown["step"] == 0  # of the phase that it was in


def test_a_failed_task_names_its_own_lines_and_the_command_for_the_rest(here: InProcess) -> None:
    done = here("run", "phases", *SERIAL, "-o", "fails_at=2")
    assert done.returncode == 4
    lines = done.stderr.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("error: "))
    assert "failed (ArithmeticError): no worth" in lines[at]
    assert lines[at + 1] == "of step 2"
    frames = [line for line in lines[at:] if line.startswith("  File ")]
    assert [frame.rpartition(", in ")[2] for frame in frames] == ["worth", "_never"]
    assert all("watched_methods.py" in frame for frame in frames)
    assert '    raise ArithmeticError(f"no worth\\nof step {step}")' in lines
    (command,) = [line for line in lines if line.startswith("the whole failure: ")]
    whole = here(*command.split()[4:])
    assert whole.returncode == 0
    assert "failure   ArithmeticError\nmessage   no worth\nof step 2\nTraceback" in whole.stdout
    assert "evaluate.py" in whole.stdout  # all of it, the engine's frames included
    error = here("show", "last").stdout
    assert frames[-1] in error
    assert "heliostat show" in error


# last


def test_last_is_named_once_on_standard_error(here: InProcess) -> None:
    run = begin(here)
    for verb in ("show", "log", "watch", "report", "verify", "export"):
        done = here(verb, "last")
        assert done.stderr.count(f"last is run {run.id}\n") == 1, verb
        assert "last is run" not in here(verb, run.id).stderr
    assert "last is run" in here("resume", "last", "--no-report").stderr
    assert json.loads(here("show", "last", "--json").stdout)["run"] == run.id


# log


def test_the_log_is_in_local_time_with_its_phases(here: InProcess) -> None:
    run = begin(here)
    text = here("log", run.id).stdout
    year = time.strftime("%Y-%m-%d ")
    assert all(line.startswith(year) for line in text.splitlines())
    assert "phase       searching\n" in text
    assert "phase       [0.1] wine: searching\n" in text
    objects = [json.loads(line) for line in here("log", run.id, "--json").stdout.splitlines()]
    assert {"kind": "phase", "text": " searching"}.items() <= {**objects[1], "time": 0}.items()


def test_a_log_from_anywhere_is_shown_and_not_obeyed(here: InProcess) -> None:
    run = begin(here)
    good = json.dumps({"time": 0, "kind": "note", "text": "\x1b[2J"})
    run.log.write_text(f'{good}\nnot json\n[]\n{{"time": "x"}}\n{"[" * 100_000}\nhalf')
    text = here("log", run.id).stdout
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    run.log.unlink()
    assert "has no log" in here("log", run.id).stderr


def test_a_followed_log_ends_with_its_run(here: InProcess) -> None:
    run = begin(here)
    driven = Driven(run)

    def end() -> None:
        with run.log.open("a") as file:
            file.write(json.dumps({"time": time.time(), "kind": "note", "text": "late"}) + "\n")
        driven.ends()

    timer = threading.Timer(0.2, end)
    timer.start()
    assert "late" in here("log", run.id, "-f").stdout
    timer.join()


# watch


def test_watch_shows_a_run_once(here: InProcess) -> None:
    run = begin(here)
    driven = Driven(run)
    text = here("watch", run.id, "--once").stdout
    one = here.json("watch", run.id, "--once")
    driven.ends()
    for words in (f"run {run.id}", "phases on digits, wine: running", "digits: searching", "5/5"):
        assert words in text
    assert "workers   1, 10 items" in text
    assert max(map(len, text.splitlines())) <= 80
    assert (one["state"], one["best"], one["stored"]) == ("running", {"value": 0.2}, 10)
    scopes = {tuple(search["scope"]): search["phase"] for search in one["searches"]}
    assert scopes == {(): "waiting", (0, 0): "digits: searching", (0, 1): "wine: searching"}


@pytest.mark.parametrize("state", ["finished", "failed", "interrupted", "paused"])
def test_watch_ends_with_the_run_and_says_how_to_go_on(here: InProcess, state: str) -> None:
    run = begin(here)
    driven = Driven(run)
    timer = threading.Timer(0.2, driven.ends, [state])
    timer.start()
    done = here("watch", run.id)
    timer.join()
    assert done.returncode == 0
    said, last = done.stdout.splitlines()[-2:]
    verb = "show" if state == "finished" else "resume"
    assert said == f"run {run.id} is {state}"
    assert last.endswith(f"heliostat {verb} {run.id}")


def test_watch_ends_when_the_driver_is_gone_or_the_run_is_removed(here: InProcess) -> None:
    run = begin(here)
    change(run, state="running")
    assert f"run {run.id} is stopped" in here("watch", run.id).stdout
    driven = Driven(run)

    def remove() -> None:
        run.database.rename(run.path / "elsewhere")

    timer = threading.Timer(0.2, remove)
    timer.start()
    done = here("watch", run.id)
    timer.join()
    driven.lock.release()
    assert done.returncode == 0
    assert f"run {run.id} is gone" in done.stderr


def test_who_watches_leaves_and_the_run_goes_on(
    here: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(here)
    driven = Driven(run)

    def leave(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch_verb.time, "sleep", leave)
    done = here("watch", run.id)
    monkeypatch.undo()
    assert done.returncode == 0
    assert here.json("ls")[0]["state"] == "running"
    driven.ends()


def test_a_run_in_another_process_is_followed_to_its_end(cli: CommandLine) -> None:
    cli.environment["HELIOSTAT_LOAD"] += ",watched_methods"
    here = InProcess(cli.folder, "watched_methods")
    driver = cli.popen("run", "phases", *SERIAL, "-o", "waits=true")
    until = time.monotonic() + 60
    while not any(line["phase"] == "waiting" for line in here.json("ls")):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert "waiting" in here("show", "last").stdout
    timer = threading.Timer(0.3, (cli.folder / "go").touch)
    timer.start()
    looks = [json.loads(line) for line in here("watch", "--json").stdout.splitlines()]
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 0
    assert [looks[0]["state"], looks[-1]["state"]] == ["running", "finished"]
    stored = [look["stored"] for look in looks]
    assert stored == sorted(stored)
    run = looks[-1]["run"]
    lines = said.splitlines()
    assert lines[0] == f"run {run}; in this process"
    assert "searching" in lines
    assert "waiting" in lines


# The start


def test_a_dead_address_is_said_before_anything_is_made(here: InProcess) -> None:
    pytest.importorskip("ray")
    began = time.monotonic()
    done = here("run", "phases", "--address", "127.0.0.1:1")
    assert time.monotonic() - began < 60
    assert done.returncode == 6
    assert done.stderr.startswith("error: no Ray cluster answers at --address 127.0.0.1:1")
    assert not here.runs.exists()
