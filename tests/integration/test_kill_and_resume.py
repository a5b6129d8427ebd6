"""Drivers that are killed: a resume gives the same digest and evaluates nothing twice."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from journal_rows import execute, rows

from heliostat.values import streams

TEACHING = {
    "call_price": [],
    "curve_fit": ["-o", "generations=16"],
    "group_means": ["-o", "rounds=12"],
}
KILLS = 8
SIGKILLED = -signal.SIGKILL


def kill_again_and_again(
    cli: Any, method: str, options: list[str], workers: str, kills: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the accounts of a whole run and of one that was killed `kills` times on the way."""
    start = ["run", method, "--preset", "smoke", *options, "--no-report"]
    whole = cli.json(*start, "--workers", "serial")
    Path(whole["folder"]).rename(cli.folder / "whole")
    each = max(1, whole["outcomes"] // (8 * kills))  # a commit may hold a whole batch
    fault = {"HELIOSTAT_FAULT": f"kill-after-commits={each}"}
    killed = cli(*start, "--workers", workers, "--seed", "0", **fault)
    assert killed.returncode == SIGKILLED, killed.stderr
    run, committed = cli.only_run(), {}
    for _ in range(kills - 1):
        now = rows(run)
        assert len(now) >= len(committed) + each
        assert committed.items() <= now.items()
        committed = now
        killed = cli("resume", run.name, "--workers", workers, "--no-report", **fault)
        assert killed.returncode == SIGKILLED, killed.stderr
    committed = rows(run)
    account = cli.json("resume", run.name, "--workers", workers, "--no-report")
    assert committed.items() <= rows(run).items()  # value, seconds and worker are the first ones
    return whole, account


@pytest.mark.parametrize("method", TEACHING)
def test_eight_kills_of_the_driver_change_nothing(cli: Any, method: str) -> None:
    whole, account = kill_again_and_again(cli, method, TEACHING[method], "serial", KILLS)
    assert account["digest"] == whole["digest"]
    assert account["result"] == whole["result"]
    assert account["outcomes"] == whole["outcomes"]
    assert account["replayed"] > 0
    assert account["evaluated"] > 0
    assert account["starts"] == KILLS + 1


@pytest.mark.ray
def test_a_killed_driver_on_ray_changes_nothing_and_leaves_no_process(cli: Any) -> None:
    whole, account = kill_again_and_again(cli, "group_means", ["-o", "rounds=8"], "2", 1)
    assert account["digest"] == whole["digest"]
    assert account["replayed"] > 0
    assert account["evaluated"] > 0


def stopped_group_means(cli: Any) -> tuple[str, Path]:
    """Return the digest of a whole run and the folder of one killed after several checkpoints."""
    start = ["run", "group_means", "-o", "rounds=8", "--workers", "serial", "--no-report"]
    whole = cli.json(*start)
    Path(whole["folder"]).rename(cli.folder / "whole")
    assert cli(*start, HELIOSTAT_FAULT="kill-after-commits=33").returncode == SIGKILLED
    return whole["digest"], cli.only_run()


def resumed(cli: Any, run: Path) -> dict[str, Any]:
    return cli.json("resume", run.name, "--workers", "serial", "--no-report")


@pytest.mark.parametrize(
    ("damage", "damaged"),
    [
        ("id = (select max(id) from checkpoint)", 1),
        ("id > (select min(id) from checkpoint)", 2),
        ("1", 3),
    ],
)
def test_a_damaged_checkpoint_is_passed_over_for_an_older_one_or_a_replay(
    cli: Any, damage: str, damaged: int
) -> None:
    digest, run = stopped_group_means(cli)
    flip = "substr(state, 1, length(state) - 4) || 'AAAA'"
    assert execute(run, f"update checkpoint set state = {flip} where {damage}") == damaged
    account = resumed(cli, run)
    assert account["digest"] == digest
    events = [e for e in cli.json("show", run.name)["events"] if e["kind"] == "damaged"]
    assert len(events) == damaged


def test_checkpoints_that_were_cut_or_lost_change_nothing(cli: Any) -> None:
    digest, run = stopped_group_means(cli)
    execute(run, "update checkpoint set state = substr(state, 1, 30) where id >= 4")
    execute(run, "delete from checkpoint where id = 3")
    assert resumed(cli, run)["digest"] == digest


def test_a_checkpoint_that_claims_another_place_is_never_silently_used(cli: Any) -> None:
    digest, run = stopped_group_means(cli)
    newest = "id = (select max(id) from checkpoint)"
    execute(run, f"update checkpoint set counter = counter - 1, step = step - 1 where {newest}")
    done = cli("resume", run.name, "--workers", "serial", "--no-report", "--json")
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
    account = cli.json("resume", "last", *options)
    assert account["result"] == [5, expected_weight(5)]
    assert (cli.folder / "epochs.txt").read_text().split() == ["0", "1", "2", "3", "4"]


@pytest.mark.ray
def test_a_long_task_whose_worker_died_goes_on_at_its_second_checkpoint(cli: Any) -> None:
    start = ["run", "train", "-o", f"folder={cli.folder}", "-o", "epochs=5", "-o", "dies_in=2"]
    account = cli.json(*start, "--workers", "1", "--checkpoint-seconds", "0", "--no-report")
    assert account["result"] == [5, expected_weight(5)]
    assert (cli.folder / "epochs.txt").read_text().split() == ["0", "1", "2", "3", "4"]


@pytest.mark.ray
def test_shared_data_named_in_a_restored_state_reach_new_workers(cli: Any) -> None:
    start = ["run", "checkpointed", "--no-report"]
    fault = {"HELIOSTAT_FAULT": "kill-after-commits=10"}
    assert cli(*start, "--workers", "serial", **fault).returncode == SIGKILLED
    account = cli.json("resume", "last", "--workers", "1", "--no-report")
    assert account["result"] == 6 * (4 * 6.0 + 6.0)


def test_the_journal_of_a_killed_run_is_whole(cli: Any) -> None:
    _, run = stopped_group_means(cli)
    database = sqlite3.connect(run / "run.db")
    assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    (row,) = cli.json("ls")
    assert row["state"] == "stopped"
    assert row["digest"] is None
