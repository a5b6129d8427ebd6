"""The `heliostat` command in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from in_process import InProcess

LIMIT_SECONDS = 300.0
"""After which a command hangs, on a machine where compiling alone may take a minute."""


class CommandLine:
    """Runs `heliostat` in a process of its own, with runs in a folder of this test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self._started: list[subprocess.Popen[str]] = []
        self.environment = {
            **os.environ,
            "HELIOSTAT_LOAD": "heliostat_teaching.plugin,heliostat_test_methods",
            "HELIOSTAT_PLUGINS": "none",
            "HELIOSTAT_RUNS": str(self.runs),
        }

    @property
    def here(self) -> InProcess:
        """The command in the test's process, on the same runs: for what a test looks up."""
        return InProcess(self.folder)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "heliostat.submit", *arguments]

    def __call__(
        self, *arguments: str, timeout: float = LIMIT_SECONDS, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def json(self, *arguments: str, timeout: float = LIMIT_SECONDS, **environment: str) -> Any:
        """Run a command that must succeed and print one JSON value and nothing else."""
        done = self(*arguments, "--json", timeout=timeout, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def popen(
        self, *arguments: str, start_new_session: bool = False, **environment: str
    ) -> subprocess.Popen[str]:
        """Start a command; one that is left running is killed when the test is over."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=start_new_session,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what a test that failed has left running."""
        for process in self._started:
            with process:
                process.kill()

    def only_run(self) -> Path:
        (path,) = [p for p in self.runs.iterdir() if (p / "run.db").exists()]
        return path
