"""Runs of one method, made through the command line in processes of their own, as users do.

Every run of a trial has the same cache and the same order of sets, so that two runs differ in
nothing but what a rule changes between them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from heliostat.conformance.rule import Broken, NotJudged
from heliostat.errors import HeliostatError
from heliostat.methods import MethodSpec
from heliostat.plugins import registry
from heliostat.runs import RunFolder, RunView
from heliostat.store.journal import Row

TIMEOUT_SECONDS = 240

# Runs the command line and notes every file that Python opens for writing.
_AUDITED = """
import os, sys
noted = open(sys.argv.pop(1), "a", buffering=1)
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[2] is not None:
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            noted.write(os.path.abspath(os.fsdecode(arguments[0])) + "\\n")
    elif event in ("os.mkdir", "os.rename", "os.remove"):
        noted.write(os.path.abspath(os.fsdecode(arguments[0])) + "\\n")
sys.addaudithook(note)
from heliostat.cli import main
main()
"""


class CommandRun:
    """One run made through the command line, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"

    def command(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        audited: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `heliostat ARGUMENTS` and return what it printed; never raises on its exit code."""
        start = ["-c", _AUDITED, str(audited)] if audited else ["-m", "heliostat.submit"]
        return subprocess.run(
            [sys.executable, *start, *arguments],
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )

    def account(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run the command with --json and return its object; fails with what it printed."""
        done = self.command(*arguments, "--json", **options)
        assert done.returncode == 0, done.stderr[-4000:]
        value: dict[str, Any] = json.loads(done.stdout)
        return value


@dataclass(frozen=True)
class Failed:
    """A run that did not finish: the kind of error, and what was said."""

    kind: str
    message: str


@dataclass
class Trial:
    """A method with the settings it is tried with, and its runs, each made when first needed."""

    method: str
    folder: Path
    preset: str = "smoke"
    options: Sequence[str] = ()
    seed: int = 1

    @cached_property
    def spec(self) -> MethodSpec:
        """The method."""
        return registry().method(self.method)

    @cached_property
    def commands(self) -> CommandRun:
        """The command line in the trial's folder."""
        return CommandRun(self.folder)

    @property
    def cache(self) -> Path:
        """The cache of the trial's runs; the first run finds it empty."""
        return self.commands.cache

    @property
    def runs(self) -> Path:
        """The folder of the trial's runs."""
        return self.folder / "runs"

    def arguments(self, workers: str = "serial", seed: int | None = None) -> list[str]:
        """Return the command that runs the method."""
        chosen = self.seed if seed is None else seed
        settings = [part for option in self.options for part in ("-o", option)]
        return ["run", self.method, "--preset", self.preset, "--seed", str(chosen), "--workers",
                workers, *settings]  # fmt: skip

    def environment(self, **more: str) -> dict[str, str]:
        """Return what every run of the trial has in common, and what a rule changes."""
        common = {
            "HELIOSTAT_CACHE": str(self.cache),
            "HELIOSTAT_RUNS": str(self.runs),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return {**common, **more}

    def run(
        self,
        *arguments: str,
        audited: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the account of a run that has to finish; raises Broken with what it said."""
        found = self._attempt(arguments, audited, environment or {})
        if isinstance(found, Failed):
            raise Broken(f"heliostat {' '.join(arguments)} ended with: {found.message}")
        return found

    @cached_property
    def quick(self) -> dict[str, Any] | Failed:
        """The run that all others are compared with: serial, with an empty cache."""
        return self._attempt(self.arguments(), None, {})

    @property
    def serial(self) -> dict[str, Any]:
        """The quick run's account; raises NotJudged when it did not finish."""
        if isinstance(self.quick, Failed):
            raise NotJudged("the quick run does not finish")
        return self.quick

    @cached_property
    def view(self) -> RunView:
        """The quick run, opened."""
        return RunView(RunFolder(self.folder / self.serial["folder"]))

    @cached_property
    def rows(self) -> list[Row]:
        """The quick run's outcomes, measurements left out."""
        return [row for row in self.view.outcomes() if not row.observed]

    @cached_property
    def audited(self) -> tuple[dict[str, Any], list[str]]:
        """A run with sets in another order, and the files it opened for writing."""
        noted = self.folder / "written.txt"
        account = self.run(*self.arguments(), audited=noted, environment={"PYTHONHASHSEED": "1"})
        return account, sorted(set(noted.read_text(encoding="utf-8").splitlines()))

    def close(self) -> None:
        """Close what is open."""
        if "view" in self.__dict__:
            self.view.close()

    def _attempt(
        self, arguments: Sequence[str], audited: Path | None, environment: Mapping[str, str]
    ) -> dict[str, Any] | Failed:
        done = self.commands.command(
            *arguments, "--json", environment=self.environment(**environment), audited=audited
        )
        if done.returncode == 0:
            # tasks may have printed before it
            account: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            return account
        said = [line for line in done.stderr.splitlines() if "error: " in line]
        message = (said or done.stderr.splitlines() or ["nothing"])[-1].strip()
        return Failed(self._kind_of_error(), message.removeprefix("error: ")[:600])

    def _kind_of_error(self) -> str:
        """Return the class of the error that ended the newest run, as its journal names it."""
        newest = sorted(self.runs.glob("*/run.db"), key=lambda p: p.stat().st_ctime_ns)
        if not newest:
            return ""
        try:
            view = RunView(RunFolder(newest[-1].parent))
            kind = view.error.partition(":")[0]
            view.close()
        except HeliostatError:
            return ""
        return kind
