"""Runs are removed whole and only where nobody needs them; what they take is shown."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess

from heliostat.cli.sizes import seconds_in
from heliostat.errors import ConfigError
from heliostat.store.folder import RunFolder
from heliostat.store.lock import RunLock

QUICK = ("--workers", "serial", "--no-report")


@pytest.fixture
def here(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path, "heliostat_part_methods")


def begun(here: InProcess, method: str = "count", *options: str) -> str:
    return str(here.json("run", method, *QUICK, *options)["run"])


def names(here: InProcess) -> set[str]:
    return {path.name for path in here.runs.iterdir()}


def test_named_runs_are_removed(here: InProcess) -> None:
    first, second, third = begun(here), begun(here, "count", "--name", "base"), begun(here)
    account = here.json("rm", first, "base", "base", "--yes")
    assert [row["run"] for row in account["removed"]] == [first, second]
    assert all(row["bytes"] > 10_000 for row in account["removed"])
    assert names(here) == {third}


def test_nothing_goes_where_nobody_can_be_asked(here: InProcess) -> None:
    run = begun(here)
    for options in ((), ("--json",)):
        done = here("rm", run, *options)
        assert done.returncode == 2
        assert "--yes" in done.stderr
    assert names(here) == {run}


@pytest.mark.parametrize("answer, left", [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_terminal_is_asked(
    here: InProcess, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    run = begun(here)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    done = here("rm", run)
    assert done.returncode == 0
    assert run in done.stdout
    assert len(names(here)) == left
    assert ("removed 1 run of" in done.stdout) is (left == 0)


def test_a_dry_run_removes_nothing(here: InProcess) -> None:
    run = begun(here)
    account = here.json("rm", "--method", "count", "--dry-run")
    assert [row["run"] for row in account["would_remove"]] == [run]
    assert account["removed"] == []
    assert names(here) == {run}


def test_a_run_that_is_driven_stays(here: InProcess) -> None:
    run, other = begun(here), begun(here)
    lock = RunLock(here.runs / run / "lock")
    lock.acquire()
    lock.sign()
    try:
        done = here("rm", run, other, "--yes")
        assert done.returncode == 5
        assert f"run {run} is being driven by process {os.getpid()}" in done.stderr
        assert names(here) == {run, other}  # all of those named, or none
        account = here.json("rm", "--method", "count", "--yes")
    finally:
        lock.release()
    assert [row["run"] for row in account["removed"]] == [other]
    assert account["kept"][0]["run"] == run
    assert names(here) == {run}


def test_a_run_whose_product_another_one_uses_stays(here: InProcess) -> None:
    made = begun(here, "leaves_loss", "--name", "mine")
    (here.folder / "t.csv").write_text("x,y\n" + "".join(f"{i},{i}\n" for i in range(12)))
    user = begun(here, "builds_parts", "-o", "loss=run:mine", "-o", "data=csv:t.csv")
    here("note", made, "--name", "")  # whatever it is called now, the product is its
    done = here("rm", made, "--yes")
    assert done.returncode == 5
    assert f"{made}: run {user} uses it (loss run:mine)" in done.stderr
    account = here.json("rm", "--older", "0s", "--method", "leaves_loss", "--yes")
    assert [row["run"] for row in account["kept"]] == [made]
    assert names(here) == {made, user}
    assert here("rm", made, user, "--yes").returncode == 0  # both together
    assert names(here) == set()


def test_an_equal_product_of_another_run_is_not_taken_for_this_one_s(here: InProcess) -> None:
    first, second = begun(here, "leaves_loss"), begun(here, "leaves_loss")
    (here.folder / "t.csv").write_text("x,y\n" + "".join(f"{i},{i}\n" for i in range(12)))
    begun(here, "builds_parts", "-o", f"loss=run:{first}", "-o", "data=csv:t.csv")
    assert here("rm", second, "--yes").returncode == 0
    assert here("rm", first, "--yes").returncode == 5


def test_runs_are_chosen_by_age_state_method_and_tag(here: InProcess) -> None:
    old, tagged = begun(here, "keeps"), begun(here, "count", "--tag", "try=1", "--tag", "x")
    failed = here("run", "ends_badly", *QUICK)
    assert failed.returncode != 0
    (bad,) = names(here) - {old, tagged}
    journal = here.runs / old / "run.db"
    month = time.time() - 30 * 86400
    os.utime(journal, (month, month))

    def would(*options: str) -> set[str]:
        account = here.json("rm", *options, "--dry-run")
        return {row["run"] for row in account["would_remove"]}

    assert would("--state", "failed") == {bad}
    assert would("--state", "failed", "--state", "finished") == {old, tagged, bad}
    assert would("--method", "keeps") == {old}
    assert would("--tag", "try") == would("--tag", "try=1") == would("--tag", "x") == {tagged}
    assert would("--tag", "try=2") == would("--tag", "x", "--state", "failed") == set()
    assert would("--older", "1h") == set()  # begun today, whatever the file says


def test_an_old_run_is_chosen(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begun(here)
    now = time.time()
    monkeypatch.setattr("heliostat.ops.removal.time.time", lambda: now + 31 * 86400)
    account = here.json("rm", "--older", "30d", "--yes")
    assert [row["run"] for row in account["removed"]] == [run]


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "either names of runs, or options"),
        (("last", "--state", "failed"), "either names of runs, or options"),
        (("--state", "fialed"), "did you mean 'failed'?"),
        (("--state", "running"), "--state = 'running'"),
        (("--older", "30"), "30d, 12h or 90m"),
        (("nowhere",), "no run 'nowhere'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    here: InProcess, words: tuple[str, ...], said: str
) -> None:
    begun(here)
    done = here("rm", *words, "--yes")
    assert done.returncode in (2, 5)
    assert said in done.stderr
    assert len(names(here)) == 1


def test_a_damaged_run_is_removed(here: InProcess) -> None:
    first, second = begun(here), begun(here)
    (here.runs / first / "run.db").write_text("no database")
    (here.runs / second / "run.db").unlink()
    assert {row["method"] for row in here.json("du")["runs"]} == {"damaged"}
    account = here.json("rm", "--state", "damaged", "--dry-run")
    assert {row["run"] for row in account["would_remove"]} == {first, second}
    assert here("rm", first, second, "--yes").returncode == 0
    assert names(here) == set()


def test_no_half_of_a_run_is_seen(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begun(here)
    seen = []

    def killed(path: Path, **options: Any) -> None:
        seen.extend(here.json("ls"))
        raise KeyboardInterrupt

    monkeypatch.setattr("heliostat.ops.removal.shutil.rmtree", killed)
    assert here("rm", run, "--yes").returncode == 130
    assert seen == [] and len(names(here)) == 1
    monkeypatch.undo()
    other = begun(here)
    assert here("rm", other, "--yes").returncode == 0
    assert names(here) == set()  # what the first one left, too


def test_links_are_never_followed(here: InProcess, tmp_path: Path) -> None:
    run = begun(here)
    elsewhere = Path(shutil.move(here.runs / run, tmp_path / "kept"))
    (here.runs / run).symlink_to(elsewhere)
    assert here("rm", run, "--yes").returncode == 0
    assert (elsewhere / "run.db").exists() and names(here) == set()
    outside = tmp_path / "precious"
    outside.mkdir()
    (outside / "file").write_text("kept")
    (elsewhere / "artifacts").mkdir(exist_ok=True)
    (elsewhere / "artifacts" / "out").symlink_to(outside)
    (elsewhere / "lock").unlink()
    (elsewhere / "lock").symlink_to(outside / "file")
    assert here("rm", str(elsewhere), "--yes").returncode == 0
    assert not elsewhere.exists() and (outside / "file").read_text() == "kept"


def test_du_shows_what_is_where(here: InProcess) -> None:
    small = begun(here, "count", "--name", "small")
    here.json("run", "everything", "--workers", "serial")
    found = here.json("du")
    assert [row["method"] for row in found["runs"]] == ["everything", "count"]
    large = found["runs"][0]
    assert large["artifacts"] > 0 < large["report"]
    parts = ("artifacts", "database", "report", "other")
    for row in found["runs"]:
        assert row["bytes"] == sum(row[part] for part in parts)
        assert row["bytes"] == RunFolder(here.runs / row["run"]).size()
    assert found["runs"][1]["run"] == small
    here("note", large["run"], "--name", "x" * 80)
    assert max(map(len, here("du").stdout.splitlines())) <= 80
    here("note", large["run"], "--name", "")
    lines = here("du").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        "everything", large["run"], "count", "small", "all",
    ]  # fmt: skip


def test_nothing_in_a_name_reaches_a_terminal_as_it_is(here: InProcess) -> None:
    run = begun(here)
    (here.runs / run / "marks.json").write_text(
        json.dumps({"name": "", "note": "\x1b[2J", "tags": {"a": "\x1b"}})
    )
    for words in (("du",), ("rm", "--tag", "a", "--dry-run")):
        assert "\x1b" not in here(*words).stdout


def test_times_in_words() -> None:
    assert [seconds_in("--older", text) for text in ("30d", "1.5h", "90m", "2w", "0s")] == [
        2_592_000, 5400, 5400, 1_209_600, 0,
    ]  # fmt: skip
    for text in ("", "30", "d", "-1d", "1e9d", "1 d", "1y"):
        with pytest.raises(ConfigError):
            seconds_in("--older", text)
