"""A run that goes on for as long as a test wants: its lock is held, its journal is written here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.lock import RunLock
from heliostat.store.pace import PHASE, phase_text
from heliostat.store.record import RunRecord


class GoingRun:
    """A run of a method that drives nothing; `step` reports, `end` lets go of it."""

    def __init__(self, root: Path, name: str, method: str = "group_means", **more: Any) -> None:
        path = root / name
        path.mkdir(parents=True)
        self.folder = RunFolder(path)
        record = RunRecord(method=method, config={}, created=time.time(), **more)
        self._lock = RunLock(self.folder.lock)
        self._lock.acquire()
        self._lock.sign()
        self.journal = Journal(self.folder.database, self.folder.artifacts, record=record)
        self._began = time.monotonic()

    def phase(self, name: str) -> None:
        """Say what it does from here on."""
        self.journal.add_event(PHASE, phase_text((), name))

    def step(self, number: int, of: int | None, **metrics: float) -> None:
        """Report a step."""
        elapsed = time.monotonic() - self._began
        self.journal.add_metrics((), number, of, float(number), metrics, elapsed)

    def end(self, state: str = "finished", **more: Any) -> None:
        """Write how it ended, and let go of it."""
        self.journal.change(state=state, **more)
        self.journal.close()
        self._lock.release()
