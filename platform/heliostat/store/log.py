"""The run's log: one JSON object a line, written by any thread of the driver."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from pathlib import Path

from heliostat.errors import StoreError
from heliostat.store.entries import open_regular


class RunLog:
    """Appends to `log.jsonl`; keeps what was logged until the journal takes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pending: deque[tuple[str, str]] = deque()

    def add(self, kind: str, text: str) -> None:
        """Log an event; failures to write are left to the journal, which must be able to write."""
        with self._lock:
            self._pending.append((kind, text))
        self.write(kind, text)

    def write(self, kind: str, text: str) -> None:
        """Log an event that the journal has already."""
        line = json.dumps({"time": round(time.time(), 3), "kind": kind, "text": text})
        with self._lock:
            try:
                descriptor = open_regular(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                    file.write(line + "\n")
            except (OSError, StoreError):
                pass  # a full disk is reported by the journal's next commit

    def take(self) -> list[tuple[str, str]]:
        """Return the events logged since the last call."""
        if not self._pending:
            return []
        with self._lock:
            taken = list(self._pending)
            self._pending.clear()
        return taken
