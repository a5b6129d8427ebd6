"""A job on a Ray head whose Python has the libraries and not this project."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import hosts
import pytest
from client import Client, object_in

PATH = f"{hosts.BARE}/bin:/usr/sbin:/usr/bin:/bin"


def bare(client: Client, command: str, **options: Any) -> str:
    """Run a command where Heliostat cannot be imported."""
    return client(command, PATH=PATH, PYTHONPATH="", HELIOSTAT_LOAD="", **options)


@pytest.fixture
def head(client: Client) -> Iterator[None]:
    bare(client, "ray start --head --num-cpus=2 --dashboard-host=127.0.0.1 --disable-usage-stats")
    try:
        until = time.monotonic() + 60
        while not job_server_answers():
            assert time.monotonic() < until, "the job server did not come up"
            time.sleep(0.5)
        yield
    finally:
        bare(client, "ray stop --force")


def job_server_answers() -> bool:
    try:
        with urllib.request.urlopen("http://127.0.0.1:8265/api/version", timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        return error.code in (401, 403)  # it is there and wants the token
    except OSError:
        return False


def test_a_job_brings_the_project_along(client: Client, head: None, serial_digest: Any) -> None:
    missing = bare(client, "python -c 'import heliostat'", expect=1)
    assert "No module named 'heliostat'" in missing
    (command,) = [line for line in client.commands() if line.startswith("ray job submit")]
    said = bare(client, f"{command} --json")
    account = object_in(said[said.index('{"run"') :].splitlines()[0])
    assert account["digest"] == serial_digest("evomal --preset smoke")
    assert account["executor"]["executor"] == "ray"
    assert (hosts.HOME / "runs" / account["run"] / "run.db").is_file()
    assert len({worker["worker"] for worker in account["workers"]}) == 2
