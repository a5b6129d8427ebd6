"""A run folder that lost a part: told as damaged, by every command that meets it."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def run(here: Any) -> str:
    name: str = here.json("run", "everything", "--workers", "serial", "--no-report")["run"]
    return name


def test_a_damaged_artifact_is_no_difference(here: Any, run: str) -> None:
    rows = [json.loads(line) for line in here("export", run).stdout.splitlines()]
    sha256 = next(name for row in rows for name in row["shared"])
    shared = here.runs / run / "artifacts" / sha256[:2] / sha256
    shared.write_bytes(b"x" + shared.read_bytes()[1:])
    done = here("verify", run)
    assert done.returncode == 5
    assert "is damaged: expected" in done.stderr
    assert "differs" not in done.stdout


def test_a_folder_without_its_journal_is_listed_as_damaged(here: Any, run: str) -> None:
    (here.runs / run / "run.db").unlink()
    (row,) = here.json("ls")
    assert (row["run"], row["state"]) == (run, "damaged")
    done = here("show", run)
    assert done.returncode == 5
    assert "the run's journal run.db, found no such file" in done.stderr


def test_other_folders_are_no_runs(here: Any) -> None:
    for name in ("notes", "20260131-142530-mymethod-k3f9", ".20260131-142530-mymethod-0000"):
        (here.runs / name).mkdir(parents=True)
    assert here.json("ls") == []
