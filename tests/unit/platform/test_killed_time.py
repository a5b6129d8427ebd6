"""How long a run took whose driver was killed before it could say so."""

from __future__ import annotations

from pathlib import Path

from going_runs import GoingRun
from in_process import InProcess

from heliostat.amounts import took
from heliostat.store.view import RunView


def killed(here: InProcess, elapsed: float, starts: int = 1, spent: float = 0.0) -> Path:
    run = GoingRun(here.runs, "20260101-000000-group_means-aaaa", starts=starts, spent=spent)
    if elapsed:
        run.journal.add_metrics((), 1, 9, 1.0, {"x": 0.5}, elapsed)
    run.end("running")
    return run.folder.path


def test_what_the_journal_knows_is_the_least(here: InProcess) -> None:
    run = killed(here, 46.0)
    assert "took      at least 46 s" in here("show", str(run)).stdout
    assert "at least 46 s" in here("ls").stdout
    assert "stopped, at least 46 s" in here("watch", str(run), "--once").stdout
    (line,) = here.json("ls")
    assert line["seconds"] == 46.0


def test_starts_that_ended_by_themselves_are_not_forgotten(here: InProcess) -> None:
    run = killed(here, 46.0, starts=2, spent=120.0)
    assert "took      at least 2 min 0 s" in here("show", str(run)).stdout


def test_events_tell_of_time_as_well(here: InProcess) -> None:
    run = GoingRun(here.runs, "20260101-000000-group_means-bbbb", starts=1)
    run.journal.change(created=run.journal.record.created - 60.0)
    run.phase("pricing")
    run.end("running")
    view = RunView(run.folder)
    assert 60.0 <= view.seconds() < 90.0
    view.close()


def test_nothing_known_is_a_dash() -> None:
    assert took(0.0, "stopped") == "–"
    assert took(0.0, "finished") == "0 s"
