"""The client's machine, and the commands that docs/clusters.md tells people to use on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any

import hosts

PACKAGES = ("platform", "search", "plugins", "tests/tasks")
SOURCES = ":".join(f"$HOME/heliostat/{folder}" for folder in PACKAGES)


def without_registry(text: str) -> str:
    """Let the nodes use a ready environment and the sources that were sent to them."""
    install = "~/venv/bin/pip install -q -c ~/heliostat/constraints.txt -e ~/heliostat'[cluster]'"
    ready = f"export PYTHONPATH={SOURCES} HELIOSTAT_LOAD=heliostat_cluster_methods"
    assert install in text
    return text.replace(install, f"grep -q PYTHONPATH ~/.bashrc || echo '{ready}' >> ~/.bashrc")


def edited(text: str) -> str:
    """Do what docs/clusters.md asks for: addresses, user and key, on lines marked `edit`."""
    for old, new in (
        ("head_ip: 10.0.0.2 # edit", "head_ip: 10.77.0.2"),
        ("worker_ips: [10.0.0.3] # edit", "worker_ips: [10.77.0.3]"),
        ("ssh_user: ubuntu # edit", "ssh_user: root"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class Client:
    """The machine that a person sits at: a copy of the repository in a home of its own."""

    def __init__(self) -> None:
        self.folder = hosts.HOME / "heliostat"
        leave = [f"--exclude={name}" for name in (".git", ".venv", "runs", ".*_cache")]
        subprocess.run(["rsync", "-a", *leave, f"{hosts.ROOT}/", f"{self.folder}/"], check=True)
        self.documented = re.findall(
            r"^```sh\n(.*?)^```", (self.folder / "docs/clusters.md").read_text(), re.M | re.S
        )
        self.used: set[str] = set()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HELIOSTAT_")},
            "PATH": f"{hosts.ROOT}/.venv/bin:{os.environ['PATH']}",
            "PYTHONPATH": SOURCES.replace("$HOME", str(hosts.HOME)),
            "HELIOSTAT_LOAD": "heliostat_cluster_methods",
            "HELIOSTAT_COMPACT": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
            "TERM": "dumb",
        }

    def commands(self) -> list[str]:
        """Return all documented commands."""
        return [line for block in self.documented for line in block.splitlines()]

    def command(self, start: str) -> str:
        """Return the documented command that starts like this, and note that it was used."""
        (found,) = [line for line in self.commands() if line.startswith(start)]
        self.used.add(found)
        return found

    def popen(self, command: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __call__(
        self, command: str, expect: int = 0, timeout: float = 200, **environment: str
    ) -> str:
        """Run a command, require its exit code, and return all that it printed."""
        process = self.popen(command, **environment)
        try:
            said, _ = process.communicate(timeout=timeout)
        finally:
            process.kill()
        assert process.returncode == expect, f"{command} ended {process.returncode}:\n{said}"
        return said

    def json(self, command: str, **options: Any) -> Any:
        return object_in(self(command, **options))

    def documented_run(self, start: str) -> str:
        return self(self.command(start))


def object_in(said: str) -> Any:
    """Return the JSON object that a command printed, on one line or with indentation."""
    lines = said.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("{"))
    end = next(i for i in range(len(lines) - 1, -1, -1) if lines[i].rstrip().endswith("}"))
    return json.loads("\n".join(lines[begin : end + 1]))
