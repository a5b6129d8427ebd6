"""What the display on a terminal shows, at the width that the terminal has."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from heliostat.cli.progress import LiveProgress, PlainProgress
from heliostat.cli.progress_table import Column, Columns

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
def test_a_run_is_named_once_there_is_work(
    display: type[PlainProgress], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = display(METHOD)  # type: ignore[arg-type]
    shown.begin("20260101-000000-evomal-abcd")
    shown.on_event("part", "csv:table.csv: 300 rows")
    assert capsys.readouterr().err == "csv:table.csv: 300 rows\n"
    shown.on_event("starting", "ray 10.0.0.2:6379")
    assert "20260101" not in capsys.readouterr().err
    shown.on_event("starting", "serial")
    shown.on_tick()
    shown.on_commit([])
    shown.end()
    assert capsys.readouterr().err.count("run 20260101-000000-evomal-abcd") == 1


def test_no_time_is_left_at_the_end_of_a_phase(capsys: pytest.CaptureFixture[str]) -> None:
    shown = PlainProgress(METHOD)  # type: ignore[arg-type]
    shown.on_report((), 1, 2, None, {})
    shown.on_report((), 2, 2, None, {})
    assert capsys.readouterr().err.splitlines() == ["step 1/2", "step 2/2"]
