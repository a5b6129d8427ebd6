"""Replaying the search of a finished run, beside the run: nothing is evaluated, nothing changed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from heliostat.contract.config import validate
from heliostat.contract.method import migrated
from heliostat.contract.task import Resources
from heliostat.driver.summary import finish
from heliostat.engine.conduct import conducted
from heliostat.engine.engine import Engine
from heliostat.engine.listener import Silent
from heliostat.errors import CorruptStore, Key, key_text
from heliostat.executors.choice import Inputs
from heliostat.plugins.input_files import InputFiles
from heliostat.plugins.registry import Registry
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.journal import Journal
from heliostat.store.log import RunLog
from heliostat.store.view import RunView
from heliostat.worker.work import Reply, TaskState, Work


def replay(view: RunView, plugins: Registry, files: InputFiles | None = None) -> None:
    """Let the search of a finished run come to its end again, from a copy of its journal.

    Raises ResultChanged when that is another one, and CorruptStore when the search asks for an
    item that the journal lacks.
    """
    method = plugins.method(view.method)
    values = migrated(method, view.config, view.method_version)
    config = validate(method.config, view.config if values is None else values)
    with tempfile.TemporaryDirectory(prefix="heliostat-replay-") as name:
        copy = Path(name)
        view.copy_database(copy / "run.db")
        artifacts = _Beside(view.folder.artifacts, copy / "artifacts")
        journal = Journal(copy / "run.db", artifacts)
        files = files or InputFiles.of_run(view.about, view.folder, here_alone=True)
        engine = Engine(
            root=view.seed,
            journal=journal,
            artifacts=artifacts,
            executor=_Nobody(view.id),
            log=RunLog(copy / "log.jsonl"),
            listener=Silent(),
            build_part=Inputs(plugins, view.inputs, files).builder(
                lambda sha256: artifacts.get(sha256).decode()
            ),
            lookahead=view.lookahead,
            title=f"the search of method {method.name}",
        )
        try:
            finish(journal, engine, method, conducted(method, config, engine))
        finally:
            engine.turns.dismiss()
            journal.close()


class _Beside(ArtifactStore):
    """Reads from a run's artifacts, and writes into a folder of its own."""

    def __init__(self, run: ArtifactStore, own: Path) -> None:
        super().__init__(own)
        self._run = run

    def get(self, sha256: str) -> bytes:
        """Return the content of that hash."""
        return super().get(sha256) if self.path(sha256).is_file() else self._run.get(sha256)


class _Nobody:
    """An executor of a run that is finished: nothing is left to evaluate."""

    slots = 1

    def __init__(self, run: str) -> None:
        self._run = run
        self._asked: set[Key] = set()

    def start(self) -> None:
        """Acquire nothing."""

    def check(self, resources: Resources) -> None:
        """Take any: they were met when the run was made."""

    def room(self) -> int:
        """Return that none is wanted beyond what the search waits for."""
        return 0

    def submit(self, work: Work) -> None:
        """Keep an item that was on its way when the search ended: nobody may wait for it."""
        self._asked.add(work.key)

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        """Refuse: an item that is waited for is none that the journal has."""
        where = f"run {self._run}: table outcome"
        raise CorruptStore(where, f"a row of key {key_text(min(self._asked))}", "none")

    def drop(self, keys: Iterable[Key]) -> None:
        """Forget items that nobody waits for."""
        self._asked.difference_update(keys)

    def halt(self) -> None:
        """Stop nothing."""

    def busy(self) -> bool:
        """Return that nobody works."""
        return False

    def describe(self) -> dict[str, Any]:
        """Return what it is."""
        return {"executor": "replay"}

    def close(self, grace: float) -> None:
        """Release nothing."""
