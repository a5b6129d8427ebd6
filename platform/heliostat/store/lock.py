"""One driver a run: an advisory lock on the run's folder that dies with its process."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from heliostat.errors import RunLocked, StoreError
from heliostat.store.entries import open_regular, read_regular

PATIENCE_SECONDS = 1.0
"""Somebody who only looks whether a run is driven holds the lock for an instant."""


class RunLock:
    """Holds the run's lock file; `holder` tells who has it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._made = False

    def acquire(self) -> None:
        """Take the lock; raises RunLocked naming the process that has it."""
        while not self._taken():
            pass  # whoever had it took the file away, as one that it made for nothing

    def _taken(self) -> bool:
        self._made = not self._path.exists()
        try:
            descriptor = open_regular(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        except OSError as error:
            raise StoreError(f"cannot open {self._path}: {error.strerror}") from error
        # held open for as long as the lock is held
        file = os.fdopen(descriptor, "a+", encoding="utf-8")
        if not _lock_within(file, PATIENCE_SECONDS):
            file.close()
            pid, host = holder(self._path)
            raise RunLocked(self._path.parent.name, pid, host)
        if not _is_at(self._path, file):
            file.close()
            return False
        self._file = file
        return True

    def sign(self) -> None:
        """Write into the lock who has it: not before it is known that the run may go on."""
        if self._file is None:
            return
        try:
            self._file.truncate(0)
            self._file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
            self._file.flush()
            self._made = False
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from error

    def release(self) -> None:
        """Give the lock back; a file that was made for nothing is taken away while it is held."""
        if self._file is not None:
            if self._made:
                with suppress(OSError):
                    self._path.unlink()
            self._file.close()
            self._file = None


def _is_at(path: Path, file: IO[str]) -> bool:
    """Return whether a path leads to an open file still."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _lock_within(file: IO[str], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)


def held(path: Path) -> bool:
    """Return whether a living process holds the lock."""
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def holder(path: Path) -> tuple[int | str, str]:
    """Return process id and host that wrote the lock file."""
    try:
        record = json.loads(read_regular(path))
        return int(record["pid"]), str(record["host"])
    except (OSError, StoreError, ValueError, KeyError, TypeError, RecursionError):
        return "unknown", "an unknown host"
