"""The client's machine and two hosts, for all tests of this folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import hosts
from client import Client, edited, without_registry

if not os.environ.get(hosts.MARK):
    collect_ignore_glob = ["test_*.py"]  # they are run by: make test-cluster


@pytest.fixture(scope="session")
def client() -> Client:
    return Client()


@pytest.fixture(scope="session")
def pair(client: Client) -> Iterator[list[hosts.Host]]:
    """Two hosts that the client may log in to, and the cluster file that names them."""
    key = hosts.HOME / ".ssh" / "id_ed25519"
    key.parent.mkdir(mode=0o700)
    client(f"ssh-keygen -q -t ed25519 -N '' -f {key}")
    path = client.folder / "cluster.yaml"
    path.write_text(without_registry(edited(path.read_text())))
    made: list[hosts.Host] = []
    try:
        for number in (2, 3):
            made.append(hosts.Host(number, key.with_suffix(".pub").read_text()))
        yield made
    finally:
        for host in made:
            host.close()


@pytest.fixture(scope="session")
def serial_digest(client: Client) -> Any:
    """Return the digest of a run in one process on the client's machine."""
    known: dict[str, str] = {}

    def digest(arguments: str) -> str:
        if arguments not in known:
            command = f"heliostat run {arguments} --workers serial --no-report --json"
            known[arguments] = client.json(f"{command} --runs /tmp/serial", TEST_SLOWNESS="0")[
                "digest"
            ]
        return known[arguments]

    return digest
