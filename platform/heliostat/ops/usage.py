"""What runs take on disk: artifacts, database and report apart."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from heliostat.errors import StoreError
from heliostat.store.folder import RunFolder, folders, without_journal
from heliostat.store.marks import read_marks
from heliostat.store.view import RunView

DAMAGED = "damaged"
"""What stands in place of the method of a run whose journal cannot be read."""


@dataclass(frozen=True)
class Usage:
    """The bytes of one run."""

    run: str
    name: str
    method: str
    artifacts: int
    database: int
    report: int
    other: int

    @property
    def total(self) -> int:
        """All bytes of the run."""
        return self.artifacts + self.database + self.report + self.other


def usage_of(run: RunFolder) -> Usage:
    """Return what a run takes, links not followed."""
    found = {"artifacts": 0, "database": 0, "report": 0, "other": 0}
    with suppress(OSError):  # a driver replaces its files while others look
        for entry in run.path.iterdir():
            found[_kind(run, entry)] += _bytes(entry)
    return Usage(run.id, read_marks(run.path).name, _method(run), **found)


def usage(root: Path) -> list[Usage]:
    """Return what each run of a folder takes, the largest first."""
    runs = [*folders(root), *without_journal(root)]
    return sorted(map(usage_of, runs), key=lambda one: (-one.total, one.run))


def by_method(runs: list[Usage]) -> list[tuple[str, list[Usage]]]:
    """Return the runs of each method, the one that takes most first."""
    methods: dict[str, list[Usage]] = {}
    for one in runs:
        methods.setdefault(one.method, []).append(one)
    return sorted(methods.items(), key=lambda pair: (-sum(u.total for u in pair[1]), pair[0]))


def _kind(run: RunFolder, entry: Path) -> str:
    if entry.name.startswith(run.database.name):  # what SQLite keeps beside it, too
        return "database"
    return {"artifacts": "artifacts", run.report.name: "report"}.get(entry.name, "other")


def _bytes(entry: Path) -> int:
    if entry.is_dir() and not entry.is_symlink():
        return RunFolder(entry).size()
    with suppress(OSError):
        return entry.lstat().st_size
    return 0


def _method(run: RunFolder) -> str:
    try:
        view = RunView(run, whole=False)
        method = view.method
        view.close()
    except StoreError:
        return DAMAGED
    return method
