"""Driving a run: everything around its search, from the executor to the digest."""

from __future__ import annotations

import dataclasses
import functools
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from heliostat.contract.cache import told_of_another
from heliostat.contract.config import without_none
from heliostat.contract.method import MethodSpec
from heliostat.driver import identity
from heliostat.driver.neglected import LEAD, neglected
from heliostat.driver.summary import (
    ON_GPU,
    account_of,
    add_label,
    drop_labels,
    finish,
    say_last,
)
from heliostat.engine.conduct import conducted
from heliostat.engine.engine import Engine
from heliostat.engine.listener import Listener
from heliostat.engine.stopping import STOP_SECONDS, stoppable
from heliostat.errors import Interrupted, Paused
from heliostat.executors.choice import Execution, Inputs, make_executor
from heliostat.plugins.allowed import PluginRow, blocked_names
from heliostat.plugins.input_files import InputFiles
from heliostat.plugins.observers import Observers
from heliostat.plugins.registry import Registry
from heliostat.store.database.rows import Row
from heliostat.store.entries import write_fresh
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.lock import RunLock
from heliostat.store.log import RunLog
from heliostat.terminal import printable
from heliostat.worker import devices
from heliostat.worker.numerics import environment, prepare_environment, set_threads

LONGEST_REASON = 400
"""Characters that are said of a plugin that could not be loaded."""


@dataclass(frozen=True)
class Begun:
    """What one start of a run goes by, once it is known that it may go on."""

    folder: RunFolder
    lock: RunLock
    journal: Journal
    method: MethodSpec
    config: Any
    seed: int
    lookahead: int
    code: identity.Code
    execution: Execution
    listener: Listener
    plugins: Registry
    files: InputFiles
    asked_again: frozenset[str] = frozenset()
    """The failures of the machine that this start asks again."""


def drive(begun: Begun) -> dict[str, Any]:
    """Run the search from where the journal is to its end, and return the account of the run."""
    began = time.monotonic()
    folder, journal, method, plugins = begun.folder, begun.journal, begun.method, begun.plugins
    execution, listener = begun.execution, begun.listener
    log = RunLog(folder.log)
    fingerprint = begun.code.fingerprint
    prepare_environment(execution.cache_dir, fingerprint)
    set_threads(1)
    began_as = journal.record
    begun.lock.sign()

    warnings: list[str] = []

    def on_event(kind: str, text: str) -> None:
        log.add(kind, text)
        listener.on_event(kind, text)
        if kind == "warning":
            warnings.append(text)

    inputs = Inputs(plugins, began_as.inputs, begun.files)
    executor = make_executor(
        folder,
        begun.seed,
        execution,
        fingerprint,
        begun.code.packages,
        inputs,
        on_event,
        on_gpu=functools.cache(lambda: add_label(journal, ON_GPU)),
    )
    if elsewhere := told_of_another(execution.cache_dir):
        on_event("warning", elsewhere)
    observers = Observers(plugins, folder, on_event)
    others = plugins.others()
    _tell_of_plugins(others, on_event)
    journal.defer(state="running", starts=began_as.starts + 1, error="", **_surroundings(others))
    if began_as.starts == 0:
        journal.settle()
    engine = Engine(
        root=begun.seed,
        journal=journal,
        artifacts=folder.artifacts,
        executor=executor,
        log=log,
        listener=_Observed(listener, observers, on_event),
        build_part=inputs.builder(
            lambda sha256: folder.artifacts.get(sha256).decode(),
            lambda text: on_event("part", text),
        ),
        lookahead=begun.lookahead,
        title=f"method {method.name}",
        meet=identity.CodeOfRun(begun.code, journal, on_event).meet,
    )
    engine.spent = began_as.spent
    state = "failed"
    error: BaseException | None = None
    observers.started()
    set_threads(1)  # as the search expects it, whatever observers did
    stopping = ExitStack()
    search_is_over = stopping.enter_context(
        stoppable(
            engine,
            lambda: None if state == "finished" else say_last(folder),
            may_exit=execution.may_exit,
        )
    )
    try:
        plugins.load_names(method.name)  # a worker would be the first to miss them
        engine.ask_again(begun.asked_again)
        result = conducted(method, begun.config, engine)
        search_is_over()
        journal.settle()
        finish(journal, engine, method, result)
        drop_labels(journal, lambda label: label.startswith(LEAD))
        for text in neglected(engine):
            on_event("warning", text)
            add_label(journal, text)
        state = "finished"
    except Interrupted as stopped:
        error = stopped
        state = "paused" if isinstance(stopped, Paused) else "interrupted"
        search_is_over()
        engine.drain(STOP_SECONDS)
        raise
    except BaseException as failure:
        error = failure
        log.add("error", traceback.format_exc())
        raise
    finally:
        search_is_over()
        engine.turns.dismiss()
        try:
            account = account_of(folder, engine, begun.seed, method, began, state, error)
        finally:
            executor.close(STOP_SECONDS)
            journal.close()
            begun.lock.release()
            stopping.close()
        observers.finished(error)
    return {**account, "warnings": warnings, "observer_failures": observers.failures()}


def _tell_of_plugins(rows: Sequence[PluginRow], on_event: Callable[[str, str], None]) -> None:
    """Say which plugins there are besides the built-in ones, and which of them are missing."""
    loaded = [f"{row.name} {row.version}".strip() for row in rows if row.state == "loaded"]
    if loaded:
        on_event("plugins", printable(f"loaded: {', '.join(loaded)}"))
    for row in rows:
        if row.state in ("failed", "incompatible"):
            text = f"{row.name} {row.state}: {row.reason}"
            on_event("plugin", f"{printable(text)[:LONGEST_REASON]} (see: heliostat plugins)")


def _surroundings(rows: Sequence[PluginRow]) -> dict[str, Any]:
    """Return what a run's record holds of the machine and of the plugins on it."""
    plugins, machine = identity.used_plugins(rows), environment()
    if gpus := devices.installed():
        machine["gpu"] = devices.summary(gpus)
    machine["versions"] |= {used.distribution: used.version for used in plugins if used.version}
    return {"environment": machine, "plugins": plugins}


class _Observed:
    """Passes progress on to the listener and to the plugins' observers."""

    def __init__(
        self, listener: Listener, observers: Observers, on_event: Callable[[str, str], None]
    ) -> None:
        self._listener = listener
        self._observers = observers
        self.on_report = listener.on_report
        self.on_phase = listener.on_phase
        self.on_tick = listener.on_tick
        self.on_event = on_event

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Tell the listener, then each observer."""
        self._listener.on_commit(rows)
        self._observers.committed(rows)


def absolute(execution: Execution) -> Execution:
    """Return the settings with paths that a change of directory does not move."""
    return dataclasses.replace(
        execution, runs=execution.runs.absolute(), cache_dir=execution.cache_dir.absolute()
    )


def write_config(
    folder: RunFolder,
    method: MethodSpec,
    preset: str | None,
    seed: int,
    lookahead: int,
    values: dict[str, Any],
    numerics: str = "",
) -> None:
    """Write the resolved configuration, from which `heliostat run` starts an equal run."""
    import tomli_w

    content: dict[str, Any] = {"method": method.name, "seed": seed, "lookahead": lookahead}
    content["version"] = method.version
    if numerics:
        content["numerics"] = numerics
    if blocked_names():
        content["plugins"] = {"block": blocked_names()}
    content["config"] = without_none(values)
    write_fresh(folder.config, tomli_w.dumps(content).encode())
