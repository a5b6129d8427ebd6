"""Data sets by name and by file: what a table was taken for is told, mistakes are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from in_process import InProcess

from heliostat_methods.parts.csv_table import csv_inputs

ROOMS = ["size,city,rooms", *(f"{i}.5,c{i},{i % 9 + 1}" for i in range(30))]
TOLD = (
    "csv:rooms.csv: 30 rows, inputs size; left out: city (text, 30 values in 30 rows); "
    'target rooms: classification, 9 classes; task="regression" changes it\n'
)
RUN = ("run", "tuned_table", "--workers", "serial", "--no-report", "-o")


@pytest.fixture
def here(tmp_path: Path) -> InProcess:
    """`heliostat` in this process, in a folder that holds rooms.csv."""
    (tmp_path / "rooms.csv").write_text("\n".join(ROOMS))
    return InProcess(tmp_path)


def test_a_run_begins_with_what_a_table_was_taken_for(here: InProcess) -> None:
    done = here(*RUN, "data=csv:rooms.csv")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(TOLD) == 1
    assert "rooms.csv" not in done.stdout


def test_a_search_on_a_table_as_it_comes_keeps_what_makes_inputs_of_new_rows(
    here: InProcess,
) -> None:
    """Gaps, text, dates, a decimal comma; told first and last, kept, and the same when verified."""
    cities = ("bern", "oslo", "rome")
    body = [
        f"{i},5;{i % 11 if i % 9 else 'NA'};{cities[i % 3]};2024-01-{i % 28 + 1:02};{i % 13},25"
        for i in range(90)
    ]
    (here.folder / "flats.csv").write_text("\n".join(["size;rooms;city;day;price", *body]))
    done = here("run", "evomal", "--preset", "smoke", "--workers", "serial", "-o", "generations=1",
                "-o", "meta_steps=3", "-o", "test_steps=10", "-o", "datasets=csv:flats.csv",
                "-o", 'initial=["square(sub(y, f))"]')  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "csv:flats.csv: delimiter ';', decimal comma; 90 rows" in done.stderr
    assert "data: 90 rows (54 to train, 18 for validation, 18 to test), 7 inputs" in done.stdout
    assert "filled: rooms (10 of 90, by the median)" in done.stdout
    (page,) = here.runs.glob("*/report.html")
    assert "<strong>Filled: rooms (10 of 90, by the median).</strong>" in page.read_text()
    assert here("losses", "export", "last", "-o", "loss.json").returncode == 0
    kept = json.loads((here.folder / "loss.json").read_text())["labels"]["data"]["preprocessing"]
    inputs = csv_inputs(here.folder / "flats.csv", kept)
    assert inputs.shape == (90, 7)
    assert abs(inputs.mean(0)).max() < 0.5
    assert here("verify", "last").returncode == 0


def test_a_table_is_told_once_in_a_tuning(here: InProcess) -> None:
    (here.folder / "space.toml").write_text("section.width = {low = 1, high = 64}\n")
    done = here("tune", "tuned_table", "--space", "space.toml", "--trials", "3",
                *RUN[2:], "data=csv:rooms.csv")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(TOLD) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("csv", "data = 'csv': expected csv:PATH"),
        ("csv:", "data = 'csv:': expected csv:PATH"),
        ("rooms.csv", "did you mean 'csv:rooms.csv'?"),
        ("../Other Rooms.CSV", "did you mean 'csv:../Other Rooms.CSV'?"),
        ("dibaetes", "did you mean 'diabetes'?; or of a file, adult:..., california_housing:..."),
    ],
)
def test_a_file_that_is_named_wrongly_gets_the_right_name(
    here: InProcess, name: str, told: str
) -> None:
    done = here(*RUN, f"data={name}")
    assert done.returncode == 2
    assert told in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
