"""What was written is what is read: bits that flip, rows that go, starts that die, results."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from damaging import Kept, try_damaged
from in_process import InProcess
from journal_rows import execute, rows

from heliostat.contract.instructions import lacking, level_text
from heliostat.worker.instructions import hold

needs_portable = pytest.mark.skipif(bool(lacking()), reason="no AVX2 with FMA here")
SERIAL = ("--workers", "serial", "--no-report")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A finished run with checkpoints and products, made once."""
    return _made(tmp_path_factory, "exact_checkpoints")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A finished run with metrics, made once."""
    return _made(tmp_path_factory, "exact")


def _made(tmp_path_factory: pytest.TempPathFactory, method: str) -> Kept:
    cli = InProcess(tmp_path_factory.mktemp(method), "heliostat_exact_methods")
    account = cli.json("run", method, *SERIAL)
    return Kept(Path(account["folder"]), account["digest"], account["result"])


@pytest.fixture
def cli(tmp_path: Path) -> InProcess:
    cli = InProcess(tmp_path, "heliostat_exact_methods")
    cli.runs.mkdir()
    return cli


@pytest.fixture
def run(cli: InProcess, finished: Kept) -> Path:
    """A copy of the finished run, where the command line finds it."""
    return shutil.copytree(finished.folder, cli.runs / finished.folder.name)


READERS = (["export"], ["export", "--csv"], ["verify"], ["report"], ["show"])
FLIPPED = {
    "a value": ("outcome", "update outcome set value = '82' where key = {key}"),
    "seconds": ("outcome", "update outcome set seconds = seconds + 1 where key = {key}"),
    "a worker": ("outcome", "update outcome set worker = 'other' where key = {key}"),
    "what the search saw": ("call", "update call set delivered = delivered - 1"),
    "a metric": ("metric", "update metric set number = number + 1"),
    "a product": ("product", "update product set bytes = bytes + 1"),
    "an event": ("event", "update event set text = text || ' '"),
}


@pytest.mark.parametrize(("table", "statement"), FLIPPED.values(), ids=FLIPPED)
def test_a_row_that_is_not_what_was_written_is_named_and_made_anew(
    cli: InProcess, measured: Kept, table: str, statement: str
) -> None:
    run, finished = shutil.copytree(measured.folder, cli.runs / measured.folder.name), measured
    assert execute(run, statement.format(key="(select max(key) from outcome)")) > 0
    said = [cli(*command[:1], run.name, *command[1:]) for command in READERS]
    assert any(f"table {table}, row" in done.stderr for done in said)
    assert {done.returncode for done in said} <= {0, 5}
    resumed = cli("resume", run.name, *SERIAL, "--json")
    assert resumed.returncode == 0, resumed.stderr
    account = json.loads(resumed.stdout)
    assert (account["digest"], account["result"]) == (finished.digest, finished.result)
    events = cli.json("show", run.name)["events"]
    assert any(event["kind"] == "damaged" and f"table {table}" in event["text"] for event in events)
    assert cli("verify", run.name).returncode == 0


def test_of_a_run_that_was_killed_a_flipped_value_is_evaluated_anew(
    cli: InProcess, run: Path, finished: Kept
) -> None:
    ((text,),) = _execute(run, "select record from run")
    execute(
        run,
        "update run set record = ?",
        json.dumps({**json.loads(text), "state": "running", "digest": None, "result": None}),
        forged=True,
    )
    for key in list(rows(run))[::2]:
        at = b"".join(number.to_bytes(8, "big") for number in key).hex()
        execute(run, f"update outcome set item = item || ' ' where key = x'{at}'")
    account = cli.json("resume", run.name, *SERIAL)
    assert account["evaluated"] >= len(rows(run)) // 2
    assert (account["digest"], account["result"]) == (finished.digest, finished.result)


def test_the_record_of_a_run_cannot_be_guessed(cli: InProcess, run: Path) -> None:
    execute(run, "update run set record = replace(record, 'exact', 'exacT')")
    for command in ("show", "export", "verify", "report", "resume", "compare"):
        done = cli(command, *[run.name] * (1 + (command == "compare")))
        assert done.returncode == 5
        assert "table run, row 1 is damaged" in done.stderr


@pytest.mark.parametrize("statement", [
    "delete from outcome where key = (select max(key) from outcome)",
    "delete from call where key = (select max(key) from call)",
])  # fmt: skip
def test_a_finished_run_that_lost_rows_is_no_other_run(
    cli: InProcess, run: Path, finished: Kept, statement: str
) -> None:
    execute(run, statement)
    for command in ("export", "verify"):
        done = cli(command, run.name)
        assert done.returncode == 5
        assert finished.digest in done.stderr or "a row of key" in done.stderr


def test_an_end_that_comes_out_otherwise_is_an_error_and_never_kept(
    cli: InProcess, run: Path, finished: Kept
) -> None:
    """Equal items and values, another result: the search depends on something else."""
    ((text,),) = _execute(run, "select record from run")
    record = json.loads(text)
    other = json.dumps({**json.loads(record["result"]), "value": 17.0})
    execute(run, "update run set record = ?", json.dumps({**record, "result": other}), forged=True)
    before = _record(run)
    for command in (["resume", run.name, *SERIAL], ["verify", run.name]):
        done = cli(*command)
        assert done.returncode == 5
        assert "the search of method exact_checkpoints came to another result" in done.stderr or (
            "method exact_checkpoints came to another result" in done.stderr
        )
    after = _record(run)
    kept = ("state", "digest", "result", "error", "config")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_a_search_sees_no_more_of_a_failure_than_the_digest_covers(cli: InProcess) -> None:
    done = cli("run", "tells_of_failures", "--workers", "serial", "--json")
    assert json.loads(done.stdout)["result"] == [
        "RecursionError", "", "", "task 0.0 failed (RecursionError)"
    ]  # fmt: skip


def test_random_damage_gives_no_wrong_digest_and_no_wrong_result(
    cli: InProcess, finished: Kept
) -> None:
    rng = random.Random(20)
    ended = {try_damaged(cli, finished, rng).partition(":")[0] for _ in range(60)}
    assert ended <= {"refused", "as it was", "made anew"}
    assert len(ended) > 1


def test_a_row_that_is_missing_before_a_checkpoint_is_evaluated_anew(
    cli: InProcess, run: Path, finished: Kept
) -> None:
    first = "(select min(key) from outcome)"
    assert execute(run, f"delete from outcome where key = {first}") == 1
    account = cli.json("resume", run.name, *SERIAL)
    assert account["evaluated"] == 1
    assert (account["digest"], account["result"]) == (finished.digest, finished.result)
    events = cli.json("show", run.name)["events"]
    assert any("rows of a finished run are missing" in event["text"] for event in events)


@pytest.mark.parametrize("table", ["metric", "product"])
def test_rows_that_no_digest_covers_are_missed_and_said_again(
    cli: InProcess, measured: Kept, table: str
) -> None:
    run = shutil.copytree(measured.folder, cli.runs / measured.folder.name)
    assert execute(run, f"delete from {table} where rowid = 1" if table == "metric" else
                   "delete from product") == 1  # fmt: skip
    for command in (["export", "--csv"], ["report"], ["verify"]):
        done = cli(*command[:1], run.name, *command[1:])
        assert done.returncode == 5
        assert f"table {table} is damaged: expected" in done.stderr
    account = cli.json("resume", run.name, *SERIAL)
    assert (account["digest"], account["evaluated"]) == (measured.digest, 0)
    assert cli("export", run.name, "--csv").returncode == 0
    assert cli("verify", run.name).returncode == 0


def test_shared_data_that_are_gone_are_shared_again(cli: InProcess, measured: Kept) -> None:
    run = shutil.copytree(measured.folder, cli.runs / measured.folder.name)
    shutil.rmtree(run / "artifacts")
    account = cli.json("resume", run.name, *SERIAL)
    assert (account["digest"], account["result"]) == (measured.digest, measured.result)
    events = cli.json("show", run.name)["events"]
    assert any("is gone: data that outcomes share" in event["text"] for event in events)
    assert cli("verify", run.name).returncode == 0


def test_two_runs_are_not_equal_when_one_has_lost_an_outcome(cli: InProcess, run: Path) -> None:
    other = shutil.copytree(run, run.with_name("20200101-000000-exact_checkpoints-0000"))
    execute(other, "delete from outcome where key = (select min(key) from outcome)")
    for pair in ((run.name, other.name), (other.name, run.name)):
        done = cli("compare", *pair)
        assert done.returncode == 5
        assert "expected the rows of digest" in done.stderr
        assert "equal" not in done.stdout


def test_a_refused_resume_makes_no_lock(cli: InProcess, run: Path) -> None:
    (run / "lock").unlink()
    before = _content(run)
    assert cli("resume", run.name, "-o", "width=9").returncode == 5
    assert _content(run) == before
    cli.json("resume", run.name, *SERIAL)
    assert json.loads((run / "lock").read_text())["pid"] == os.getpid()


def test_a_damaged_run_of_the_schema_without_seals_is_refused_before_it_gets_any(
    cli: InProcess,
) -> None:
    stored = Path(__file__).parent.parent / "fixtures" / "exact-run-schema-2"
    run = shutil.copytree(stored, cli.runs / "20260101-000000-exact-0000")
    execute(run, "update outcome set value = '10' where value = '9'")
    before = (run / "run.db").read_bytes()
    done = cli("resume", run.name, *SERIAL, "--allow-code-change")
    assert done.returncode == 5
    assert "expected the rows of digest" in done.stderr
    assert (run / "run.db").read_bytes() == before


@needs_portable
def test_a_run_whose_level_was_not_recorded_holds_to_that_of_its_first_resume(
    cli: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Path(__file__).parent.parent / "fixtures" / "exact-run-schema-2"
    run = shutil.copytree(stored, cli.runs / "20260101-000000-exact-0000")
    grow = ("resume", run.name, *SERIAL, "--allow-code-change")
    assert cli.json(*grow, "-o", "rounds=4")["state"] == "finished"
    assert any(e["kind"] == "ended_before" for e in cli.json("show", run.name)["events"])
    here = _record(run)["numerics"]
    assert here == level_text(hold())
    other = "native (another)" if here.startswith("portable") else "portable (another)"
    record = json.dumps({**_record(run), "numerics": other})
    execute(run, "update run set record = ?", record, forged=True)
    done = cli(*grow, "-o", "rounds=5")
    assert done.returncode == 5
    assert "the instruction level (numerics) changed" in done.stderr


def test_a_look_ahead_beyond_all_clusters_is_refused(cli: InProcess) -> None:
    done = cli("run", "exact", *SERIAL, "--lookahead", "1" + "0" * 20)
    assert done.returncode == 2
    assert "a positive integer up to 1000000" in done.stderr
    assert list(cli.runs.iterdir()) == []


REFUSED = {
    "another configuration": ["-o", "width=9"],
    "a budget that shrinks": ["-o", "rounds=1"],
    "an unknown field": ["-o", "wdith=9"],
    "no cluster": ["--address", "127.0.0.1:1", "-o", "rounds=5"],
}


@pytest.mark.parametrize("options", REFUSED.values(), ids=REFUSED)
def test_a_refused_resume_changes_nothing(cli: InProcess, run: Path, options: list[str]) -> None:
    before = _content(run)
    done = cli("resume", run.name, "--no-report", *options)
    assert done.returncode in (2, 5, 6)
    left = _content(run)
    if "--address" in options:  # it was tried: its log and state say so, and nothing else
        assert _record(run)["config"]["rounds"] == 3
        assert left["config.toml"] == before["config.toml"]
    else:
        assert left == before


def test_a_resume_under_changed_code_that_is_refused_changes_nothing(
    cli: InProcess, run: Path
) -> None:
    ((text,),) = _execute(run, "select record from run")
    record = json.loads(text)
    changed = dict.fromkeys(record["sources"], "0" * 64)
    told = json.dumps({**record, "sources": changed})
    execute(run, "update run set record = ?", told, forged=True)
    before = _content(run)
    assert cli("resume", run.name).returncode == 5
    assert _content(run) == before


def test_what_a_resume_changed_is_written_with_its_first_outcome(
    cli: InProcess, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from heliostat.store.journal import Journal

    def full(journal: Journal, rows: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "put", full)
        assert cli("resume", run.name, *SERIAL, "-o", "rounds=5").returncode != 0
    assert _record(run)["config"]["rounds"] == 3
    assert "rounds = 3" in (run / "config.toml").read_text()
    account = cli.json("resume", run.name, *SERIAL, "-o", "rounds=5")
    assert account["state"] == "finished"
    assert _record(run)["config"]["rounds"] == 5
    assert "rounds = 5" in (run / "config.toml").read_text()


def test_a_start_that_is_killed_leaves_a_run_that_resumes_or_none(
    cli: InProcess, finished: Kept
) -> None:
    rng = random.Random(3)
    for number in range(25):
        child = os.fork()
        if child == 0:
            cli("run", "exact_checkpoints", *SERIAL)
            os._exit(0)
        time.sleep(rng.random() * 0.25)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        listed = cli.json("ls")
        for row in listed:
            assert row["state"] in ("stopped", "finished"), (number, row)
        for path in cli.runs.iterdir():
            if not path.name.startswith("."):
                account = cli.json("resume", path.name, *SERIAL)
                assert account["digest"] == finished.digest
                shutil.rmtree(path)


def test_half_a_start_is_cleared_away_by_a_later_one(cli: InProcess) -> None:
    stale, fresh = cli.runs / ".20200101-000000-exact-aaaa.new", cli.runs / ".x-exact-bbbb.new"
    for folder in (stale, fresh):
        folder.mkdir()
        (folder / "config.toml").write_text("")
    os.utime(stale, (0, 0))
    cli.json("run", "exact", *SERIAL)
    assert not stale.exists()
    assert fresh.exists()
    assert len(cli.json("ls")) == 1


def _execute(run: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(run / "run.db")) as database:
        return database.execute(query).fetchall()


def _record(run: Path) -> dict[str, Any]:
    ((text,),) = _execute(run, "select record from run")
    found: dict[str, Any] = json.loads(text)
    return found


def _content(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file()
    }
