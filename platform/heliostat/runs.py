"""Run folders: where a run lives, and the read-only view that commands and reports use.

``runs/20260131-142530-evomal-k3f9/`` holds `config.toml` (fully resolved), `run.db` (the journal),
`artifacts/`, `log.jsonl`, `report.html` and the lock.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from heliostat.encoding import decode
from heliostat.errors import (
    CorruptStore,
    EncodingError,
    Key,
    PluginError,
    RunNotFound,
    StoreError,
    key_text,
)
from heliostat.methods import is_method_name
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.entries import check_entries
from heliostat.store.journal import Journal, Row
from heliostat.store.lock import held

RUNS_VARIABLE = "HELIOSTAT_RUNS"


def runs_root(given: str | Path | None = None) -> Path:
    """Return the folder that holds runs: as given, from HELIOSTAT_RUNS, or ./runs."""
    return Path(given or os.environ.get(RUNS_VARIABLE) or "runs").expanduser()


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @property
    def id(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def database(self) -> Path:
        """The journal."""
        return self.path / "run.db"

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.toml"

    @property
    def log(self) -> Path:
        """The log, a JSON object a line."""
        return self.path / "log.jsonl"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def lock(self) -> Path:
        """The driver's lock."""
        return self.path / "lock"

    @property
    def artifacts(self) -> ArtifactStore:
        """The content-addressed files."""
        return ArtifactStore(self.path / "artifacts")


def create(root: Path, method: str) -> RunFolder:
    """Make a new run folder; its name has the date, the method and four random characters."""
    if not is_method_name(method):
        raise PluginError(f"{method!r} is no method's name, so no folder is made for it")
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        while True:
            # The name is no part of a result, so it may be random.
            path = root / f"{stamp}-{method}-{secrets.token_hex(2)}"
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                if not root.is_dir():
                    raise
                continue
            return RunFolder(path)
    except OSError as error:
        raise StoreError(f"cannot make a run folder in {root}: {error.strerror}") from error


def folders(root: Path) -> list[RunFolder]:
    """Return all runs, newest first."""
    if not root.is_dir():
        return []
    found = [RunFolder(path) for path in root.iterdir() if _is_run(path)]
    return sorted(found, key=lambda run: (run.database.stat().st_ctime_ns, run.id), reverse=True)


def find(name: str, root: Path) -> RunFolder:
    """Return the run of that name, unique part of a name, or path; `last` is the newest."""
    if _is_run(Path(name)):
        return RunFolder(Path(name))
    every = folders(root)
    if name == "last" and every:
        return max(every, key=_begun)
    exact = [run for run in every if run.id == name]
    partial = [run for run in every if name in run.id] if name else []
    matches = exact or partial
    if len(matches) == 1:
        return matches[0]
    named = [run.id for run in matches or every]
    raise RunNotFound(name, named, str(root), several=len(matches) > 1)


def _is_run(path: Path) -> bool:
    try:
        return (path / "run.db").is_file()
    except (OSError, ValueError):  # too long for a path, or a NUL in it: no name of a run
        return False


def _begun(run: RunFolder) -> tuple[float, str]:
    """Return when a run began; its name has seconds only, in local time."""
    try:
        view = RunView(run)
        created = view.created
        view.close()
    except StoreError:
        return 0.0, run.id
    return created, run.id


class RunView:
    """A run as commands, reports and observers see it: read-only.

    A run folder may come from anywhere. What it holds is checked as it is read, and raises
    CorruptStore naming file, table and column where it is not what was written.
    """

    def __init__(self, folder: RunFolder) -> None:
        check_entries(folder.path)
        self.folder = folder
        self._journal = Journal(folder.database, folder.artifacts, readonly=True)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    @property
    def id(self) -> str:
        """The run's name."""
        return self.folder.id

    def _meta(self, name: str, default: str = "") -> str:
        return self._journal.meta(name) or default

    @property
    def method(self) -> str:
        """The method's name."""
        return self._meta("method")

    @property
    def method_version(self) -> int:
        """The version of the method whose configuration this is."""
        return int(self._journal.record("method_version", 1))

    @property
    def seed(self) -> int:
        """The root of all random streams."""
        return int(self._journal.record("seed", 0))

    @property
    def lookahead(self) -> int:
        """The number of virtual slots of asynchronous searches."""
        return int(self._journal.record("lookahead", 1))

    @property
    def state(self) -> str:
        """running, finished, failed, interrupted, or stopped (its driver is gone)."""
        state = self._meta("state", "stopped")
        return "stopped" if state == "running" and not held(self.folder.lock) else state

    @property
    def digest(self) -> str | None:
        """The digest of a finished run."""
        return self._journal.meta("digest")

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration."""
        values: dict[str, Any] = self._journal.record("config", {})
        return values

    @property
    def record(self) -> dict[str, Any]:
        """The last driver's account: seconds, evaluated, replayed, workers."""
        values: dict[str, Any] = self._journal.record("record", {})
        return values

    @property
    def environment(self) -> dict[str, Any]:
        """Where the run was started."""
        values: dict[str, Any] = self._journal.record("environment", {})
        return values

    @property
    def inputs(self) -> dict[str, str]:
        """The hashes of files and products that the configuration names."""
        values: dict[str, str] = self._journal.record("inputs", {})
        return values

    @property
    def code(self) -> str:
        """The fingerprint of the code that began the run."""
        return self._meta("fingerprint")

    @property
    def command(self) -> str:
        """The command that began the run."""
        return self._meta("command")

    @property
    def created(self) -> float:
        """When the run began, in seconds since the epoch."""
        return float(self._journal.record("created", 0.0))

    @property
    def labels(self) -> list[str]:
        """What makes this run's result depend on more than its configuration, if anything."""
        values: list[str] = self._journal.record("labels", [])
        return values

    @property
    def error(self) -> str:
        """What ended a failed run."""
        return self._meta("error")

    @cached_property
    def result(self) -> Any:
        """What the search returned, None before it did."""
        text = self._journal.meta("result")
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

    def outcomes(self, *, delivered: bool = True) -> Iterator[Row]:
        """Yield journaled outcomes in key order."""
        return self._journal.outcomes(delivered=delivered)

    def text(self, held_text: str) -> str:
        """Return the full canonical text of what a row holds."""
        return self._journal.extern(held_text)

    def count(self) -> int:
        """Return the number of outcomes the search saw (so far, all that are journaled)."""
        return self._journal.count_delivered() or self._journal.count()

    def failures(self) -> list[Row]:
        """Return the outcomes that failed."""
        return self._journal.failures()

    def workers(self) -> dict[str, dict[str, float]]:
        """Return items and busy seconds of each worker process."""
        return self._journal.workers()

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
        values: dict[str, str] = self._journal.record("sources", {})
        return values

    def row(self) -> dict[str, Any]:
        """Return one line for `heliostat ls`."""
        return {
            "run": self.id,
            "method": self.method,
            "state": self.state,
            "seed": self.seed,
            "digest": self.digest,
            "outcomes": self.count(),
            "failures": len(self.failures()),
            "created": self.created,
        }
