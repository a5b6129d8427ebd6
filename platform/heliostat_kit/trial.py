"""Runs of one method, made through the command line in processes of their own, as users do.

Every run of a trial has the same cache and, unless a rule says otherwise, the same order of sets,
so that two runs differ in nothing but what a rule changes between them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from heliostat.contract.method import MethodSpec
from heliostat.plugins.registry import registry
from heliostat.store.folder import RunFolder
from heliostat.store.journal import FAULT_VARIABLE, Row
from heliostat.store.view import RunView
from heliostat_kit.attempt import (
    OVERTIME,
    CommandRun,
    Failed,
    Overtime,
    account_in,
    failure_of,
)
from heliostat_kit.rule import LIMIT_SECONDS, Broken, NotJudged

UNFINISHED = "the quick run does not finish"

Ended = dict[str, Any] | Failed
"""A run's account, or why there is none."""

# A set of two is in its other order in half of the runs: each that is made anyway takes an order
# of its own. `repeatable` comes before it is known that sets decide nothing and keeps the first.
NOTED_ORDER, SECOND_ORDER, THREADED_ORDER, KILLED_ORDER, RESUMED_ORDER = "1", "2", "3", "4", "5"
WORKERS_ORDERS = {1: "6", 2: "7"}

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Noted:
    """What a watched run did: paths it wrote, processes it started, generators it drew from."""

    written: tuple[str, ...] = ()
    started: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    """Global generators that the search changed; empty where a task may have done it."""


@dataclass
class Trial:
    """A method with the settings it is tried with, and its runs, each made when first needed.

    `limit`: seconds that one run may take, and one call of the method's other functions.
    """

    method: str
    folder: Path
    preset: str = "smoke"
    options: Sequence[str] = ()
    seed: int = 1
    limit: float = LIMIT_SECONDS
    _in_order: dict[str, Ended] = field(default_factory=dict)

    @cached_property
    def spec(self) -> MethodSpec:
        """The method."""
        return registry().method(self.method)

    @cached_property
    def commands(self) -> CommandRun:
        """The command line in the trial's folder."""
        return CommandRun(self.folder, self.limit)

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

    def run(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """Return the account of a run that has to finish; raises Broken with what it said."""
        return finished(self._attempt(arguments, environment)[0], " ".join(arguments))

    @cached_property
    def _quick(self) -> tuple[Ended, str]:
        return self._attempt(self.arguments(), {})

    @property
    def quick(self) -> Ended:
        """The run that all others are compared with: serial, with an empty cache."""
        return self._quick[0]

    @property
    def spoilt(self) -> str:
        """What the quick run's process did wrong though the run was done; empty if nothing."""
        return self._quick[1]

    @property
    def serial(self) -> dict[str, Any]:
        """The quick run's account; raises NotJudged when it did not finish."""
        if isinstance(self.quick, Failed):
            raise NotJudged(UNFINISHED)
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
    def watched(self) -> tuple[Ended, Noted]:
        """A run with sets in another order, and what it did to the machine."""
        file = self.folder / "noted.jsonl"
        ended, _ = self._attempt(self.arguments(), {"PYTHONHASHSEED": NOTED_ORDER}, file)
        return ended, _noted(file)

    def in_order(self, order: str) -> Ended:
        """Return a run like the quick one, with sets in the order of that PYTHONHASHSEED."""
        if order == NOTED_ORDER:
            return self.watched[0]
        if order not in self._in_order:
            self._in_order[order] = self._attempt(self.arguments(), {"PYTHONHASHSEED": order})[0]
        return self._in_order[order]

    @cached_property
    def threaded(self) -> Ended:
        """A run with four threads asked for by the environment."""
        changed = {**dict.fromkeys(_THREADS, "4"), "PYTHONHASHSEED": THREADED_ORDER}
        return self._attempt(self.arguments(), changed)[0]

    @cached_property
    def resumed(self) -> Ended | NotJudged:
        """A run whose driver was killed in the middle, gone on with."""
        after = max(1, self.serial["outcomes"] // 2)
        changed = {
            FAULT_VARIABLE: f"kill-after-commits={after}",
            "PYTHONHASHSEED": KILLED_ORDER,
        }
        try:
            killed = self.commands.command(
                *self.arguments(), environment=self.environment(**changed)
            )
        except Overtime as error:
            return Failed(OVERTIME, str(error))
        if killed.returncode != -9:
            return NotJudged(
                f"the run ended before its driver could be killed after {after} outcomes"
            )
        again = ["resume", "last", "--workers", "serial"]
        return self._attempt(again, {"PYTHONHASHSEED": RESUMED_ORDER})[0]

    def close(self) -> None:
        """Close what is open."""
        if "view" in self.__dict__:
            self.view.close()

    def _attempt(
        self, arguments: Sequence[str], changed: Mapping[str, str], noted: Path | None = None
    ) -> tuple[Ended, str]:
        try:
            done = self.commands.command(
                *arguments, "--json", environment=self.environment(**changed), noted=noted
            )
        except Overtime as error:
            return Failed(OVERTIME, str(error)), ""
        account, others = account_in(done.stdout)
        if account is None:
            return failure_of(done, self.runs), ""
        if others:
            return account, f"the run was done, but standard output also holds {others[0][:80]!r}"
        if done.returncode != 0:
            return account, f"the run was done, but its process ended with {done.returncode}"
        return account, ""


def finished(ended: Ended, what: str) -> dict[str, Any]:
    """Return the account of a run that has to finish; raises Broken with what it said."""
    if isinstance(ended, Failed):
        raise Broken(f"heliostat {what} ended with: {ended.message}")
    return ended


def _noted(file: Path) -> Noted:
    if not file.exists():
        return Noted()
    notes = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    by_task = {note["drawn"] for note in notes if "task" in note}
    drawn = {note["drawn"] for note in notes if "drawn" in note} - by_task
    return Noted(
        tuple(sorted({note["written"] for note in notes if "written" in note})),
        tuple(dict.fromkeys(note["started"] for note in notes if "started" in note)),
        tuple(sorted(drawn)),
    )
