"""The account of a run: what it says of itself at its end, and what its record keeps."""

from __future__ import annotations

import json
import math
import os
import shlex
import time
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from heliostat.contract.config import part_refs
from heliostat.contract.method import MethodSpec
from heliostat.engine.engine import Engine
from heliostat.engine.stopping import STOPPED
from heliostat.errors import Key, ResultChanged
from heliostat.process.guard import contained
from heliostat.store.ending import write_last
from heliostat.store.folder import RunFolder, runs_root
from heliostat.store.journal import Journal
from heliostat.store.record import RunRecord
from heliostat.terminal import messages
from heliostat.values.canonical import decode
from heliostat.values.outcome import MACHINE_FAILURES, by_machine

ON_GPU = "computed on a GPU: equal bits are promised on CPUs of one type only"
"""The label of a run in which items were granted a GPU."""

DATA = "dataset"
"""The kind of part that a run works on."""
LONGEST_SUBJECT = 200


def add_label(journal: Journal, label: str) -> None:
    """Say in a run's record what its result depends on besides its configuration."""
    labels = journal.expected.labels
    if label in labels:
        return
    change = journal.defer if journal.deferring else journal.change
    change(labels=(*labels, label))


def drop_labels(journal: Journal, gone: Callable[[str], bool]) -> None:
    """Take labels out of a run's record that do not hold any more."""
    labels = tuple(label for label in journal.record.labels if not gone(label))
    if labels != journal.record.labels:
        journal.change(labels=labels)


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
    as_it_was = journal.deferring and journal.ended and error is not None
    if state == "finished" or not journal.deferring:
        journal.save_calls(engine.take_unsaved_calls())
    for kind, text in engine.log.take():
        journal.add_event(kind, text)
    failures = journal.failures()
    machine = by_machine(row.failure for row in failures)
    now = [label for kind, label in MACHINE_FAILURES.items() if kind in machine]
    if state == "finished":
        _discard_unseen(journal, {row.key for row in failures})
        # those that were asked again may be values now
        drop_labels(journal, lambda text: text in MACHINE_FAILURES.values() and text not in now)
    for label in now:
        add_label(journal, label)
    seconds = round(time.monotonic() - began, 3)
    last_start = {
        "seconds": seconds,
        "evaluated": engine.evaluated,
        "replayed": engine.replayed,
        "executor": engine.executor.describe(),
    }
    if isinstance(error, ResultChanged):
        journal.change(state="finished", last_start=last_start)  # as it was
    elif not as_it_was:  # a finished run that was only replayed, and not to its end, stays finished
        told = "" if error is None else f"{type(error).__name__}: {error}"
        spent = journal.record.spent + seconds
        journal.change(state=state, error=told, last_start=last_start, spent=spent)
    record = journal.record
    return {
        "run": folder.id,
        "folder": str(folder.path),
        "method": method.name,
        "seed": seed,
        "state": state,
        "digest": record.digest if state == "finished" else None,
        "result": _result(journal, record) if state == "finished" else None,
        "outcomes": journal.count_delivered(),
        "failures": len(failures),
        "machine_failures": machine,
        "retried": record.retried,
        "seconds": seconds,
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


def _result(journal: Journal, record: RunRecord) -> Any:
    return None if record.result is None else json.loads(journal.extern(record.result))


def subject(method: MethodSpec, config: Any) -> str:
    """Return what a run works on, as lists say it: what its method says, or its data sets."""
    if method.on is None:
        names = [ref.name for _, ref in part_refs(config) if ref.kind == DATA]
        return ", ".join(dict.fromkeys(names))[:LONGEST_SUBJECT]
    try:
        with contained("on"):
            return str(method.on(config))[:LONGEST_SUBJECT]
    except Exception:  # a stranger's code, for a word in a list
        return ""


def goals_of(method: MethodSpec) -> dict[str, Any]:
    """Return what a method makes small or large, with "min" or "max", the default ones first."""
    return {**method.default_goals, **method.goals}


def reached(method: MethodSpec, result: Any) -> dict[str, float]:
    """Return the method's goals that a result has as finite numbers, those by default first."""
    found: Mapping[str, Any] = {}
    if method.best is not None:
        with suppress(Exception), contained("best"):  # a stranger's code, for a word in a list
            found = dict(method.best(result))
    elif isinstance(result, Mapping):
        found = {name: result.get(name) for name in goals_of(method)}
    return {
        name: float(value)
        for name, value in found.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def finish(journal: Journal, engine: Engine, method: MethodSpec, text: str) -> None:
    """Record the digest and the result that a search came to, or compare them with an earlier end.

    Raises ResultChanged when a finished run comes to something else: its record stays as it is.
    """
    journal.save_calls(engine.take_unsaved_calls())
    before, digest, result = journal.record, journal.digest(), journal.intern(text)
    if before.digest not in (None, digest):
        raise ResultChanged(engine.title, "digest", str(before.digest), digest)
    if before.result not in (None, result):
        raise ResultChanged(engine.title, "result", str(before.result), result)
    best = reached(method, decode(text))
    journal.change(digest=digest, result=result, rows=journal.counts(), best=best)


def _discard_unseen(journal: Journal, seen: Set[Key]) -> None:
    """Forget failures of the machine that the search did not see: nobody asks for them again."""
    for row in journal.failures(delivered=False):
        if row.failure is not None and row.failure.kind in MACHINE_FAILURES and row.key not in seen:
            journal.discard(row.key)


def say_last(folder: RunFolder) -> None:
    """Record and print that a run was stopped, from inside a signal handler."""
    write_last(folder.database, state="interrupted", error="Interrupted: left at once")
    root = folder.path.parent
    where = "" if root == runs_root().absolute() else f" --runs {shlex.quote(str(root))}"
    line = "\n" if os.isatty(2) else ""  # below what is shown in place
    line += STOPPED.format(f"heliostat resume {folder.id}{where}\n")
    with suppress(OSError):  # the terminal may be closed
        os.write(messages(), line.encode())
