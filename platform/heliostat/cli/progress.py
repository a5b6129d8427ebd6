"""Live progress on standard error: in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from heliostat.cli.progress_table import Column, Columns
from heliostat.contract.method import MethodSpec
from heliostat.engine.listener import Silent
from heliostat.errors import Key
from heliostat.store.database.rows import Row
from heliostat.store.pace import Pace
from heliostat.terminal import printable, say

PLAIN_SECONDS = 2.0
"""Least time between two plain lines of one search."""

ROWS_SHOWN = 12
"""Sub-searches in the display on a terminal, the newest ones."""

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
"""Events that are shown, and how; all events are in the run's log."""


def make_progress(method: MethodSpec, *, plain: bool = False) -> PlainProgress:
    """Return the progress display that suits standard error."""
    if plain or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return PlainProgress(method)
    return LiveProgress(method)


class PlainProgress(Silent):
    """One line a step, at most one every two seconds for each search.

    The run is named once there is work: before that, a mistake or a cluster that does not answer
    leaves no run behind.
    """

    def __init__(self, method: MethodSpec) -> None:
        self._method = method
        self._searches: dict[Key, Pace] = {}
        self._shown_at: dict[Key, float] = {}
        self._failures = 0
        self._run = ""

    def begin(self, run: str) -> None:
        """Take the name of the run that begins."""
        self._run = run

    def end(self) -> None:
        """Nothing to take down."""

    def on_tick(self) -> None:
        """Name the run, if that was not done."""
        if self._run:
            say(f"run {self._run}", err=True)
            self._run = ""

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Count failures."""
        self.on_tick()
        self._failures += sum(row.failure is not None for row in rows)

    def on_report(
        self, scope: Key, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        """Show a step."""
        self.on_tick()
        search = self._search(scope)
        another_phase = step < search.step  # its first step may take long, so it is said at once
        now = time.monotonic()
        search.take(step, of, count, metrics, now)
        if scope and now - search.began < PLAIN_SECONDS:
            return  # a search of many short sub-searches shows its own steps
        if now - self._shown_at.get(scope, 0.0) >= PLAIN_SECONDS or step == of or another_phase:
            self._shown_at[scope] = now
            say(self._line(scope, search), err=True)

    def on_phase(self, scope: Key, name: str) -> None:
        """Take what a search does from here on."""
        self._search(scope).begin(name)

    def _search(self, scope: Key) -> Pace:
        return self._searches.setdefault(scope, Pace(time.monotonic()))

    def on_event(self, kind: str, text: str) -> None:
        """Show what happened to workers in one line."""
        if kind == STARTING and not starting(text):
            self.on_tick()
        elif kind in NOTES:
            say(NOTES[kind].format(text), err=True)

    def _line(self, scope: Key, search: Pace) -> str:
        parts = [f"[{'.'.join(map(str, scope))}]"] if scope else []
        parts.append(f"step {search.step}" + (f"/{search.of}" if search.of else ""))
        parts += [f"{name} {value:.4g}" for name, value in search.metrics.items()]
        rate = search.rate(time.monotonic())
        if rate is not None:
            # what another method's search counts is not said here
            unit = "" if scope and self._method.methods_run else f" {self._method.unit}"
            parts.append(f"{rate:.3g}{unit}/s")
        if self._failures:
            parts.append(f"{self._failures} failed")
        left = search.seconds_left(time.monotonic())
        if left is not None:
            parts.append(f"{duration(left)} left")
        return "  ".join(parts)


class LiveProgress(PlainProgress):
    """The same numbers, kept in place on a terminal."""

    def __init__(self, method: MethodSpec) -> None:
        super().__init__(method)
        from rich.console import Console

        self._console = Console(stderr=True)
        self._columns = Columns()
        self._live: Any = None
        self._refreshed = 0.0
        self._starting = ""

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

    def on_tick(self) -> None:
        """Draw at most four times a second."""
        from rich.text import Text

        self._starting = ""
        if self._run:
            # what is said may be a stranger's: brackets in it are no markup
            name = Text(printable(self._run), style="bold")
            self._console.print("run", name, " (Ctrl-C stops it; what is done is kept)")
            self._run = ""
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
        elif kind in NOTES:
            note = printable(NOTES[kind].format(text))
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
        newest = list(self._searches.items())[-ROWS_SHOWN:]
        main = [((), self._searches[()])] if () in self._searches else []
        rows = main + [row for row in newest if row[0]]
        if not rows:
            return "waiting for the first results ..."
        return self._columns.table(self._shown(rows), self._console.width)

    def _shown(self, rows: Sequence[tuple[Key, Pace]]) -> list[Column]:
        """Return what could be shown, most important first."""
        columns = []
        if any(scope for scope, _ in rows):
            names = [".".join(map(str, scope)) or "main" for scope, _ in rows]
            columns.append(Column("search", names))
        steps = [f"{s.step}/{s.of}" if s.of else f"{s.step}" for _, s in rows]
        now = time.monotonic()
        left = [s.seconds_left(now) for _, s in rows]
        rates = [s.rate(now) for _, s in rows]
        columns += [
            Column("step", steps),
            Column("left", ["" if seconds is None else duration(seconds) for seconds in left]),
        ]
        if self._failures:
            columns.append(Column("failed", [str(self._failures), *[""] * (len(rows) - 1)]))
        for name in dict.fromkeys(name for _, s in rows for name in s.metrics):
            cells = [f"{s.metrics[name]:.4g}" if name in s.metrics else "" for _, s in rows]
            columns.append(Column(printable(name).replace("_", " "), cells))
        per_second = ["" if rate is None else f"{rate:.3g}" for rate in rates]
        return [*columns, Column(f"{printable(self._method.unit)}/s", per_second)]


def starting(executor: str) -> str:
    """Return what is being waited for before there is work; nothing where that takes no time."""
    name, _, address = executor.partition(" ")
    if name != "ray":
        return ""
    return "starting Ray ..." if address == "local" else f"joining Ray at {address} ..."


def duration(seconds: float) -> str:
    """Return a time as people say it: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
