"""Whole commands on Ray, most with a session of their own: what they print, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import psutil
import pytest
from journal_rows import any_outcome

pytestmark = pytest.mark.ray


def wait_for_outcomes(cli: Any, driver: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the driver's descendants once it has committed something."""
    until = time.monotonic() + 120
    while time.monotonic() < until and driver.poll() is None:
        if any_outcome(cli.runs):
            return psutil.Process(driver.pid).children(recursive=True)
        time.sleep(0.05)
    raise AssertionError(f"no outcome: {driver.communicate(timeout=10)}")


def still_running(processes: list[psutil.Process], patience: float = 45.0) -> list[str]:
    until = time.monotonic() + patience
    while True:
        left = [p for p in processes if alive(p)]
        if not left or time.monotonic() > until:
            return [" ".join(p.cmdline())[:80] for p in left]
        time.sleep(0.2)


def workers(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return the processes that hold cores or memory: all but Ray's agents."""
    return [p for p in processes if "Agent" not in " ".join(p.cmdline() if alive(p) else [])]


def alive(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_driver_says_how_to_go_on_and_leaves_no_process(cli: Any, number: int) -> None:
    driver = cli.popen("run", "catches_everything", "--workers", "2", "--json")
    children = wait_for_outcomes(cli, driver)
    driver.send_signal(number)
    out, err = driver.communicate(timeout=60)
    assert driver.returncode == 130, err
    assert out == ""
    assert f"heliostat resume {cli.only_run().name}" in err
    assert "Traceback" not in err
    assert still_running(children) == []
    assert cli.here.json("show", "last")["state"] == "interrupted"


def test_a_signal_to_ray_s_processes_too_stops_the_run_in_good_order(cli: Any) -> None:
    # as systemd and Slurm send it: to the whole process group
    driver = cli.popen(
        "run", "catches_everything", "--workers", "2", "--json", start_new_session=True
    )
    children = wait_for_outcomes(cli, driver)
    os.killpg(driver.pid, signal.SIGTERM)
    _, err = driver.communicate(timeout=60)
    assert driver.returncode == 130, err
    assert f"heliostat resume {cli.only_run().name}" in err
    assert still_running(children) == []
    assert cli.here.json("show", "last")["state"] == "interrupted"


def test_a_killed_driver_leaves_no_process(cli: Any) -> None:
    driver = cli.popen("run", "catches_everything", "--workers", "1", "--json")
    children = wait_for_outcomes(cli, driver)
    assert any("raylet" in " ".join(p.cmdline()) for p in children)
    driver.kill()
    driver.communicate(timeout=60)
    # Ray's two agents look for their dead head for a minute before they end by themselves.
    assert still_running(workers(children)) == []
    assert cli.here.json("show", "last")["state"] == "stopped"


def test_sub_searches_that_come_first_and_end_early_do_not_take_the_session_along(
    cli: Any,
) -> None:
    """The thread that starts Ray must outlive it: its processes get a signal when it ends."""
    serial = cli.here.json("run", "side_by_side", "--workers", "serial", "--no-report")
    account = cli.json("run", "side_by_side", "--workers", "2", "--no-report")
    assert account["digest"] == serial["digest"]


def test_a_local_session_prints_one_json_object_even_when_workers_die(cli: Any) -> None:
    done = cli("run", "poisoned", "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    account = json.loads(done.stdout)
    assert account["result"] == [0, 1, 4, "WorkerLost", 16, 25]
    assert account["failures"] == 1
    assert account["attempts"] > account["outcomes"]
    assert any("lost" in label for label in account["labels"])
    assert {w["worker"] for w in account["workers"]} >= {"lost"}
    assert "note: a worker died" in done.stderr
    # an item that kills its worker may not be tried in the process that verifies
    checked = cli("verify", "last", "--json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["different"] == []


def test_a_cache_folder_beside_the_home_folder_is_found_by_workers(cli: Any) -> None:
    home = cli.folder / "home"
    home.mkdir()
    cache = str(cli.folder / "home-cache")  # its path begins with the home folder's
    account = cli.json(
        "run", "count", "--workers", "1", "--no-report", HOME=str(home), HELIOSTAT_CACHE=cache
    )
    assert account["state"] == "finished"


def test_resources_that_cannot_be_met_exit_4(cli: Any, ray_node: Any) -> None:
    done = cli("run", "wants_a_thousand_gpus", "--address", ray_node.address, "--json")
    assert done.returncode == 4
    assert "wanted cpus=1, gpus=1000, available at most" in done.stderr
    assert "Traceback" not in done.stderr
