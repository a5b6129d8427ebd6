"""Searches driven by a bare engine, without a method, a command line or a run's record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliostat.contract.part import PartRef
from heliostat.contract.run import Run
from heliostat.engine.engine import Engine
from heliostat.engine.executor import Executor
from heliostat.engine.listener import Silent
from heliostat.engine.search_run import main_run
from heliostat.executors.serial import SerialExecutor
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.database.rows import Row
from heliostat.store.journal import Journal
from heliostat.store.log import RunLog
from heliostat.worker.evaluate import WorkerSide

Build = Callable[[str, PartRef], Any]


@dataclass
class Done:
    """What a search left."""

    result: Any
    digest: str
    evaluated: int
    replayed: int
    rows: list[Row]
    """the outcomes that the search saw"""
    stored: list[Row]
    """all journaled outcomes"""


def _named(kind: str, ref: PartRef) -> Any:
    return kind, ref


def worker_side(
    folder: Path, root: int, checkpoint_seconds: float = 0.0, build_part: Build = _named
) -> WorkerSide:
    store = ArtifactStore(folder / "artifacts")

    def fetch(sha256: str) -> str:
        return store.get(sha256).decode()

    return WorkerSide(root, folder / "cache", checkpoint_seconds, fetch, build_part)


def drive(
    search: Callable[[Run], Any],
    folder: Path,
    *,
    executor: Executor | Callable[[WorkerSide], Executor] | None = None,
    root: int = 0,
    lookahead: int = 3,
    listener: Silent | None = None,
    build_part: Build = _named,
) -> Done:
    """Run (or resume) a search in `folder`; a BaseException of an executor acts like a kill."""
    folder.mkdir(parents=True, exist_ok=True)
    artifacts = ArtifactStore(folder / "artifacts")
    journal = Journal(folder / "run.db", artifacts)
    side = worker_side(folder, root, build_part=build_part)
    if executor is None:
        executor = SerialExecutor(side)
    elif isinstance(executor, type) or not hasattr(executor, "submit"):
        executor = executor(side)  # type: ignore[operator]
    engine = Engine(
        root=root,
        journal=journal,
        artifacts=artifacts,
        executor=executor,  # type: ignore[arg-type]
        log=RunLog(folder / "log.jsonl"),
        listener=listener or Silent(),
        build_part=build_part,
        lookahead=lookahead,
    )
    try:
        result = search(main_run(engine))
        journal.save_calls(engine.take_unsaved_calls())
        return Done(
            result,
            journal.digest(),
            engine.evaluated,
            engine.replayed,
            list(journal.outcomes()),
            list(journal.outcomes(delivered=False)),
        )
    finally:
        journal.close()
