"""A run whose method is not loaded here: what the journal holds is shown, with a note."""

from __future__ import annotations

import pytest
from going_runs import GoingRun
from in_process import InProcess

from heliostat.store.record import UsedPlugin

NAME = "20260101-000000-tides-aaaa"
LOADED = {
    "the run began in . with HELIOSTAT_LOAD naming tides": (
        UsedPlugin("tides", "HELIOSTAT_LOAD", ""),
    ),
    "the run began with plugins of heliostat-plugin-tides 1.2": (
        UsedPlugin("tides", "heliostat-plugin-tides", "1.2"),
    ),
    "name its module or file in HELIOSTAT_LOAD": (),
}


@pytest.mark.parametrize("said", LOADED)
def test_show_tells_in_a_line_how_it_was_loaded(here: InProcess, said: str) -> None:
    run = GoingRun(here.runs, NAME, "tides", plugins=LOADED[said])
    run.step(1, 9, level=0.5)
    run.end()
    done = here("show", NAME)
    assert done.returncode == 0
    assert "method    tides" in done.stdout
    (note,) = done.stderr.splitlines()
    assert note.startswith(f"note: method tides is not loaded here; {said}")


def test_a_report_has_what_every_run_shows_and_the_note(here: InProcess) -> None:
    run = GoingRun(here.runs, NAME, "tides", plugins=(UsedPlugin("tides", "HELIOSTAT_LOAD", ""),))
    run.step(1, 9, level=0.5)
    run.end("interrupted")
    done = here("report", NAME)
    assert done.returncode == 0
    assert "is not loaded here" in done.stderr
    html = run.folder.report.read_text()
    for text in ("is not loaded here", "HELIOSTAT_LOAD naming tides", "Configuration", "Workers"):
        assert text in html
