"""Names, notes and tags: given at the start or later, found wherever a run is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from in_process import InProcess

QUICK = ("--workers", "serial", "--no-report")


def begun(here: InProcess, *options: str) -> str:
    return str(here.json("run", "count", *QUICK, *options)["run"])


def test_a_run_is_named_at_its_start_and_found_by_its_name(here: InProcess) -> None:
    run = begun(here, "--name", "base", "--note", "as published", "--tag", "paper=1", "--tag", "x")
    begun(here)
    said = here.json("note", "base")
    assert said == {
        "run": run,
        "name": "base",
        "note": "as published",
        "tags": {"paper": "1", "x": ""},
    }
    assert here.json("show", "base")["run"] == run
    assert here("export", "base").returncode == here("verify", "base").returncode == 0
    assert here("resume", "base", *QUICK).returncode == 0
    assert here("report", "base").returncode == 0
    assert here.json("compare", "base", "last")["equal"] is True


def test_a_run_is_named_when_it_goes_on(here: InProcess) -> None:
    run = begun(here, "--name", "base", "--tag", "a=1")
    here.json("resume", run, *QUICK, "--name", "later", "--tag", "b=2")
    said = here.json("note", run)
    assert (said["name"], said["tags"]) == ("later", {"a": "1", "b": "2"})


def test_a_note_is_changed_piece_by_piece_and_shown(here: InProcess) -> None:
    run = begun(here, "--tag", "a=1", "--tag", "b")
    here("note", run, "--name", "base", "--note", "one\ntwo")
    done = here("note", "base", "--untag", "a")
    assert done.stdout.splitlines() == [
        f"run   {run}",
        "name  base",
        "note  one",
        "note  two",
        "tag   b",
    ]
    assert here("note", "base", "--name", "", "--note", "").returncode == 0
    assert here.json("note", run) == {"run": run, "name": "", "note": "", "tags": {"b": ""}}


def test_a_name_that_another_run_has_is_refused_naming_that_run(here: InProcess) -> None:
    first = begun(here, "--name", "base")
    for words in (("run", "count", *QUICK), ("note", begun(here))):
        done = here(*words, "--name", "base")
        assert done.returncode == 2
        assert first in done.stderr and "--name" in done.stderr
    assert len(list(here.runs.iterdir())) == 2  # nothing was begun
    assert here("note", "base", "--name", "base").returncode == 0  # its own
    done = here("run", "count", *QUICK, "--name", first)
    assert done.returncode == 2 and first in done.stderr


@pytest.mark.parametrize(
    "options, field",
    [
        (("--name", "a b"), "--name"),
        (("--name", "last"), "--name"),
        (("--tag", "=x"), "--tag"),
        (("--note", "x" * 10_001), "--note"),
    ],
)
def test_marks_that_nobody_could_use_begin_no_run(
    here: InProcess, options: tuple[str, ...], field: str
) -> None:
    done = here("run", "count", *QUICK, *options)
    assert done.returncode == 2
    assert field in done.stderr
    assert not here.runs.exists() or not list(here.runs.iterdir())


def test_a_tag_that_is_not_there_is_named_with_the_nearest(here: InProcess) -> None:
    run = begun(here, "--tag", "paper=1")
    done = here("note", run, "--untag", "papr")
    assert done.returncode == 2
    assert "did you mean 'paper'?" in done.stderr


def test_marks_change_no_digest_and_no_journal(here: InProcess) -> None:
    run = begun(here)
    before = (here.runs / run / "run.db").read_bytes()
    here("note", run, "--name", "base", "--note", "a", "--tag", "b")
    assert (here.runs / run / "run.db").read_bytes() == before
    assert here.json("verify", "base")["different"] == []


def test_what_somebody_else_wrote_reaches_no_terminal_as_it_is(here: InProcess) -> None:
    run = begun(here)
    marks = {"name": "", "note": "\x1b[2Jgone", "tags": {}}
    (here.runs / run / "marks.json").write_text(json.dumps(marks))
    done = here("note", run)
    assert "\x1b" not in done.stdout and "gone" in done.stdout


def test_a_tuning_is_named_as_any_run(here: InProcess) -> None:
    (here.folder / "space.toml").write_text("width = {low = 1, high = 8}\n")
    words = ("--space", "space.toml", "--trials", "3", "--sampler", "random")
    here.json("tune", "keeps", *words, *QUICK, "--name", "tuned")
    assert here.json("note", "tuned")["run"].split("-")[2] == "tune"


def test_a_product_is_named_by_the_name_of_its_run(tmp_path: Any) -> None:
    here = InProcess(tmp_path, "heliostat_part_methods")
    run = here.json("run", "leaves_loss", "-o", "power=2", *QUICK, "--name", "squared")["run"]
    other = here.json("run", "leaves_loss", "-o", "power=1", *QUICK)["run"]
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{i * i}\n" for i in range(12)))
    words = ("run", "builds_parts", *QUICK, "-o", "data=csv:t.csv", "-o")
    user = here.json(*words, "loss=run:squared", "--name", "user")
    assert user["result"]["value"] == pytest.approx(14.0)
    inputs, direct = (
        here.json("show", one)["inputs"]
        for one in ("user", here.json(*words, f"loss=run:{run}")["run"])
    )
    # what was written is the label, what is meant is the hash
    assert inputs["loss run:squared"] == direct[f"loss run:{run}"]
    # the name may go to another run: this one goes on with the product that it began with
    here("note", run, "--name", "")
    here("note", other, "--name", "squared")
    assert here.json("verify", "user")["different"] == []
    assert here.json("resume", "user", *QUICK)["digest"] == user["digest"]
