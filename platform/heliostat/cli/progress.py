"""Live progress on standard error: in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from heliostat.cli.long_text import shortened
from heliostat.cli.progress_lines import Lines, line
from heliostat.cli.searches_table import SearchesTable
from heliostat.contract.method import MethodSpec
from heliostat.engine.listener import Silent
from heliostat.errors import Key
from heliostat.store.database.rows import Row
from heliostat.store.pace import Pace
from heliostat.terminal import printable, say

STARTING = "starting"
"""The event before the first item: its text is the executor, and the address of a cluster."""

NOTES = {
    "worker_lost": "note: {}; it is being retried",
    "retried": "failures of the machine: {}",
    "nodes_differ": "warning: {}",
    "nodes": "cluster: {}",
    "warning": "warning: {}",
    "damaged": "note: {}",
    "part": "{}",
    "plugin": "note: plugin {}; the run goes on without it",
    "observer": "note: observer {}; it changes no result",
}
"""Events that are shown, each in one line, and how; all events are in the run's log."""


def make_progress(method: MethodSpec, *, plain: bool = False) -> PlainProgress:
    """Return the progress display that suits standard error."""
    if plain or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return PlainProgress(method)
    return LiveProgress(method)


def noted(kind: str, text: str) -> str:
    """Return what is shown of an event, on one line; nothing for one that only the log has."""
    if kind not in NOTES:
        return ""
    one_line = "; ".join(filter(None, map(str.strip, shortened(text).splitlines())))
    return NOTES[kind].format(one_line)


class PlainProgress(Silent):
    """A line a tenth of each phase, and at least every half minute.

    The run is named at once, before anything that may take long.
    """

    def __init__(self, method: MethodSpec) -> None:
        self._method = method
        self._searches: dict[Key, Pace] = {}
        self._lines = Lines()
        self._failures = 0
        self._tasks = 0
        self._where = ""

    def begin(self, run: str, where: str = "", *, goes_on: bool = False) -> None:
        """Name the run that begins, and say where its items are evaluated.

        One that goes on may need nothing evaluated: it says where once it does.
        """
        if goes_on:
            self._where = where
            self._say_run(run, " goes on")
        else:
            self._say_run(run, where and f"; {where}")

    def _say_run(self, run: str, rest: str) -> None:
        say(f"run {run}{rest}", err=True)

    def end(self) -> None:
        """Nothing to take down."""

    def on_tick(self) -> None:
        """Say how it goes if nothing was said for long."""
        now = time.monotonic()
        if not self._lines.silent_for_long(now):
            return
        pace = self._searches.get(()) or Pace(now)
        text = line((), pace, self._method.unit, now, self._failures, self._tasks)
        if text:
            say(text, err=True)

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Count tasks and failures."""
        self._tasks += len(rows)
        self._failures += sum(row.failure is not None for row in rows)

    def on_report(
        self, scope: Key, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        """Show a step."""
        search, now = self._search(scope), time.monotonic()
        search.take(step, of, count, metrics, now)
        self._say_if_due(scope, search, now)

    def on_phase(self, scope: Key, name: str) -> None:
        """Show what a search does from here on."""
        search = self._search(scope)
        search.begin(name)
        self._say_if_due(scope, search, time.monotonic())

    def _say_if_due(self, scope: Key, search: Pace, now: float) -> None:
        if self._lines.due(scope, search, now):
            say(line(scope, search, self._unit(scope), now, self._failures), err=True)

    def _unit(self, scope: Key) -> str:
        # what another method's search counts is not said here
        return "" if scope and self._method.methods_run else self._method.unit

    def _search(self, scope: Key) -> Pace:
        return self._searches.setdefault(scope, Pace(time.monotonic()))

    def on_event(self, kind: str, text: str) -> None:
        """Show what happened to workers in one line."""
        if kind == STARTING:
            if self._where and starting(text):
                say(self._where, err=True)
            self._where = ""
        elif noted(kind, text):
            say(noted(kind, text), err=True)


class LiveProgress(PlainProgress):
    """The same numbers, kept in place on a terminal."""

    def __init__(self, method: MethodSpec) -> None:
        super().__init__(method)
        from rich.console import Console

        self._console = Console(stderr=True)
        self._table = SearchesTable(method.unit)
        self._live: Any = None
        self._refreshed = 0.0
        self._starting = ""

    def _say_run(self, run: str, rest: str) -> None:
        from rich.text import Text

        # what is said may be a stranger's: brackets in it are no markup
        name = Text(printable(run), style="bold")
        stop = " (Ctrl-C stops it; what is done is kept)"
        self._console.print(Text("run ") + name + printable(rest) + stop, highlight=False)

    def end(self) -> None:
        """Close the display with its last state."""
        if self._live is not None:
            self._live.update(self._picture() if self._searches else "")
            self._live.stop()
            self._live = None

    def on_report(
        self, scope: Key, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        """Take a step in."""
        self._search(scope).take(step, of, count, metrics, time.monotonic())
        self.on_tick()

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Count failures."""
        self.on_tick()
        super().on_commit(rows)

    def on_phase(self, scope: Key, name: str) -> None:
        """Take what a search does from here on."""
        self._search(scope).begin(name)
        self.on_tick()

    def on_tick(self) -> None:
        """Draw at most four times a second."""
        self._starting = ""
        now = time.monotonic()
        if now - self._refreshed > 0.25:
            self._refreshed = now
            self._draw()

    def on_event(self, kind: str, text: str) -> None:
        """Show what happened to workers above the display."""
        if kind == STARTING and starting(text):
            self._starting = starting(text)
            self._draw()
        elif kind == STARTING:
            self.on_tick()
        elif noted(kind, text):
            note = printable(noted(kind, text))
            self._console.print(note, style="yellow", markup=False, highlight=False)

    def _draw(self) -> None:
        if self._live is None:
            from rich.live import Live

            self._live = Live(console=self._console, refresh_per_second=4, transient=False)
            self._live.start()
        self._live.update(self._picture())

    def _picture(self) -> Any:
        from rich.text import Text

        if self._starting:
            return Text(printable(self._starting))
        if not self._searches:
            return "waiting for the first results ..."
        return self._table.drawn(
            self._searches, self._failures, self._console.width, time.monotonic()
        )


def starting(executor: str) -> str:
    """Return what is being waited for before there is work; nothing where that takes no time."""
    name, _, address = executor.partition(" ")
    if name != "ray":
        return ""
    return "starting Ray ..." if address == "local" else f"joining Ray at {address} ..."
