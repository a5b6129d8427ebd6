"""The `Run` of a trial whose reports are looked at while it goes on, so that it can be given up.

A trial may keep checkpoints. A resume that starts from one does not report the steps before it
again, so the state that is stored holds what was reported; and a checkpoint is written only when
the trial goes on, so that none lies behind a report by which it is given up.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from heliostat.contract import Outcome, Run
from heliostat.errors import ConfigError
from heliostat_search.strategies.pruning import Course, Pruner


class TrialPruned(BaseException):
    """The trial is given up; raised inside `run.*` and meant to pass through its search."""


@dataclass(frozen=True)
class Pruning:
    """How trials are given up: the rule, the reported number it compares, "min" or "max"."""

    pruner: Pruner
    metric: str
    direction: str


@dataclass(frozen=True)
class Ended:
    """How a trial ended: its result, or given up at its last report."""

    value: Any
    course: Course
    pruned: bool


class Watch:
    """The trials of one search: what they report, which are given up, when they end."""

    def __init__(self, pruning: Pruning | None, *, timed: bool) -> None:
        self._pruning = pruning
        self._timed = timed
        self._told: list[Course] = []
        self._reported: dict[str, None] = {}
        self._checked = False
        self.seconds: dict[int, float] = {}
        """What the run had taken when a trial ended, by number."""

    def trial(self, number: int, search: Callable[[Run], Any]) -> Callable[[Run], Ended]:
        """Return a trial's search; what was told until now is what it is compared with."""
        known = len(self._told)

        def start(run: Run) -> Ended:
            try:
                ended = self._ended(run, number, search, known)
            except Exception:
                self._note_time(run, number)
                raise
            self._note_time(run, number)
            return ended

        return start

    def _note_time(self, run: Run, number: int) -> None:
        if self._timed:
            self.seconds[number] = run.elapsed()

    def _ended(self, run: Run, number: int, search: Callable[[Run], Any], known: int) -> Ended:
        course = Course(number)
        if self._pruning is None:
            return Ended(search(run), course, pruned=False)
        pruning = self._pruning

        def gives_up() -> bool:
            return pruning.pruner.gives_up(course, list(islice(self._told, known)))

        watched = WatchedRun(run, pruning, course, gives_up, self._reported)
        value = None
        try:
            value = search(cast(Run, watched))
            watched.go_on()
        except TrialPruned:
            run.abandon()
        return Ended(value, course, watched.pruned)

    def tell(self, outcome: Outcome[Any]) -> Ended | None:
        """Take in a trial that was delivered and return how it ended, None if it failed.

        Raises ConfigError when the first that ended did not report what is compared.
        """
        ended = outcome.value
        if outcome.failure is not None or not isinstance(ended, Ended):
            return None
        ended.course.complete = not ended.pruned
        self._told.append(ended.course)
        if self._pruning is not None and not self._checked:
            self._checked = True
            self._check(self._pruning, ended.course)
        return ended

    def _check(self, pruning: Pruning, course: Course) -> None:
        name, reported = pruning.metric, list(self._reported)
        if not course.steps:
            expected = "a number that trials report at their steps"
            hint = f"reported: {', '.join(reported)}" if reported else "they report none"
            raise ConfigError("prune_by", name, expected, hint)
        if pruning.pruner.needs_last_step and course.of is None:
            expected = "asha or median, where trials do not say their last step"
            raise ConfigError("pruner", "hyperband", expected, "run.report(step, of=last) says it")


class WatchedRun:
    """Passes everything on to a trial's own `Run`, and looks at its reports.

    Reports of searches inside the trial's (`gather`, `branch`) are their own.
    """

    def __init__(
        self,
        run: Run,
        pruning: Pruning,
        course: Course,
        gives_up: Callable[[], bool],
        reported: dict[str, None],
    ) -> None:
        self._run = run
        self._pruning = pruning
        self._course = course
        self._gives_up = gives_up
        self._reported = reported
        self._held: tuple[int, Any] | None = None
        self.pruned = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._run, name)
        if not callable(found):
            return found

        def passed_on(*args: Any, **named: Any) -> Any:
            self.go_on()
            return found(*args, **named)

        return passed_on

    def go_on(self) -> None:
        """Write the checkpoint that waits; raise TrialPruned once the trial was given up."""
        if self.pruned:
            raise TrialPruned
        if self._held is not None:
            (step, state), self._held = self._held, None
            course = self._course
            reports = list(zip(course.steps, course.values, strict=True))
            stored = {"reports": reports, "of": course.of, "state": state}
            self._run.checkpoint(step, stored)

    def report(
        self, step: int, *, of: int | None = None, count: float | None = None, **metrics: float
    ) -> None:
        """Report, and end the trial if it is given up."""
        if self.pruned:
            raise TrialPruned
        self._run.report(step, of=of, count=count, **metrics)
        self._reported |= dict.fromkeys(metrics)
        pruning = self._pruning
        if pruning.metric not in metrics:
            return
        value = float(metrics[pruning.metric])
        if not self._course.add(step, value, pruning.direction, of):
            return  # a search may count from the beginning again
        if of is not None and step >= of:
            return  # its work is done
        if self._gives_up():
            self.pruned = True
            raise TrialPruned

    def checkpoint(self, step: int, state: object) -> None:
        """Keep the state; it is written, with what was reported, when the trial goes on."""
        self.go_on()
        # as it is now: the search may change it before it is written
        self._held = step, copy.deepcopy(state)

    def restore(self, default: tuple[int, Any], load: Callable[[Any], Any] | None = None) -> Any:
        """Return the newest state, and take up what was reported before it."""

        def loaded(stored: Any) -> Any:
            for step, value in stored["reports"]:
                self._course.add(step, value, self._pruning.direction, stored["of"])
            return stored["state"] if load is None else load(stored["state"])

        self.go_on()
        return self._run.restore(default, loaded)
