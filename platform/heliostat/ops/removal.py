"""Removing runs: which ones, what speaks against it, and how none is left by half."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from heliostat.contract.product_name import PRODUCT
from heliostat.errors import RunLocked, StoreError
from heliostat.store.folder import RunFolder, folders, without_journal
from heliostat.store.lock import RunLock
from heliostat.store.marks import Marks, read_marks
from heliostat.store.view import RunView

GONE = ".{}.{}.gone"
"""What a run is called while its files are deleted: a name that no command sees."""
STATES = ("finished", "failed", "interrupted", "paused", "stopped", "damaged")
"""The states of runs that may be removed; one that is running may not."""


@dataclass(frozen=True)
class Chosen:
    """Which runs are meant: those to which all of it applies. `seconds` since anything was done."""

    seconds: float | None = None
    states: Collection[str] = ()
    methods: Collection[str] = ()
    tags: Mapping[str, str | None] = field(default_factory=dict)
    """The value that a tag has to have, None for any."""

    def runs(self, root: Path) -> list[RunFolder]:
        """Return the runs of a folder that are meant, newest first."""
        return [run for run in [*folders(root), *without_journal(root)] if self._means(run)]

    def _means(self, run: RunFolder) -> bool:
        about = _Run.read(run)
        had = about.marks.tags
        return (
            (not self.states or about.state in self.states)
            and (not self.methods or about.method in self.methods)
            and all(key in had and value in (None, had[key]) for key, value in self.tags.items())
            and (self.seconds is None or about.newest < time.time() - self.seconds)
        )


@dataclass(frozen=True)
class _Run:
    """What speaks for or against the removal of a run, as far as it can be read."""

    id: str
    marks: Marks
    state: str = "damaged"
    method: str = ""
    newest: float = 0.0
    """When it was begun or written to, whichever is later."""
    products: frozenset[str] = frozenset()
    inputs: tuple[tuple[str, str], ...] = ()
    """The products of other runs that it uses: as it names them, and their hashes."""

    @classmethod
    def read(cls, run: RunFolder) -> _Run:
        """Return what can be read; a damaged run says nothing of itself."""
        marks, newest = read_marks(run.path), 0.0
        for path in (run.database, run.path):
            with suppress(OSError):
                newest = path.lstat().st_mtime
                break
        try:
            view = RunView(run, whole=False)
        except StoreError:
            return cls(run.id, marks, newest=newest)
        try:
            inputs = tuple(
                (label, value.partition(" ")[0])
                for label, value in view.inputs.items()
                if label.partition(" ")[2].startswith(PRODUCT)
            )
            products = frozenset(product["sha256"] for product in view.products())
            newest = max(newest, view.created)
            return cls(run.id, marks, view.state, view.method, newest, products, inputs)
        except StoreError:
            return cls(run.id, marks, newest=newest)
        finally:
            view.close()

    def is_named(self, label: str) -> bool:
        """Return whether an input's label may mean this run."""
        word = label.partition(" ")[2].removeprefix(PRODUCT).partition("/")[0]
        return word == self.marks.name or (word != "" and word in self.id)


def users(runs: Sequence[RunFolder], root: Path) -> dict[str, str]:
    """Return, for each of these runs that others use, words for one that does.

    A run is used if another one of the folder, which is not to be removed too, began with one of
    its products. The product is known by its hash; which run it is of, where several have it, by
    how it is named.
    """
    gone = {run.id for run in runs}
    every = [_Run.read(run) for run in folders(root)]
    known = {one.id: one for one in every}
    known |= {run.id: _Run.read(run) for run in runs if run.id not in known}
    staying = [one for one in every if one.id not in gone]
    found: dict[str, str] = {}
    for user in staying:
        for label, sha256 in user.inputs:
            others = [one for one in staying if sha256 in one.products and one.is_named(label)]
            for run in (known[one] for one in sorted(gone)):
                means = run.is_named(label)
                # of a run that cannot be read only the name is known
                has = means if run.state == "damaged" else sha256 in run.products
                if has and (means or not others):
                    found.setdefault(run.id, f"run {user.id} uses it ({label})")
    return found


class Removal:
    """Runs that nobody drives while they are removed: inside of it none of them can be resumed."""

    def __init__(self) -> None:
        self._locks = ExitStack()

    def __enter__(self) -> Removal:
        return self

    def __exit__(self, *error: object) -> None:
        self._locks.close()

    def hold(self, run: RunFolder) -> None:
        """Keep others from driving a run; raises RunLocked when somebody does."""
        if run.path.is_symlink():
            return
        lock = RunLock(run.lock)
        try:
            lock.acquire()
        except RunLocked:
            raise
        except StoreError:
            return  # no file that a driver could hold: a link, a FIFO
        self._locks.callback(lock.release)

    def held(self, runs: Sequence[RunFolder]) -> Iterator[tuple[RunFolder, str]]:
        """Hold those that can be; yield each of the others with the reason."""
        for run in runs:
            try:
                self.hold(run)
            except RunLocked as error:
                yield run, str(error)

    def remove(self, run: RunFolder) -> None:
        """Take a run away at once and then delete its files; raises StoreError."""
        path = run.path.absolute()
        try:
            if path.is_symlink():  # somebody's short cut to a run elsewhere, which stays
                path.unlink()
                return
            hidden = path.with_name(GONE.format(path.name, secrets.token_hex(4)))
            path.rename(hidden)
            shutil.rmtree(hidden)
        except OSError as error:
            raise StoreError(f"cannot remove {path}: {error.strerror}") from error


def clear_leftovers(root: Path) -> None:
    """Delete what removals that were killed have left."""
    for path in root.glob(GONE.format("*", "*")):
        shutil.rmtree(path, ignore_errors=True)
