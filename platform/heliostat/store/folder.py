"""Run folders: where a run lives, and how one is found by its name.

``runs/20260131-142530-mymethod-k3f9/`` holds `config.toml` (fully resolved), the journal `run.db`,
`artifacts/`, `log.jsonl`, `report.html` and the lock.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from heliostat.errors import ConfigError, CorruptStore, PluginError, RunNotFound, StoreError
from heliostat.names import is_method_name
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.entries import check_entries
from heliostat.store.journal import Journal
from heliostat.store.last import told_last
from heliostat.store.marks import read_marks

_NAMED = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z][a-z0-9_]{0,63}-[0-9a-f]{4}")

LEAST_PART = 4
"""Characters of a run's name that may stand for it."""
RUNS_VARIABLE = "HELIOSTAT_RUNS"


def runs_root(given: str | Path | None = None) -> Path:
    """Return the folder that holds runs: as given, from HELIOSTAT_RUNS, or ./runs.

    It may not exist yet. Raises ConfigError for what is there and is no folder.
    """
    root = Path(given or os.environ.get(RUNS_VARIABLE) or "runs").expanduser()
    if os.path.exists(root) and not os.path.isdir(root):
        field = "--runs" if given else RUNS_VARIABLE if os.environ.get(RUNS_VARIABLE) else "runs"
        raise ConfigError(field, str(root), "a folder of runs", f"{root} is no folder")
    return root


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

    def size(self) -> int:
        """Return the bytes of all files of the run, links not followed."""
        total = 0
        for where, _, names in os.walk(self.path):
            for name in names:
                with suppress(OSError):  # a driver replaces its files while others look
                    total += os.lstat(os.path.join(where, name)).st_size
        return total

    @property
    def artifacts(self) -> ArtifactStore:
        """The content-addressed files."""
        return ArtifactStore(self.path / "artifacts")


_NOT_BEGUN = ".{}.new"
STALE_SECONDS = 3600.0
"""Age of what a start that died left behind, from which on the next start clears it away."""


def create(root: Path, method: str) -> RunFolder:
    """Make the folder of a new run under a name that no command sees; `place` gives it its own.

    That name has the date, the method and four random characters.
    """
    if not is_method_name(method):
        raise PluginError(f"{method!r} is no method's name, so no folder is made for it")
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        while True:
            # The name is no part of a result, so it may be random.
            name = f"{stamp}-{method}-{secrets.token_hex(2)}"
            path = root / _NOT_BEGUN.format(name)
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                if not root.is_dir():
                    raise
                continue
            if (root / name).exists():
                path.rmdir()
                continue
            _clear_stale(root)
            return RunFolder(path)
    except OSError as error:
        raise StoreError(f"cannot make a run folder in {root}: {error.strerror}") from error


def named(folder: RunFolder) -> Path:
    """Return the path that a folder of `create` has once it is in its place."""
    return folder.path.with_name(folder.path.name.removeprefix(".").removesuffix(".new"))


def place(folder: RunFolder) -> RunFolder:
    """Give a folder that holds a whole run its name; all at once, so that no half of it is seen."""
    path = named(folder)
    try:
        return RunFolder(folder.path.rename(path))
    except OSError as error:
        raise StoreError(f"cannot name the run folder {path.name}: {error.strerror}") from error


def _clear_stale(root: Path) -> None:
    before = time.time() - STALE_SECONDS
    for path in root.glob(_NOT_BEGUN.format("*")):
        with suppress(OSError):
            if path.lstat().st_mtime < before:
                shutil.rmtree(path)


def missing_journal(run: RunFolder) -> CorruptStore:
    """Return the error of a run folder whose journal is gone."""
    return CorruptStore(str(run.path), "the run's journal run.db", "no such file")


def folders(root: Path) -> list[RunFolder]:
    """Return all runs, newest first."""
    if not root.is_dir():
        return []
    found = [RunFolder(path) for path in root.iterdir() if _is_run(path)]
    return sorted(found, key=lambda run: (run.database.stat().st_ctime_ns, run.id), reverse=True)


def find(name: str, root: Path) -> RunFolder:
    """Return the run of that name, unique part of a name, or path; `last` is the newest.

    A name is the folder's, or the one that a person gave the run. A part has four characters at
    least: fewer are in many names by chance, and some verbs change what they find.
    """
    if _is_run(Path(name)):
        return RunFolder(Path(name))
    every = folders(root)
    if name == "last" and every:
        newest = max(every, key=_begun)
        told_last(newest.id)
        return newest
    exact = [run for run in every if run.id == name]
    exact = exact or [run for run in every if name and read_marks(run.path).name == name]
    partial = [run for run in every if name in run.id] if len(name) >= LEAST_PART else []
    matches = exact or partial
    if len(matches) == 1:
        return matches[0]
    for run in without_journal(root):
        if not matches and name in (run.id, str(run.path)):
            raise missing_journal(run)
    named = [read_marks(run.path).name or run.id for run in matches or every]
    raise RunNotFound(name, named, str(root), several=len(matches) > 1)


def without_journal(root: Path) -> list[RunFolder]:
    """Return the folders named like runs that hold a run's files and no journal."""
    if not root.is_dir():
        return []
    named = [RunFolder(path) for path in root.iterdir() if _NAMED.fullmatch(path.name)]
    return [run for run in named if run.config.is_file() and not _is_run(run.path)]


def _is_run(path: Path) -> bool:
    try:
        return (path / "run.db").is_file() and not path.name.startswith(".")
    except (OSError, ValueError):  # too long for a path, or a NUL in it: no name of a run
        return False


def _begun(run: RunFolder) -> tuple[float, str]:
    """Return when a run began; its name has seconds only, in local time."""
    try:
        check_entries(run.path)
        journal = Journal(run.database, run.artifacts, readonly=True)
        created = journal.record.created
        journal.close()
    except StoreError:
        return 0.0, run.id
    return created, run.id
