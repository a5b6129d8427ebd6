"""The runs of a folder as rows: read once, and again only where a file of a run changed.

A row costs milliseconds, so a page of a thousand runs shows what has been read by then, and what
the names of the other folders say; the rest is read meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from heliostat.errors import StoreError
from heliostat.store.folder import RunFolder, folders, missing_journal, without_journal
from heliostat.store.lock import held
from heliostat.store.marks import FILE as MARKS
from heliostat.store.view import RunView
from heliostat.ui.remembered import Remembered

Signature = tuple[int, ...]
READING = "reading"
"""The state of a row that is not read yet."""
DAMAGED = "damaged"
AGES_SECONDS = 10.0
"""Age of a running run's row from which on it is read again: its duration grows by itself."""
_STAMP = re.compile(r"([0-9]{8}-[0-9]{6})-([a-z][a-z0-9_]{0,63})-[0-9a-f]{4}")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True)
class Row:
    """One run in the list; `key` is its name in addresses."""

    run: str
    key: str = ""
    name: str = ""
    method: str = ""
    on: str = ""
    state: str = READING
    phase: str = ""
    step: int | None = None
    of: int | None = None
    best: Mapping[str, float] = field(default_factory=dict)
    seed: int | None = None
    digest: str | None = None
    outcomes: int = 0
    failures: int = 0
    created: float = 0.0
    seconds: float = 0.0
    bytes: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    error: str = ""

    @property
    def title(self) -> str:
        """What a person calls the run, or its folder's name."""
        return self.name or self.run


_FIELDS = frozenset(one.name for one in fields(Row))


def key_of(run: str) -> str:
    """Return a run's name in addresses: its folder's, or a hash where that is no plain word."""
    if _PLAIN.fullmatch(run):
        return run
    return "~" + hashlib.sha256(os.fsencode(run)).hexdigest()[:20]


def signature(folder: RunFolder) -> Signature:
    """Return what changes with the files that a row is read from."""
    found: list[int] = []
    for name in ("run.db", "run.db-wal", MARKS):
        try:
            stat = os.lstat(folder.path / name)
            found += [stat.st_ino, stat.st_mtime_ns, stat.st_size]
        except OSError:
            found += [0, 0, 0]
    return (*found, int(held_now(folder)))


def held_now(folder: RunFolder) -> bool:
    """Return whether a driver holds the run; a lock that is no file is held by nobody."""
    try:
        return held(folder.lock)
    except StoreError:
        return False


class Listing:
    """The runs of one folder. Any thread may ask; one reads at a time."""

    def __init__(self, root: Path, remembered: Remembered | None = None) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._remembered = remembered or Remembered(None)
        self._read: dict[str, tuple[Signature, Row]] = {
            run: known
            for run, known in self._remembered.load(Row).items()
            if known[1].run == run and known[1].key == key_of(run)
        }
        self._when: dict[str, float] = {}
        self._folders: dict[str, RunFolder] = {}
        self._rows: Sequence[Row] = ()
        self.unread = 0
        """How many rows are still to be read."""

    def rows(self, seconds: float) -> Sequence[Row]:
        """Return all rows, newest first; reads for that many seconds at most what has changed."""
        with self._lock:
            until = time.monotonic() + seconds
            try:
                every = folders(self.root)
            except OSError:  # a run was removed while others look
                return self._rows
            rows, unread, news = [], 0, False
            for folder in every:
                now = signature(folder)
                known = self._read.get(folder.id)
                if known is not None and known[0] == now and not self._aged(known[1]):
                    row = known[1]
                elif time.monotonic() < until:
                    row = read(folder)
                    self._read[folder.id] = now, row
                    self._when[folder.id] = time.monotonic()
                    news = True
                else:
                    unread += 1
                    row = known[1] if known is not None else _unread(folder)
                rows.append(row)
            for folder in without_journal(self.root):
                every.append(folder)
                rows.append(_damaged(folder, missing_journal(folder)))
            self._folders = {key_of(folder.id): folder for folder in every}
            self._read = {run.id: self._read[run.id] for run in every if run.id in self._read}
            rows.sort(key=lambda row: (row.created, row.run), reverse=True)
            self._rows, self.unread = rows, unread
            if news and not unread:
                self._remembered.save(self._read)
            return rows

    def _aged(self, row: Row) -> bool:
        """Return whether a row changes with time alone and was not read of late."""
        if row.state != "running":
            return False
        return time.monotonic() > self._when.get(row.run, -AGES_SECONDS) + AGES_SECONDS

    def folder(self, key: str) -> RunFolder | None:
        """Return the run of that name in addresses: one that lies in the folder, or None."""
        found = self._folders.get(key)
        if found is None:
            self.rows(0.0)
            found = self._folders.get(key)
        return found

    def account(self) -> tuple[Row, ...]:
        """Return the rows as they were last read, to see whether anything is new."""
        return tuple(self._rows)


def read(folder: RunFolder) -> Row:
    """Return the row of a run; one that cannot be read is a row that says so."""
    try:
        view = RunView(folder, whole=False, alone=True)
        try:
            return row_of(view.row())
        finally:
            view.close()
    except StoreError as error:
        return _damaged(folder, error)
    except Exception as error:  # a hostile folder may fail in any way, and hides no other
        return _damaged(folder, error)


def row_of(account: Mapping[str, Any]) -> Row:
    """Return the row of a run's account; what else the account has is left out."""
    known = {name: value for name, value in account.items() if name in _FIELDS}
    return Row(**{**known, "key": key_of(account["run"])})


def _damaged(folder: RunFolder, error: Exception) -> Row:
    guess = _unread(folder)
    return Row(
        run=folder.id,
        key=guess.key,
        method=guess.method,
        state=DAMAGED,
        created=guess.created,
        error=str(error) or type(error).__name__,
    )


def _unread(folder: RunFolder) -> Row:
    """Return what the name of a run's folder says."""
    found = _STAMP.fullmatch(folder.id)
    created, method = 0.0, ""
    if found is not None:
        method = found[2]
        with suppress(ValueError, OverflowError):
            created = time.mktime(time.strptime(found[1], "%Y%m%d-%H%M%S"))
    return Row(run=folder.id, key=key_of(folder.id), method=method, created=created)
