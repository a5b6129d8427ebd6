"""The account of a run: what it says of itself at its end, and what its record keeps."""

from __future__ import annotations

import json
import os
import shlex
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from heliostat.contract.method import MethodSpec
from heliostat.engine.engine import Engine
from heliostat.engine.stopping import STOPPED
from heliostat.store.ending import write_last
from heliostat.store.folder import RunFolder, runs_root
from heliostat.store.journal import Journal
from heliostat.values.outcome import CHANCES

ON_GPU = "computed on a GPU: equal bits are promised on CPUs of one type only"
"""The label of a run in which items were granted a GPU."""


def add_label(journal: Journal, label: str) -> None:
    """Say in a run's record what its result depends on besides its configuration."""
    labels = journal.record.labels
    if label not in labels:
        journal.change(labels=(*labels, label))


def account_of(
    folder: RunFolder,
    engine: Engine,
    seed: int,
    method: MethodSpec,
    began: float,
    state: str,
    error: BaseException | None,
) -> dict[str, Any]:
    """Write the end of a start into the journal and return its account."""
    journal = engine.journal
    journal.save_calls(engine.take_unsaved_calls())
    for kind, text in engine.log.take():
        journal.add_event(kind, text)
    failures = journal.failures()
    for kind, label in CHANCES.items():
        if any(row.failure is not None and row.failure.kind == kind for row in failures):
            add_label(journal, label)
    last_start = {
        "seconds": round(time.monotonic() - began, 3),
        "evaluated": engine.evaluated,
        "replayed": engine.replayed,
        "executor": engine.executor.describe(),
    }
    journal.change(
        state=state,
        error="" if error is None else f"{type(error).__name__}: {error}",
        digest=journal.digest() if state == "finished" else None,
        last_start=last_start,
    )
    record = journal.record
    return {
        "run": folder.id,
        "folder": str(folder.path),
        "method": method.name,
        "seed": seed,
        "state": state,
        "digest": record.digest,
        "result": None if record.result is None else json.loads(journal.extern(record.result)),
        "outcomes": journal.count_delivered(),
        "failures": len(failures),
        "seconds": last_start["seconds"],
        "evaluated": engine.evaluated,
        "replayed": engine.replayed,
        "attempts": journal.attempts(),
        "starts": record.starts,
        "workers": [{"worker": name, **work} for name, work in journal.workers().items()],
        "executor": last_start["executor"],
        "labels": list(record.labels),
        "plugins": [asdict(used) for used in record.plugins],
        "environment": record.environment,
    }


def say_last(folder: RunFolder) -> None:
    """Record and print that a run was stopped, from inside a signal handler."""
    write_last(folder.database, state="interrupted", error="Interrupted: left at once")
    root = folder.path.parent
    where = "" if root == runs_root().absolute() else f" --runs {shlex.quote(str(root))}"
    line = "\n" if os.isatty(2) else ""  # below what is shown in place
    line += STOPPED.format(f"heliostat resume {folder.id}{where}\n")
    with suppress(OSError):  # the terminal may be closed
        os.write(2, line.encode())
