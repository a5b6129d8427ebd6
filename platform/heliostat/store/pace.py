"""How a search goes: its newest step, the rate and the time left, live or read from the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from math import nan
from typing import NamedTuple

from heliostat.errors import Key

PHASE = "phase"
"""The kind of the event that says what a search does from there on."""


def phase_text(scope: Key, name: str) -> str:
    """Return the text of a phase's event: the scope's key, a blank, the name."""
    return f"{'.'.join(map(str, scope))} {name}"


def read_phase(text: str) -> tuple[Key, str]:
    """Return (scope, name) of a phase's event; another text is a phase of the main search."""
    scope, blank, name = text.partition(" ")
    parts = scope.split(".") if scope else []
    if not blank or not all(p.isascii() and p.isdecimal() and len(p) < 20 for p in parts):
        return (), text
    return tuple(map(int, parts)), name


class Reported(NamedTuple):
    """One metric of a reported step, as the journal holds it; a step without one has name ""."""

    number: int
    scope: Key
    step: int
    of: int | None
    done: float | None
    name: str
    value: float | None
    elapsed: float


class Pace:
    """The steps of one (sub-)search as they come.

    Times are seconds on any one clock: that of a running process, or what the journal recorded.
    """

    def __init__(self, began: float, phase: str = "") -> None:
        self.began = began
        self.phase = phase
        self.step = 0
        self.of: int | None = None
        self.count: float | None = None
        self.metrics: dict[str, float] = {}
        self.least: dict[str, float] = {}
        self.most: dict[str, float] = {}
        self.reports = 0
        self._first: tuple[float, float, int] | None = None
        self._last = began

    def begin(self, phase: str) -> None:
        """Take what the search does from here on: steps, rate and time left count anew."""
        if self.phase:
            self.restart()
        self.phase = phase

    def restart(self) -> None:
        """Count steps, rate and time left from the next report."""
        self._anew()
        self.step, self.of = 0, None

    def take(
        self,
        step: int,
        of: int | None,
        count: float | None,
        metrics: Mapping[str, float],
        at: float,
    ) -> None:
        """Take a report of the time `at`; a step below the last one begins another phase."""
        if step < self.step:
            self._anew()
        elif at < self._last:  # another start of the run, whose clock begins anew
            self.reclock()
        self.step, self.of = step, of
        # a report within a step says only that it goes on
        self.count = self.count if count is None else count
        self.metrics = dict(metrics) or self.metrics
        for name, value in metrics.items():
            if value == value:
                self.least[name] = min(value, self.least.get(name, value))
                self.most[name] = max(value, self.most.get(name, value))
        if self._first is None:
            self._first = (at, count or 0.0, step)
        self._last = at
        self.reports += 1

    def reclock(self) -> None:
        """Measure the rate from the next report: what came before was replayed or long ago."""
        self._first = None

    def _anew(self) -> None:
        self._first, self.count, self.metrics, self.least, self.most = None, None, {}, {}, {}

    def rate(self, now: float | None = None) -> float | None:
        """Units per second, from the first report (set-up does not count) to `now`, or the last."""
        if self.count is None:
            return None
        since, before, _ = self._first or (self.began, self.count, 0)
        seconds = (self._last if now is None else now) - since
        return (self.count - before) / seconds if self.count > before and seconds > 0 else None

    def seconds_left(self, now: float | None = None) -> float | None:
        """Time left if the coming steps take as long as those since the first report."""
        if self.of is None or self._first is None or not self._first[2] < self.step < self.of:
            return None  # at the end of a phase another one may follow
        seconds = (self._last if now is None else now) - self._first[0]
        return seconds / (self.step - self._first[2]) * (self.of - self.step)


class Paces:
    """How all searches of a run go, read from its journal bit by bit."""

    def __init__(self) -> None:
        self.searches: dict[Key, Pace] = {}
        self.newest = 0

    def take(self, reported: Iterable[Reported], events: Iterable[tuple[float, str, str]]) -> None:
        """Take what was reported after `newest`, and all events of the run."""
        for at, metrics in _steps(reported):
            self.newest = at.number
            pace = self.searches.setdefault(at.scope, Pace(0.0))
            if (at.step, at.of, at.done, metrics) == (0, None, None, {}):  # a phase begins
                pace.restart()
                continue
            pace.take(at.step, at.of, at.done, metrics, at.elapsed)
        for _, kind, text in events:
            if kind == PHASE:
                scope, name = read_phase(text)
                self.searches.setdefault(scope, Pace(0.0)).phase = name


def _steps(reported: Iterable[Reported]) -> Iterator[tuple[Reported, dict[str, float]]]:
    """Yield the last row and the metrics of each report."""
    for _, rows in groupby(reported, lambda row: (row.scope, row.step, row.elapsed)):
        every = list(rows)
        yield every[-1], {r.name: nan if r.value is None else r.value for r in every if r.name}
