"""What a message offers in place of a name that is not there."""

from __future__ import annotations

import pytest
from in_process import InProcess

from heliostat.errors import RunNotFound, did_you_mean
from heliostat.names import SUGGESTED

RUNS = [f"20260101-0000{n:02}-count-{n:04x}" for n in range(30)]


@pytest.mark.parametrize(
    ("name", "choice"),
    [("rum", "run"), ("resme", "resume"), ("comprae", "compare"), ("verfy", "verify")],
)
def test_a_slip_of_the_finger_is_taken_for_what_was_meant(name: str, choice: str) -> None:
    assert did_you_mean(name, SUGGESTED) == f"did you mean {choice!r}?"


@pytest.mark.parametrize("name", ["nope", "foo", "2026"])
def test_what_is_far_from_every_choice_is_taken_for_none(name: str) -> None:
    assert did_you_mean(name, ["run", "tune", "compare"]) == "valid choices: run, tune, compare"


def test_many_choices_are_listed_in_part_with_their_number() -> None:
    text = did_you_mean("?", [f"field_{n}" for n in range(1000)])
    assert text.startswith("valid choices: field_0, field_1, ")
    assert text.endswith(", ... (1000 in all)")
    assert len(text) < 300


def test_a_run_that_is_not_there_names_the_newest_few() -> None:
    text = str(RunNotFound("elsewhere", RUNS, "runs"))
    assert text.startswith(f"no run 'elsewhere' in runs; valid choices: {RUNS[0]}, ")
    assert text.endswith("(30 in all)")
    assert RUNS[5] not in text


def test_a_name_of_several_runs_is_not_said_to_be_none() -> None:
    text = str(RunNotFound("2026", RUNS, "runs", several=True))
    assert text.startswith(f"several runs of runs have '2026' in their names: {RUNS[0]}, ")
    assert "no run" not in text
    assert text.endswith("(30 in all); give more of it")


def test_a_folder_without_runs_is_said_to_have_none(here: InProcess) -> None:
    done = here("watch")
    assert done.returncode == 5
    assert "there are no runs there" in done.stderr and "choices" not in done.stderr


@pytest.mark.parametrize("verb", [["ls"], ["du"], ["show", "last"]])
def test_what_is_no_folder_is_no_folder_of_runs(here: InProcess, verb: list[str]) -> None:
    (here.folder / "notes.txt").write_text("mine")
    done = here(*verb, "--runs", "notes.txt")
    assert done.returncode == 2
    assert "--runs" in done.stderr and "notes.txt is no folder" in done.stderr
