"""Live progress on standard error: in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from heliostat.errors import Key
from heliostat.listener import Silent
from heliostat.methods import MethodSpec
from heliostat.store.journal import Row

PLAIN_SECONDS = 2.0
"""Least time between two plain lines of one search."""

ROWS_SHOWN = 12
"""Sub-searches in the display on a terminal, the newest ones."""

NOTES = {
    "worker_lost": "note: {}; it is being retried",
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


class _Search:
    """What is known of one (sub-)search."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.first: tuple[float, float, int] | None = None
        self.step = 0
        self.of: int | None = None
        self.count: float | None = None
        self.metrics: dict[str, float] = {}
        self.shown = 0.0

    def take(
        self, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        if step < self.step:  # another phase counts from the beginning: so do rate and time left
            self.first, self.count, self.metrics = None, None, {}
        self.step, self.of = step, of
        # a report within a step says only that it goes on
        self.count = self.count if count is None else count
        self.metrics = metrics or self.metrics
        if self.first is None:
            self.first = (time.monotonic(), count or 0.0, step)

    def rate(self) -> float | None:
        """Units per second, measured from the first report (set-up does not count)."""
        if self.count is None:
            return None
        since, before, _ = self.first or (self.began, self.count, 0)
        now = time.monotonic()
        return (self.count - before) / (now - since) if self.count > before else None

    def seconds_left(self) -> float | None:
        """Time left if the coming steps take as long as those since the first report."""
        if self.of is None or self.first is None or self.step <= self.first[2]:
            return None
        each = (time.monotonic() - self.first[0]) / (self.step - self.first[2])
        return each * max(0, self.of - self.step)


class PlainProgress(Silent):
    """One line a step, at most one every two seconds for each search."""

    def __init__(self, method: MethodSpec) -> None:
        self._method = method
        self._searches: dict[Key, _Search] = {}
        self._failures = 0

    def begin(self, run: str) -> None:
        """Say which run begins."""
        print(f"run {run}", file=sys.stderr)  # noqa: T201

    def end(self) -> None:
        """Nothing to take down."""

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Count failures."""
        self._failures += sum(row.failure is not None for row in rows)

    def on_report(
        self, scope: Key, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        """Show a step."""
        search = self._searches.setdefault(scope, _Search())
        another_phase = step < search.step  # its first step may take long, so it is said at once
        search.take(step, of, count, metrics)
        now = time.monotonic()
        if scope and now - search.began < PLAIN_SECONDS:
            return  # a search of many short sub-searches shows its own steps
        if now - search.shown >= PLAIN_SECONDS or step == of or another_phase:
            search.shown = now
            print(self._line(scope, search), file=sys.stderr)  # noqa: T201

    def on_event(self, kind: str, text: str) -> None:
        """Show what happened to workers in one line."""
        if kind in NOTES:
            print(NOTES[kind].format(text), file=sys.stderr)  # noqa: T201

    def _line(self, scope: Key, search: _Search) -> str:
        parts = [f"[{'.'.join(map(str, scope))}]"] if scope else []
        parts.append(f"step {search.step}" + (f"/{search.of}" if search.of else ""))
        parts += [f"{name} {value:.4g}" for name, value in search.metrics.items()]
        rate = search.rate()
        if rate is not None:
            # what another method's search counts is not said here
            unit = "" if scope and self._method.methods_run else f" {self._method.unit}"
            parts.append(f"{rate:.3g}{unit}/s")
        if self._failures:
            parts.append(f"{self._failures} failed")
        left = search.seconds_left()
        if left is not None:
            parts.append(f"{duration(left)} left")
        return "  ".join(parts)


class LiveProgress(PlainProgress):
    """The same numbers, kept in place on a terminal."""

    def __init__(self, method: MethodSpec) -> None:
        super().__init__(method)
        self._live: Any = None
        self._refreshed = 0.0

    def begin(self, run: str) -> None:
        """Open the display."""
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True)
        console.print(f"run [bold]{run}[/bold]  (Ctrl-C stops it; what is done is kept)")
        self._live = Live(console=console, refresh_per_second=4, transient=False)
        self._live.start()

    def end(self) -> None:
        """Close the display with its last state."""
        if self._live is not None:
            self._live.update(self._picture())
            self._live.stop()
            self._live = None

    def on_report(
        self, scope: Key, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        """Take a step in."""
        self._searches.setdefault(scope, _Search()).take(step, of, count, metrics)
        self.on_tick()

    def on_tick(self) -> None:
        """Draw at most four times a second."""
        now = time.monotonic()
        if self._live is not None and now - self._refreshed > 0.25:
            self._refreshed = now
            self._live.update(self._picture())

    def on_event(self, kind: str, text: str) -> None:
        """Show what happened to workers above the display."""
        if kind in NOTES and self._live is not None:
            # the text may be a stranger's: brackets in it are no markup
            note = NOTES[kind].format(text)
            self._live.console.print(note, style="yellow", markup=False, highlight=False)

    def _picture(self) -> Any:
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        names = list(dict.fromkeys(n for s in self._searches.values() for n in s.metrics))
        heads = ["search", "step", *names, f"{self._method.unit}/s", "failed", "left"]
        for head in heads:
            table.add_column(head.replace("_", " "), justify="right")
        newest = list(self._searches.items())[-ROWS_SHOWN:]
        main = [((), self._searches[()])] if () in self._searches else []
        for scope, search in main + [row for row in newest if row[0]]:
            rate, left = search.rate(), search.seconds_left()
            table.add_row(
                ".".join(map(str, scope)) or "main",
                f"{search.step}" + (f"/{search.of}" if search.of else ""),
                *(f"{search.metrics[n]:.4g}" if n in search.metrics else "" for n in names),
                "" if rate is None else f"{rate:.3g}",
                str(self._failures),
                "" if left is None else duration(left),
            )
        return table


def duration(seconds: float) -> str:
    """Return a time as people say it: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
