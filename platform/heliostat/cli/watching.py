"""A run as somebody else follows it: what its journal says, look by look, as numbers and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heliostat.amounts import duration, took
from heliostat.cli.runs_table import best_text
from heliostat.cli.searches_table import SearchesTable
from heliostat.errors import Key
from heliostat.store.pace import Pace, Paces
from heliostat.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from heliostat.store.view import RunView

COUNT_SHARE = 20
"""Workers are counted at most this part of the time: it takes a look at every outcome."""


@dataclass(frozen=True)
class Look:
    """What the journal said at one moment; `workers` are items and busy seconds of each."""

    run: str
    name: str
    method: str
    on: str
    state: str
    seconds: float
    best: Mapping[str, float]
    workers: Mapping[str, tuple[int, float]]
    failures: int
    searches: Mapping[Key, Pace]
    starts: int
    error: str

    @property
    def tasks(self) -> int:
        """Outcomes in the journal."""
        return sum(items for items, _ in self.workers.values())

    @property
    def main(self) -> Pace | None:
        """The main search, or the one that reported most."""
        every = self.searches
        return every.get(()) or max(every.values(), key=lambda pace: pace.reports, default=None)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        main = self.main
        return {
            "run": self.run,
            "name": self.name,
            "method": self.method,
            "on": self.on,
            "state": self.state,
            "phase": main.phase if main else "",
            "step": main.step if main else None,
            "of": main.of if main else None,
            "best": dict(self.best),
            "rate": main.rate() if main else None,
            "left": main.seconds_left() if main else None,
            "seconds": self.seconds,
            "stored": self.tasks,
            "failures": self.failures,
            "workers": [
                {"worker": name, "items": items, "seconds": seconds}
                for name, (items, seconds) in self.workers.items()
            ],
            "searches": [
                {
                    "scope": list(scope),
                    "phase": pace.phase,
                    "step": pace.step,
                    "of": pace.of,
                    "rate": pace.rate(),
                    "left": pace.seconds_left(),
                    "metrics": dict(pace.metrics),
                }
                for scope, pace in self.searches.items()
            ],
            "error": self.error,
        }

    def heading(self) -> list[str]:
        """Return the lines above the table of searches."""
        called = f" {self.name}" if self.name else ""
        what = f"{self.method} on {self.on}" if self.on else self.method
        lines = [
            f"run {self.run}{called}",
            f"{what}: {self.state}, {took(self.seconds, self.state)}",
        ]
        if self.best:
            lines.append(f"best      {best_text(self.best, most=4)}")
        lines.append(f"workers   {self._work()}")
        if self.failures:
            lines.append(f"failures  {self.failures}")
        return lines

    def _work(self) -> str:
        busy = sum(seconds for _, seconds in self.workers.values())
        count = len(self.workers)
        share = ""
        if self.starts == 1 and count and self.seconds >= 1:  # else their names are of many starts
            share = f", {min(1.0, busy / count / self.seconds):.0%} of the time"
        return f"{count}, {self.tasks} items, busy for {duration(busy)}{share}"


class Watcher:
    """Looks at a run again and again, and reads only what is new since the last look."""

    def __init__(self, view: RunView, unit: str) -> None:
        self._view = view
        self._paces = Paces()
        self._table = SearchesTable(unit)
        self._workers: dict[str, tuple[int, float]] = {}
        self._failures = 0
        self._count_at = 0.0

    def look(self, now: float) -> Look:
        """Return what the journal says; `now`: seconds on any one clock."""
        import time

        state = self._view.state  # before what it is the state of, which may only grow
        searches, about = self._view.follow(self._paces), self._view.about
        if now >= self._count_at or state != "running":
            began = time.monotonic()
            self._workers, self._failures = self._view.tallies(), self._view.count_failed()
            self._count_at = now + COUNT_SHARE * (time.monotonic() - began)
        return Look(
            run=self._view.id,
            name=self._view.marks.name,
            method=about.method,
            on=about.on,
            state=state,
            seconds=self._view.seconds(),
            best=self._view.best(searches),
            workers=self._workers,
            failures=self._failures,
            searches=searches,
            starts=about.starts,
            error=about.error,
        )

    def drawn(self, look: Look, width: int) -> RenderableType:
        """Return a look as a picture for a terminal of that width."""
        from rich.console import Group
        from rich.text import Text

        head = [Text(printable(line), overflow="fold") for line in look.heading()]
        if not look.searches:
            return Group(*head, Text("waiting for the first results ..."))
        return Group(*head, Text(""), self._table.drawn(look.searches, 0, width, None))
