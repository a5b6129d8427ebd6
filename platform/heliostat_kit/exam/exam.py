"""Runs of one method, made through the command line in processes of their own, as users do.

A run is plain, or differs from the plain one in what a single rule is about, or in all at once:
what equals the plain run although everything was against it keeps several promises together. So a
method that keeps them costs five processes: `quick`, the two of `hardened`, `spread` and
`reseeded`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from heliostat.contract.instructions import LEVEL_VARIABLE
from heliostat.contract.method import MethodSpec
from heliostat.errors import HeliostatError
from heliostat.plugins.registry import registry
from heliostat.store.database.rows import Row
from heliostat.store.folder import RunFolder, find
from heliostat.store.journal import FAULT_VARIABLE
from heliostat.store.view import RunView
from heliostat.worker.instructions import hold
from heliostat_kit.exam.command import (
    OVERTIME,
    CommandRun,
    Failed,
    Overtime,
    account_in,
    failure_of,
)
from heliostat_kit.verdict import LIMIT_SECONDS, Broken, NotJudged

UNFINISHED = "the quick run does not finish"

Ended = dict[str, Any] | Failed
"""A run's account, or why there is none."""

# Values of PYTHONHASHSEED. A set of two is in its other order in half of the runs, so each run that
# is to differ takes an order of its own.
_PLAIN_ORDER = "0"
KILLED_ORDER, RESUMED_ORDER, SPREAD_ORDER = "3", "4", "5"
SET_ORDERS = ("1", "2", KILLED_ORDER, RESUMED_ORDER, SPREAD_ORDER)

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_FOUR_THREADS = dict.fromkeys(_THREADS, "4")


@dataclass(frozen=True)
class Noted:
    """What a watched run did: paths it wrote, processes it started, generators it drew from."""

    written: tuple[str, ...] = ()
    started: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    """Global generators that the search changed; empty where a task may have done it."""


@dataclass
class Exam:
    """A method with the settings it is tried with, and its runs, each made when first needed.

    `limit`: seconds that one run may take, and one call of the method's other functions. `judged`:
    the names of the rules that will be asked, all of them if None.
    """

    method: str
    folder: Path
    preset: str = "smoke"
    options: Sequence[str] = ()
    seed: int = 1
    limit: float = LIMIT_SECONDS
    judged: Collection[str] | None = None
    _made: dict[tuple[str, ...], Ended] = field(default_factory=dict)
    _half: RunFolder | None = None

    @cached_property
    def spec(self) -> MethodSpec:
        """The method."""
        return registry().method(self.method)

    @cached_property
    def commands(self) -> CommandRun:
        """The command line in the exam's folder."""
        return CommandRun(self.folder, self.limit)

    @property
    def cache(self) -> Path:
        """The cache of the exam's runs; the first run finds it empty."""
        return self.commands.cache

    @property
    def runs(self) -> Path:
        """The folder of the exam's runs."""
        return self.folder / "runs"

    def judges_several(self, rules: Collection[str]) -> bool:
        """Return whether more than one of these rules will be asked, so that they may share."""
        return self.judged is None or sum(name in self.judged for name in rules) > 1

    def arguments(self, workers: str = "serial", seed: int | None = None) -> list[str]:
        """Return the command that runs the method."""
        chosen = self.seed if seed is None else seed
        settings = [part for option in self.options for part in ("-o", option)]
        return ["run", self.method, "--preset", self.preset, "--seed", str(chosen), "--workers",
                workers, *settings]  # fmt: skip

    def environment(self, **more: str) -> dict[str, str]:
        """Return what every run of the exam has in common, and what a rule changes.

        Runs are at this process's instruction level, for their items are evaluated here as well.
        """
        common = {
            "HELIOSTAT_CACHE": str(self.cache),
            "HELIOSTAT_RUNS": str(self.runs),
            "PYTHONHASHSEED": _PLAIN_ORDER,
            "PYTHONDONTWRITEBYTECODE": "1",
            LEVEL_VARIABLE: hold(),
        }
        return {**common, **more}

    @cached_property
    def _quick(self) -> tuple[Ended, str]:
        return self._attempt(self.arguments(), {})

    @property
    def quick(self) -> Ended:
        """The run that all others are compared with: plain, with an empty cache."""
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
    def reseeded(self) -> tuple[Ended, Noted]:
        """A run with another seed, and what it did to the machine.

        This one is watched because it finds the cache full: what a method compiles when it first
        runs is no business of a rule.
        """
        file = self.folder / "noted.jsonl"
        ended, _ = self._attempt(self.arguments(seed=self.seed + 1), {}, file)
        return ended, _noted(file)

    @cached_property
    def hardened(self) -> Ended:
        """All at once in one process: other sets, four threads, killed in the middle, resumed.

        Tasks stay in the driver's process, where alone some of them see the shell's threads. What
        Ray changes has a run of its own, `spread`: a run that is half the one and half the other
        would hide what a search does with its workers before it is killed, or after.
        """
        return self._killed_and_resumed(
            {**_FOUR_THREADS, "PYTHONHASHSEED": KILLED_ORDER},
            {**_FOUR_THREADS, "PYTHONHASHSEED": RESUMED_ORDER},
        )

    @property
    def spread(self) -> Ended:
        """All at once on two Ray workers: other sets, four threads."""
        return self._once("2", **_FOUR_THREADS, PYTHONHASHSEED=SPREAD_ORDER)

    @cached_property
    def again(self) -> Ended:
        """A run that differs from the quick one in the full cache alone."""
        return self._attempt(self.arguments(), {})[0]

    def in_order(self, order: str) -> Ended:
        """Return a run with sets in the order of that PYTHONHASHSEED."""
        return self._once(PYTHONHASHSEED=order)

    @property
    def threaded(self) -> Ended:
        """A run with four threads asked for by the environment."""
        return self._once(**_FOUR_THREADS)

    def on_workers(self, count: int) -> Ended:
        """Return a run on that many Ray workers."""
        return self._once(str(count))

    @cached_property
    def resumed(self) -> Ended | NotJudged:
        """A run whose driver was killed in the middle, gone on with."""
        ended = self._killed_and_resumed({}, {})
        if isinstance(ended, Failed) or ended["starts"] > 1:
            return ended
        return NotJudged(
            f"the run ended before its driver could be killed after {self._middle} outcomes"
        )

    @cached_property
    def half(self) -> RunView:
        """A run that was killed in the middle, as it was before it went on.

        It is one that other rules make, too. Raises NotJudged when none could be killed.
        """
        if self._half is None and isinstance(self.resumed, NotJudged):
            raise self.resumed
        if self._half is None:
            raise NotJudged("no run could be killed in the middle")
        return RunView(self._half)

    def _keep_half(self) -> None:
        """Copy the run that was killed a moment ago: a resume will change it."""
        try:
            killed = find("last", self.runs)
        except HeliostatError:  # it died before it was there
            return
        kept = self.folder / "half" / killed.id
        shutil.copytree(killed.path, kept)
        self._half = RunFolder(kept)

    def close(self) -> None:
        """Close what is open."""
        if "half" in self.__dict__:
            self.half.close()
        if "view" in self.__dict__:
            self.view.close()

    @property
    def _middle(self) -> int:
        return max(1, int(self.serial["outcomes"]) // 2)

    def _killed_and_resumed(self, killed: Mapping[str, str], resumed: Mapping[str, str]) -> Ended:
        """Return how it ended: without a second start if it was done before it could be killed."""
        fault = {FAULT_VARIABLE: f"kill-after-commits={self._middle}"}
        ended, _ = self._attempt(self.arguments(), {**killed, **fault})
        if isinstance(ended, Failed) and ended.kind == "SIGKILL":
            self._keep_half()
            ended, _ = self._attempt(["resume", "last", "--workers", "serial"], resumed)
        return ended

    def _once(self, workers: str = "serial", **changed: str) -> Ended:
        named = (workers, *(f"{name}={value}" for name, value in sorted(changed.items())))
        if named not in self._made:
            self._made[named] = self._attempt(self.arguments(workers), changed)[0]
        return self._made[named]

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
