"""Who is told about a run's progress, such as the display of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from heliostat.errors import Key
from heliostat.store.database.rows import Row


class Listener(Protocol):
    """Who is told about progress; it sees results and cannot change them."""

    def on_report(
        self, scope: Key, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        """Take the metrics of a step."""

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Take a batch of outcomes that were just committed."""

    def on_phase(self, scope: Key, name: str) -> None:
        """Take what a (sub-)search does from here on."""

    def on_tick(self) -> None:
        """Called a few times a second while the engine waits."""

    def on_event(self, kind: str, text: str) -> None:
        """Take what happened to the run, such as a warning."""


class Silent:
    """A listener that shows nothing."""

    def on_report(
        self, scope: Key, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        """Ignore."""

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Ignore."""

    def on_phase(self, scope: Key, name: str) -> None:
        """Ignore."""

    def on_tick(self) -> None:
        """Ignore."""

    def on_event(self, kind: str, text: str) -> None:
        """Ignore."""
