"""Drivers that are killed: a resume gives the same digest and evaluates nothing twice."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from in_process import InProcess
from journal_rows import execute, rows

from heliostat.values import streams

TEACHING: dict[str, list[str]] = {
    "call_price": [],
    "curve_fit": ["-o", "generations=16"],
    "group_means": ["-o", "rounds=12"],
}
KILLS = 8
SERIAL = ("--workers", "serial")
SIGKILLED = -signal.SIGKILL


def kill_again_and_again(
    cli: Any, method: str, options: list[str], kills: int, *where: str, last: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the accounts of a whole run and of one that was killed `kills` times on the way.

    It is killed where `where` says, and goes on to its end where `last` says.
    """
    start = ["run", method, "--preset", "smoke", *options, "--no-report"]
    whole = cli.here.json(*start, "--workers", "serial")
    Path(whole["folder"]).rename(cli.folder / "whole")
    each = max(1, whole["outcomes"] // (8 * kills))  # a commit may hold a whole batch
    fault = {"HELIOSTAT_FAULT": f"kill-after-commits={each}"}
    killed = cli(*start, *where, "--seed", "0", **fault)
    assert killed.returncode == SIGKILLED, killed.stderr
    run, committed = cli.only_run(), {}
    for _ in range(kills - 1):
        now = rows(run)
        assert len(now) >= len(committed) + each
        assert committed.items() <= now.items()
        committed = now
        killed = cli("resume", run.name, *where, "--no-report", **fault)
        assert killed.returncode == SIGKILLED, killed.stderr
    committed = rows(run)
    resume = cli.here.json if last == SERIAL else cli.json
    account = resume("resume", run.name, *last, "--no-report")
    assert committed.items() <= rows(run).items()  # value, seconds and worker are the first ones
    return whole, account


@pytest.mark.parametrize("method", TEACHING)
def test_eight_kills_of_the_driver_change_nothing(cli: Any, method: str) -> None:
    whole, account = kill_again_and_again(
        cli, method, TEACHING[method], KILLS, *SERIAL, last=SERIAL
    )
    assert account["digest"] == whole["digest"]
    assert account["result"] == whole["result"]
    assert account["outcomes"] == whole["outcomes"]
    assert account["replayed"] > 0
    assert account["evaluated"] > 0
    assert account["starts"] == KILLS + 1


@pytest.mark.ray
def test_a_killed_driver_on_ray_changes_nothing(cli: Any, ray_node: Any) -> None:
    elsewhere = ("--workers", "2", "--address", ray_node.address)
    options = ["-o", "rounds=8"]
    whole, account = kill_again_and_again(
        cli, "group_means", options, 1, "--workers", "2", last=elsewhere
    )
    assert account["digest"] == whole["digest"]
    assert account["replayed"] > 0
    assert account["evaluated"] > 0


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The digest of a whole run, and the folder of one killed after several checkpoints."""
    cli = CommandLine(tmp_path_factory.mktemp("stopped"))
    start = ["run", "group_means", "-o", "rounds=8", "--workers", "serial", "--no-report"]
    whole = cli.here.json(*start)
    Path(whole["folder"]).rename(cli.folder / "whole")
    assert cli(*start, HELIOSTAT_FAULT="kill-after-commits=33").returncode == SIGKILLED
    return whole["digest"], cli.only_run()


@pytest.fixture
def damaged(here: InProcess, stopped: tuple[str, Path]) -> tuple[str, Path]:
    """The same with a copy of the killed run's folder, which a test may damage."""
    digest, run = stopped
    return digest, shutil.copytree(run, here.runs / run.name)


def resumed(here: InProcess, run: Path) -> dict[str, Any]:
    account: dict[str, Any] = here.json("resume", run.name, "--workers", "serial", "--no-report")
    return account


@pytest.mark.parametrize(
    ("damage", "count"),
    [
        ("id = (select max(id) from checkpoint)", 1),
        ("id > (select min(id) from checkpoint)", 2),
        ("1", 3),
    ],
)
def test_a_damaged_checkpoint_is_passed_over_for_an_older_one_or_a_replay(
    here: InProcess, damaged: tuple[str, Path], damage: str, count: int
) -> None:
    digest, run = damaged
    flip = "substr(state, 1, length(state) - 4) || 'AAAA'"
    assert execute(run, f"update checkpoint set state = {flip} where {damage}") == count
    account = resumed(here, run)
    assert account["digest"] == digest
    events = [e for e in here.json("show", run.name)["events"] if e["kind"] == "damaged"]
    assert len(events) == count


def test_checkpoints_that_were_cut_or_lost_change_nothing(
    here: InProcess, damaged: tuple[str, Path]
) -> None:
    digest, run = damaged
    execute(run, "update checkpoint set state = substr(state, 1, 30) where id >= 4")
    execute(run, "delete from checkpoint where id = 3")
    assert resumed(here, run)["digest"] == digest


def test_a_checkpoint_that_claims_another_place_is_never_silently_used(
    here: InProcess, damaged: tuple[str, Path]
) -> None:
    digest, run = damaged
    newest = "id = (select max(id) from checkpoint)"
    execute(run, f"update checkpoint set counter = counter - 1, step = step - 1 where {newest}")
    done = here("resume", run.name, "--workers", "serial", "--no-report", "--json")
    assert done.returncode == 5 or f'"digest": "{digest}"' in done.stdout


def expected_weight(epochs: int) -> float:
    weight = 1.0
    for epoch in range(epochs):
        weight = 0.9 * weight + float(streams.stream(0, "epoch", epoch).random())
    return weight


@pytest.mark.parametrize("before", [0, 2])
def test_a_long_task_whose_driver_died_goes_on_at_its_second_checkpoint(
    cli: Any, before: int
) -> None:
    start = ["run", "train", "-o", f"folder={cli.folder}", "-o", "epochs=5", "-o", "dies_in=2"]
    start += ["-o", f"warm_up={before}"]
    options = ["--workers", "serial", "--checkpoint-seconds", "0", "--no-report"]
    assert cli(*start, *options).returncode == SIGKILLED
    account = cli.here.json("resume", "last", *options)
    assert account["result"] == [5, expected_weight(5)]
    assert (cli.folder / "epochs.txt").read_text().split() == ["0", "1", "2", "3", "4"]


@pytest.mark.ray
def test_a_long_task_whose_worker_died_goes_on_at_its_second_checkpoint(
    cli: Any, ray_node: Any
) -> None:
    start = ["run", "train", "-o", f"folder={cli.folder}", "-o", "epochs=5", "-o", "dies_in=2"]
    options = ["--workers", "1", "--checkpoint-seconds", "0", "--no-report"]
    account = cli.json(*start, "--address", ray_node.address, *options)
    assert account["result"] == [5, expected_weight(5)]
    assert (cli.folder / "epochs.txt").read_text().split() == ["0", "1", "2", "3", "4"]


@pytest.mark.ray
def test_shared_data_named_in_a_restored_state_reach_new_workers(cli: Any, ray_node: Any) -> None:
    start = ["run", "checkpointed", "--no-report"]
    fault = {"HELIOSTAT_FAULT": "kill-after-commits=10"}
    assert cli(*start, "--workers", "serial", **fault).returncode == SIGKILLED
    where = ["--workers", "1", "--address", ray_node.address]
    account = cli.json("resume", "last", *where, "--no-report")
    assert account["result"] == 6 * (4 * 6.0 + 6.0)


def test_the_journal_of_a_killed_run_is_whole(here: InProcess, damaged: tuple[str, Path]) -> None:
    _, run = damaged
    database = sqlite3.connect(run / "run.db")
    assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    (row,) = here.json("ls")
    assert row["state"] == "stopped"
    assert row["digest"] is None
