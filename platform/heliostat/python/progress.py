"""How a run shows its progress in Python: in place in a terminal or notebook, else plain lines."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Sequence
from typing import Any, Protocol

from heliostat.amounts import duration
from heliostat.cli.progress import NOTES, make_progress
from heliostat.contract.method import MethodSpec
from heliostat.engine.listener import Listener, Silent
from heliostat.errors import Key
from heliostat.store.database.rows import Row
from heliostat.store.pace import Pace
from heliostat.terminal import printable, say

REDRAWN_SECONDS = 0.25
"""Least time between two states of the line in a notebook."""


class Display(Listener, Protocol):
    """A listener that is told when a run begins and ends."""

    def begin(self, run: str) -> None:
        """Take the name of the run that begins."""

    def end(self, how: str) -> None:
        """Show the last state; `how` it ended is empty for a run that did not."""


def display_for(method: MethodSpec, wanted: bool) -> Display:
    """Return the display that suits where this process writes; one that shows nothing if unwanted.

    In a notebook that is a line updated in place, in a terminal the command line's table, else a
    line a step on standard error.
    """
    if not wanted:
        return Nothing()
    notebook = _display_of_notebook()
    return InNotebook(method, notebook) if notebook is not None else OnStandardError(method)


def _display_of_notebook() -> Any:
    """Return IPython's `display` where a notebook's kernel runs, None elsewhere."""
    ipython = sys.modules.get("IPython")  # never imported for it
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display

    return display


class Nothing(Silent):
    """A display that shows nothing."""

    def begin(self, run: str) -> None:
        """Ignore."""

    def end(self, how: str) -> None:
        """Ignore."""


class OnStandardError:
    """The display of the command line."""

    def __init__(self, method: MethodSpec) -> None:
        shown = make_progress(method)
        self.begin = shown.begin
        self._end = shown.end
        self.on_report = shown.on_report
        self.on_commit = shown.on_commit
        self.on_phase = shown.on_phase
        self.on_tick = shown.on_tick
        self.on_event = shown.on_event

    def end(self, how: str) -> None:
        """Close the display with its last state."""
        self._end()


class InNotebook(Silent):
    """One line below the cell, updated in place."""

    def __init__(self, method: MethodSpec, display: Any) -> None:
        self._method = method
        self._display = display
        self._line: Any = None
        self._run = ""
        self._searches: dict[Key, Pace] = {}
        self._newest: Key = ()
        self._failures = 0
        self._drawn = 0.0

    def begin(self, run: str) -> None:
        """Name the run that begins."""
        self._run = run
        self._draw("begins")

    def end(self, how: str) -> None:
        """Leave the line with how the run ended, or with its last state."""
        failed = f", {self._failures} failed" if how and self._failures else ""
        if how or self._line is not None:
            self._draw(f"{how}{failed}" or f"{self._state()}  (not finished)")

    def on_report(
        self, scope: Key, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        """Take a step in."""
        now = time.monotonic()
        self._searches.setdefault(scope, Pace(now)).take(step, of, count, metrics, now)
        self._newest = () if () in self._searches else scope
        self.on_tick()

    def on_phase(self, scope: Key, name: str) -> None:
        """Take what a search does from here on."""
        self._searches.setdefault(scope, Pace(time.monotonic())).begin(name)

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Count failures."""
        self._failures += sum(row.failure is not None for row in rows)
        self.on_tick()

    def on_tick(self) -> None:
        """Draw at most four times a second."""
        if time.monotonic() - self._drawn >= REDRAWN_SECONDS:
            self._draw(self._state())

    def on_event(self, kind: str, text: str) -> None:
        """Say what a user has to know, in a line of its own."""
        if kind in NOTES:
            say(NOTES[kind].format(text), err=True)

    def _state(self) -> str:
        pace = self._searches.get(self._newest)
        if pace is None:
            return "no step yet"
        now = time.monotonic()
        parts = [pace.phase] if pace.phase else []
        if pace.reports:
            parts.append(f"step {pace.step}" + (f"/{pace.of}" if pace.of else ""))
        parts += [f"{name} {value:.4g}" for name, value in pace.metrics.items()]
        rate, left = pace.rate(now), pace.seconds_left(now)
        if rate is not None:
            parts.append(f"{rate:.3g} {self._method.unit}/s")
        if self._failures:
            parts.append(f"{self._failures} failed")
        if left is not None:
            parts.append(f"{duration(left)} left")
        return "  ".join(parts) or "no step yet"

    def _draw(self, state: str) -> None:
        self._drawn = time.monotonic()
        text = printable(f"run {self._run}  {state}" if self._run else state)
        data = {"text/plain": text, "text/html": f"<code>{html.escape(text)}</code>"}
        if self._line is None:
            self._line = self._display(data, raw=True, display_id=True)
        else:
            self._line.update(data, raw=True)
