"""What the display on a terminal shows, at the width that the terminal has."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from heliostat.cli.progress import LiveProgress, PlainProgress
from heliostat.cli.progress_table import Column, Columns
from heliostat.executors.choice import Execution

METRICS = {
    "best_fitness": 0.46241,
    "median_fitness": 1.2345,
    "accepted": 1234.0,
    "rejected_early": 5678.0,
    "equal_gradient": 91011.0,
    "raced": 121314.0,
    "trained_to_the_end": 151617.0,
    "unique_expressions": 181920.0,
}
METHOD = SimpleNamespace(unit="candidates", methods_run=())


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> LiveProgress:
    monkeypatch.setenv("COLUMNS", "80")
    display = LiveProgress(METHOD)  # type: ignore[arg-type]
    display.begin("20260101-000000-evomal-abcd")
    return display


def heads(columns: list[Column]) -> list[str]:
    return [column.head for column in columns]


def test_columns_that_do_not_fit_whole_are_left_out_the_last_ones_first() -> None:
    columns = [Column("step", ["10/100"]), Column("a", ["123456"]), Column("b", ["123456"])]
    assert heads(Columns().fitting(columns, 22)) == ["step", "a", "b"]
    assert heads(Columns().fitting(columns, 21)) == ["step", "a"]
    assert heads(Columns().fitting(columns, 13)) == ["step"]


def test_a_column_keeps_the_width_that_it_once_needed() -> None:
    columns = Columns()
    assert heads(columns.fitting([Column("a", ["1" * 10]), Column("b", ["22"])], 12)) == ["a"]
    assert heads(columns.fitting([Column("a", ["1"]), Column("b", ["22"])], 12)) == ["a"]


def test_no_value_and_no_word_of_a_heading_is_cut_at_80_columns(
    shown: LiveProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    for scope in ((0, 0), (0, 1)):
        shown.on_report(scope, 3, 16, 10.0, METRICS)
    shown.end()
    text = capsys.readouterr().err
    assert "…" not in text
    assert "..." not in text
    assert max(map(len, text.splitlines())) <= 80
    words = text.split()
    for whole in ("step", "left", "3/16", "best", "fitness", "0.4624", "1.234", "0.1"):
        assert whole in words
    rows = [line for line in text.splitlines() if not line.startswith("run")]
    places = [next(row.index(word) for row in rows if word in row) for word in ("3/16", "0.4624")]
    assert places == sorted(places)


def test_a_method_with_one_search_has_no_column_of_names(
    shown: LiveProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    shown.on_report((), 1, 2, None, {"best": 0.5})
    shown.end()
    text = capsys.readouterr().err
    assert "main" not in text
    assert "search" not in text


def test_the_start_of_ray_is_said_until_there_is_work(
    shown: LiveProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    shown.on_event("starting", "ray local")
    assert "starting Ray ..." in str(shown._picture())
    shown.on_tick()
    assert "waiting for the first results ..." in str(shown._picture())
    shown.end()
    shown = LiveProgress(METHOD)  # type: ignore[arg-type]
    shown.on_event("starting", "ray [::1]:6379")
    assert str(shown._picture()) == "joining Ray at [::1]:6379 ..."


@pytest.mark.parametrize("display", [PlainProgress, LiveProgress])
@pytest.mark.parametrize(
    ("execution", "words"),
    [
        (Execution(workers=0), "in this process"),
        (Execution(workers=1), "starting Ray with 1 worker"),
        (Execution(workers=2), "starting Ray with 2 workers"),
        (Execution(address="head:6379"), "joining Ray at head:6379"),
    ],
)
def test_a_run_is_named_at_once_with_where_it_works(
    display: type[PlainProgress],
    execution: Execution,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = display(METHOD)  # type: ignore[arg-type]
    shown.begin("20260101-000000-evomal-abcd", execution.where)
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith(f"run 20260101-000000-evomal-abcd; {words}")
    shown.on_event("starting", "ray local" if execution.workers else "serial")
    shown.on_tick()
    shown.on_commit([])
    shown.end()
    assert "20260101-000000-evomal-abcd" not in capsys.readouterr().err


def test_a_run_that_goes_on_says_where_once_it_needs_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = PlainProgress(METHOD)  # type: ignore[arg-type]
    shown.begin("20260101-000000-evomal-abcd", "starting Ray with 2 workers", goes_on=True)
    assert capsys.readouterr().err == "run 20260101-000000-evomal-abcd goes on\n"
    shown.on_event("starting", "ray local")
    assert capsys.readouterr().err == "starting Ray with 2 workers\n"


def test_the_table_has_the_phase_of_each_search(
    shown: LiveProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, data in enumerate(("diabetes", "digits")):
        shown.on_phase((0, number), f"{data}: searching")
        shown.on_report((0, number), 3, 16, 10.0, METRICS)
    shown.end()
    rows = capsys.readouterr().err.splitlines()
    assert any("0.1" in row and "digits: searching" in row and "3/16" in row for row in rows)
    assert max(map(len, rows)) <= 80


def test_searches_beyond_the_newest_are_counted(
    shown: LiveProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(30):
        shown.on_report((0, number), 1, 2, None, {})
    shown.end()
    text = capsys.readouterr().err
    assert "and 18 earlier searches" in text
    assert "0.29" in text
    assert "0.17" not in text


def test_no_time_is_left_at_the_end_of_a_phase(capsys: pytest.CaptureFixture[str]) -> None:
    shown = PlainProgress(METHOD)  # type: ignore[arg-type]
    shown.on_report((), 1, 2, None, {})
    shown.on_report((), 2, 2, None, {})
    assert capsys.readouterr().err.splitlines() == ["step 1/2", "step 2/2"]
