"""A run as commands, reports and observers see it: read-only, checked as it is read."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from heliostat.errors import (
    CorruptStore,
    EncodingError,
    Key,
    StoreError,
    key_text,
)
from heliostat.store.database.rows import Row
from heliostat.store.entries import check_entries
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.lock import held
from heliostat.store.marks import Marks, read_marks
from heliostat.store.pace import Pace, Paces
from heliostat.store.record import RunRecord
from heliostat.values.canonical import decode


class RunView:
    """A run as commands, reports and observers see it: read-only.

    A run folder may come from anywhere. What it holds is checked as it is read, and raises
    CorruptStore naming file, table and column where it is not what was written.
    """

    def __init__(self, folder: RunFolder, *, whole: bool = True, alone: bool = False) -> None:
        """Open a run.

        With `whole` its database is looked through, which is not done for one line of many. Who
        holds the run's lock, or looks for an instant, is `alone` and leaves no trace of it.
        """
        check_entries(folder.path)
        self.folder = folder
        self._journal = Journal(folder.database, folder.artifacts, readonly=True, alone=alone)
        if whole:
            self._journal.check()

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    @property
    def id(self) -> str:
        """The run's name."""
        return self.folder.id

    @property
    def about(self) -> RunRecord:
        """All that is recorded of the run beside its outcomes, as it is now."""
        return self._journal.record

    @property
    def method(self) -> str:
        """The method's name."""
        return self.about.method

    @property
    def method_version(self) -> int:
        """The version of the method whose configuration this is."""
        return self.about.method_version

    @property
    def seed(self) -> int:
        """The root of all random streams."""
        return self.about.seed

    @property
    def lookahead(self) -> int:
        """The number of virtual slots of asynchronous searches."""
        return self.about.lookahead

    @property
    def state(self) -> str:
        """running, finished, failed, interrupted, paused, or stopped (its driver is gone)."""
        state = self.about.state
        if held(self.folder.lock):  # a resume says so once it goes beyond what was there
            return "running"
        return "stopped" if state == "running" else state

    @property
    def digest(self) -> str | None:
        """The digest of a finished run."""
        return self.about.digest if self.state == "finished" else None

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration."""
        return self.about.config

    @property
    def record(self) -> dict[str, Any]:
        """The last driver's account: seconds, evaluated, replayed, workers."""
        return self.about.last_start

    @property
    def environment(self) -> dict[str, Any]:
        """Where the run was started."""
        return self.about.environment

    @property
    def inputs(self) -> dict[str, str]:
        """The hashes of files and products that the configuration names."""
        return self.about.inputs

    @property
    def directory(self) -> Path:
        """Where the run began: relative paths of its configuration are meant from there."""
        return Path(self.about.directory)

    @property
    def code(self) -> str:
        """The fingerprint of the code that began the run."""
        return self.about.fingerprint

    @property
    def command(self) -> str:
        """The command that began the run."""
        return self.about.command

    @property
    def created(self) -> float:
        """When the run began, in seconds since the epoch."""
        return self.about.created

    @property
    def labels(self) -> list[str]:
        """What makes this run's result depend on more than its configuration, if anything."""
        return list(self.about.labels)

    @property
    def error(self) -> str:
        """What ended a failed run."""
        return self.about.error

    @cached_property
    def result(self) -> Any:
        """What the search returned, None before it did."""
        text = self.about.result
        return None if text is None else self._decoded("its result", self._journal.extern(text))

    def metrics(self, scope: Key | None = None) -> dict[str, list[tuple[int, float]]]:
        """Return {name: [(step, value)]} of one scope, or of all."""
        found: dict[str, list[tuple[int, float]]] = {}
        for at, step, name, value in self._journal.metrics():
            if scope is None or at == scope:
                found.setdefault(name, []).append((step, value))
        return found

    def scopes(self) -> list[Key]:
        """Return the scopes that reported metrics, in order."""
        return sorted({scope for scope, _, _, _ in self._journal.metrics()})

    @property
    def marks(self) -> Marks:
        """What people call the run and write about it, as it is now."""
        return read_marks(self.folder.path)

    def paces(self) -> dict[Key, Pace]:
        """Return how each (sub-)search that said anything goes, in the order of first words."""
        return self.follow(Paces())

    def follow(self, paces: Paces) -> dict[Key, Pace]:
        """Return the same, reading only what is new since `paces` was followed the last time."""
        paces.take(self._journal.steps(paces.newest), self._journal.events())
        return paces.searches

    def check_unsealed(self) -> None:
        """Raise CorruptStore if a finished run without seals has not the rows of its digest."""
        if self._journal.was_unsealed:
            for _ in self.outcomes():
                pass

    def copy_database(self, path: Path) -> None:
        """Write the journal as it is now into a new file."""
        self._journal.copy(path)

    def outcomes(self, *, delivered: bool = True) -> Iterator[Row]:
        """Yield journaled outcomes in key order: those the search saw, or all.

        Raises CorruptStore after the last of a finished run if they are not those it ended with.
        """
        total = hashlib.sha256()
        for row in self._journal.outcomes(delivered=delivered):
            if delivered and not row.observed:
                total.update(row.line().encode())
            yield row
        began, found = self.about, total.hexdigest()
        expected = began.digest if began.state == "finished" else None
        if delivered and expected not in (None, found):
            where = f"{self.folder.database}: table outcome"
            raise CorruptStore(where, f"the rows of digest {expected}", f"those of {found}")

    def found(self, task: str) -> Iterator[tuple[Row, Any, Any]]:
        """Yield (row, item, value) of what a task has given so far, in key order; no failures.

        `task` is its permanent name. Of a run that goes on, those that the search has not seen yet
        are among them. Shared data stay handles. Raises CorruptStore for what cannot be decoded.
        """
        for row in self.outcomes(delivered=False):
            if row.function == task and row.value is not None:
                where = f"outcome {key_text(row.key)}"
                value = self._decoded(f"{where}: its value", self.text(row.value))
                yield row, self._decoded(f"{where}: its item", self.text(row.item)), value

    def text(self, held_text: str) -> str:
        """Return the full canonical text of what a row holds."""
        return self._journal.extern(held_text)

    def count(self) -> int:
        """Return the number of tasks: of outcomes the search saw, as far as that is recorded.

        This is what every command and the report say. `stored` counts all that are journaled.
        """
        seen = self._journal.count_delivered()
        return seen if seen or self.about.digest is not None else self._journal.count()

    def stored(self) -> int:
        """Return the number of journaled outcomes, those included that no search has seen."""
        return self._journal.count()

    def tasks(self) -> str:
        """Return the number of tasks as people read it, with what is stored where that differs."""
        count, stored = self.count(), self.stored()
        return f"{count}" if count == stored else f"{count} ({stored} stored)"

    def failures(self) -> list[Row]:
        """Return the outcomes that failed."""
        return self._journal.failures()

    def workers(self) -> dict[str, dict[str, float]]:
        """Return items and busy seconds of each worker process."""
        return self._journal.workers()

    def tallies(self) -> dict[str, tuple[int, float]]:
        """Return items and busy seconds of each worker, summed by the database and not checked."""
        return self._journal.tallies()

    def count_failed(self) -> int:
        """Return how many journaled outcomes are failures, as far as the database is believed."""
        return self._journal.count_failed()

    def products(self) -> list[dict[str, Any]]:
        """Return what the run saved.

        `unique_name` tells apart what sub-searches saved under one name: NAME@SCOPE.
        """
        found = self._journal.products()
        times = Counter(product["name"] for product in found)
        for product in found:
            name = product["name"]
            product["unique_name"] = (
                f"{name}@{key_text(product['scope'])}" if times[name] > 1 else name
            )
        return found

    def product(self, name: str) -> Any:
        """Return the value of a product (the first of that name in order of scope)."""
        for product in self.products():
            if name in (product["unique_name"], product["name"]):
                content = self.folder.artifacts.get(product["sha256"])
                raw = product["media"] == "application/octet-stream"
                return content if raw else self._decoded(f"product {name!r}", content)
        raise StoreError(f"run {self.id} has no product {name!r}")

    def _decoded(self, what: str, text: str | bytes) -> Any:
        try:
            return decode(text if isinstance(text, str) else text.decode())
        except (EncodingError, UnicodeDecodeError) as error:
            raise CorruptStore(f"run {self.id}: {what}", "a canonical text", str(error)) from error

    def events(self) -> list[tuple[float, str, str]]:
        """Return (time, kind, text) of what happened to the run."""
        return self._journal.events()

    def sources(self) -> dict[str, str]:
        """Return the hashes of the source files that began the run."""
        return self.about.sources

    def best(self, paces: Mapping[Key, Pace] | None = None) -> dict[str, float]:
        """Return the goals of its method: what a finished run came to, or the best reported yet.

        A method that reports none of its goals may report a `best`. `paces`: those read already.
        """
        about = self.about
        if about.best or about.state == "finished":
            return about.best
        found: dict[str, float] = {}
        paces = self.paces() if paces is None else paces
        for pace in paces.values():
            for name, direction in about.goals.items():
                if name in pace.least:
                    one = (pace.least if direction == "min" else pace.most)[name]
                    choose = min if direction == "min" else max
                    found[name] = choose(one, found.get(name, one))
        told = [pace.metrics["best"] for pace in paces.values() if "best" in pace.metrics]
        return found or ({"best": told[0]} if len(told) == 1 else {})

    def seconds(self) -> float:
        """Return how long the run was worked on, in seconds.

        Of one whose driver is gone it is what the journal knows: the least that it can be.
        """
        state, now = self.state, 0.0
        if state == "running":
            with suppress(OSError):  # the lock's time is when the driver signed it
                now = max(0.0, time.time() - self.folder.lock.stat().st_mtime)
        elif state == "stopped":
            return round(max(self.about.spent, self._seen_working()), 3)
        return round(self.about.spent + now, 3)

    def _seen_working(self) -> float:
        """Return the longest that one start is known to have worked, in seconds."""
        reported = (row.elapsed for row in self._journal.steps())
        busy = (seconds for _, seconds in self._journal.tallies().values())
        first = [when - self.created for when, *_ in self.events() if self.about.starts == 1]
        return max((x for x in (*reported, *busy, *first) if isfinite(x)), default=0.0)

    def so_far(self) -> str:
        """Return in a few words what the run is at and has come to, for who asks for its end."""
        row = self.row()
        step = f"step {row['step']}" + (f" of {row['of']}" if row["of"] else "")
        best = [f"{name} {value:.4g}" for name, value in row["best"].items()]
        return ", ".join(filter(None, [row["phase"], step if row["step"] else "", *best[:1]]))

    def row(self) -> dict[str, Any]:
        """Return one line for `heliostat ls`: all that is known without the method's code."""
        paces, marks, about = self.paces(), self.marks, self.about
        main = paces.get(()) or max(paces.values(), key=lambda pace: pace.reports, default=None)
        return {
            "run": self.id,
            "name": marks.name,
            "method": about.method,
            "on": about.on,
            "state": self.state,
            "phase": main.phase if main else "",
            "step": main.step if main else None,
            "of": main.of if main else None,
            "best": self.best(paces),
            "goals": dict(about.goals),
            "seed": about.seed,
            "digest": self.digest,
            "outcomes": self.count(),
            "stored": self.stored(),
            "failures": len(self.failures()),
            "created": about.created,
            "seconds": self.seconds(),
            "bytes": self.folder.size(),
            "tags": dict(marks.tags),
            "note": marks.note,
        }
