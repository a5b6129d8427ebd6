"""Starting and resuming runs: everything around the search, from the lock to the digest."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliostat import config as configuration
from heliostat import identity
from heliostat.account import account_of, add_label, say_last
from heliostat.candidates import PluginRow, blocked_names
from heliostat.conduct import conducted
from heliostat.engine import Engine
from heliostat.errors import ConfigError, DataError, IdentityChanged, Interrupted, NotStarted
from heliostat.execution.choice import Execution, make_executor
from heliostat.inputs import PartBuilder, check_inputs, resolve_inputs
from heliostat.interruption import STOP_SECONDS, stoppable
from heliostat.listener import Listener, Silent
from heliostat.methods import MethodSpec, migrated
from heliostat.numerics import environment, prepare_environment, set_threads
from heliostat.observers import Observers
from heliostat.plugins import Registry, registry
from heliostat.runs import RunFolder, RunView, create
from heliostat.store.journal import Journal, Row
from heliostat.store.lock import RunLock
from heliostat.store.log import RunLog
from heliostat.terminal import printable

__all__ = ["DEFAULT_LOOKAHEAD", "Execution", "Silent", "make_executor", "resume", "start"]

DEFAULT_LOOKAHEAD = 3
LONGEST_REASON = 400
"""Characters that are said of a plugin that could not be loaded."""


@dataclass(frozen=True)
class _Start:
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


def start(
    method: MethodSpec,
    *,
    preset: str | None = None,
    values: dict[str, Any] | None = None,
    overrides: Sequence[str] = (),
    seed: int = 0,
    lookahead: int = DEFAULT_LOOKAHEAD,
    execution: Execution | None = None,
    listener: Listener | None = None,
    plugins: Registry | None = None,
    source: str = "",
    on_folder: Callable[[RunFolder], None] = lambda folder: None,
) -> dict[str, Any]:
    """Run a method from the beginning in a new folder and return the account of the run.

    Raises ConfigError before anything is written when the configuration is not usable.
    """
    plugins = plugins or registry()
    execution = _absolute(execution or Execution())
    if seed < 0:
        raise ConfigError("seed", seed, "a non-negative integer")
    if lookahead < 1:
        raise ConfigError("lookahead", lookahead, "a positive integer")
    config = configuration.resolve(
        method, plugins, preset=preset, values=values, overrides=overrides, source=source
    )
    folder = create(execution.runs, method.name)
    lock = RunLock(folder.lock)
    try:
        lock.acquire()
        inputs = resolve_inputs(config, plugins, folder.artifacts, execution.runs)
        values_now = configuration.plain(config)
        code = identity.code_of(identity.packages_of(plugins, method, config))
        _write_config(folder, method, preset, seed, lookahead, values_now)
        journal = Journal(folder.database, folder.artifacts)
    except BaseException:
        _remove_if_empty(folder)
        raise
    journal.set_meta(
        {
            "method": method.name,
            "method_version": str(method.version),
            "preset": preset or "",
            "seed": str(seed),
            "lookahead": str(lookahead),
            "config": json.dumps(values_now),
            "inputs": json.dumps(inputs),
            "directory": str(Path.cwd()),
            **code.record(),
            "created": str(time.time()),
            "command": shlex.join(["heliostat", *sys.argv[1:]]),
            "state": "running",
            "starts": "0",
        }
    )
    on_folder(folder)
    begun = _Start(
        folder=folder,
        lock=lock,
        journal=journal,
        method=method,
        config=config,
        seed=seed,
        lookahead=lookahead,
        code=code,
        execution=execution,
        listener=listener or Silent(),
        plugins=plugins,
    )
    try:
        return _drive(begun)
    except (ConfigError, DataError, NotStarted):
        # a mistake that only the search could see, or nowhere to work: nothing was evaluated
        view = RunView(folder)
        nothing_done = view.count() == 0
        view.close()
        if nothing_done:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise


def resume(
    folder: RunFolder,
    *,
    overrides: Sequence[str] = (),
    allow_code_change: bool = False,
    execution: Execution | None = None,
    listener: Listener | None = None,
    plugins: Registry | None = None,
) -> dict[str, Any]:
    """Go on with a run: replay what is journaled, evaluate the rest.

    Raises IdentityChanged naming the first difference in configuration, inputs or code, except for
    fields marked extendable that grew.
    """
    folder = RunFolder(folder.path.absolute())
    execution = _absolute(execution or Execution(runs=folder.path.parent))
    lock = RunLock(folder.lock)
    lock.acquire()  # before anything is looked at: a second driver changes nothing
    try:
        return _drive(
            _resumed(
                folder,
                lock,
                overrides,
                allow_code_change,
                execution,
                listener or Silent(),
                plugins or registry(),
            )
        )
    finally:
        lock.release()


def _resumed(
    folder: RunFolder,
    lock: RunLock,
    overrides: Sequence[str],
    allow_code_change: bool,
    execution: Execution,
    listener: Listener,
    plugins: Registry,
) -> _Start:
    view = RunView(folder)
    name, seed, lookahead, stored = view.method, view.seed, view.lookahead, view.config
    sources, inputs = view.sources(), view.inputs
    view.close()
    began = identity.recorded(folder)
    method = plugins.method(name)
    loaded = plugins.loaded()
    stored = identity.carried_over(method, stored, began, loaded)
    file = configuration.read_run_file(folder.config)
    if file.method != name or (file.seed, file.lookahead) != (seed, lookahead):
        raise IdentityChanged(
            "method, seed or lookahead in config.toml",
            (name, seed, lookahead),
            (file.method, file.seed, file.lookahead),
            "restore them or start a new run",
        )
    written = migrated(method, file.config, file.version or began.version) or {}
    values = configuration.with_none(written, stored)  # TOML has no word for None
    config = configuration.resolve(
        method, plugins, values=values, overrides=overrides, source=str(folder.config)
    )
    now = configuration.plain(config)
    identity.check_config(method, stored, now)
    check_inputs(inputs)
    packages = identity.packages_of(plugins, method, config)
    code = identity.code_of([*packages, *began.packages])
    changed = identity.check_code(sources, code, allow_code_change, began, loaded)
    journal = Journal(folder.database, folder.artifacts)
    if now != stored:
        journal.begin_extension()
        journal.add_event("extended", json.dumps(configuration.first_change(stored, now)))
        journal.set_meta({"config": json.dumps(now)})
        _write_config(folder, method, None, seed, lookahead, now)
    if began.version != method.version:
        text = f"configuration of version {began.version} to {method.version}"
        journal.add_event("migrated", text)
        journal.set_meta({"config": json.dumps(now), "method_version": str(method.version)})
        _write_config(folder, method, None, seed, lookahead, now)
    if changed is not None:
        journal.add_event("code_changed", changed)
        journal.set_meta(code.record())
        add_label(journal, f"code changed during the run, first in {changed}")
    return _Start(
        folder=folder,
        lock=lock,
        journal=journal,
        method=method,
        config=config,
        seed=seed,
        lookahead=lookahead,
        code=code,
        execution=execution,
        listener=listener,
        plugins=plugins,
    )


def _drive(begun: _Start) -> dict[str, Any]:
    began = time.monotonic()
    folder, journal, method, plugins = begun.folder, begun.journal, begun.method, begun.plugins
    execution, listener = begun.execution, begun.listener
    log = RunLog(folder.log)
    fingerprint = begun.code.fingerprint
    prepare_environment(execution.cache_dir, fingerprint)
    set_threads(1)
    journal.drop_meta("digest", "result")  # of an earlier end that this start goes beyond
    journal.set_meta({"state": "running", "starts": str(int(journal.meta("starts") or 0) + 1)})

    warnings: list[str] = []

    def on_event(kind: str, text: str) -> None:
        log.add(kind, text)
        listener.on_event(kind, text)
        if kind == "warning":
            warnings.append(text)

    executor = make_executor(
        folder, begun.seed, execution, fingerprint, begun.code.packages, on_event
    )
    inputs = json.loads(journal.meta("inputs") or "{}")
    observers = Observers(plugins, folder, on_event)
    others = plugins.third_party()
    _tell_of_plugins(others, on_event)
    journal.set_meta(_surroundings(others))
    engine = Engine(
        root=begun.seed,
        journal=journal,
        artifacts=folder.artifacts,
        executor=executor,
        log=log,
        listener=_Observed(listener, observers, on_event),
        build_part=PartBuilder(
            plugins,
            folder.artifacts,
            inputs,
            Path(journal.meta("directory") or "."),
            lambda text: on_event("part", text),
        ),
        lookahead=begun.lookahead,
        title=f"method {method.name}",
        meet=identity.CodeOfRun(begun.code, journal, on_event).meet,
    )
    state = "failed"
    error: BaseException | None = None
    observers.started()
    set_threads(1)  # as the search expects it, whatever observers did
    try:
        with stoppable(engine, lambda: say_last(folder)):
            result = conducted(method, begun.config, engine)
        journal.set_meta({"result": journal.intern(result)})
        state = "finished"
    except Interrupted as stopped:
        error = stopped
        state = "interrupted"
        engine.drain(STOP_SECONDS)
        raise
    except BaseException as failure:
        error = failure
        log.add("error", traceback.format_exc())
        raise
    finally:
        engine.turns.dismiss()
        try:
            account = account_of(folder, engine, begun.seed, method, began, state, error)
        finally:
            executor.close(STOP_SECONDS)
            journal.close()
            begun.lock.release()
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


def _surroundings(rows: Sequence[PluginRow]) -> dict[str, str]:
    """Return what a run's record holds of the machine and of the plugins on it."""
    plugins, machine = identity.plugin_record(rows), environment()
    machine["versions"] |= {
        row["distribution"]: row["version"] for row in plugins if row["version"]
    }
    return {"environment": json.dumps(machine), "plugins": json.dumps(plugins)}


class _Observed:
    """Passes progress on to the listener and to the plugins' observers."""

    def __init__(
        self, listener: Listener, observers: Observers, on_event: Callable[[str, str], None]
    ) -> None:
        self._listener = listener
        self._observers = observers
        self.on_report = listener.on_report
        self.on_tick = listener.on_tick
        self.on_event = on_event

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Tell the listener, then each observer."""
        self._listener.on_commit(rows)
        self._observers.committed(rows)


def _absolute(execution: Execution) -> Execution:
    """Return the settings with paths that a change of directory does not move."""
    return dataclasses.replace(
        execution, runs=execution.runs.absolute(), cache_dir=execution.cache_dir.absolute()
    )


def _write_config(
    folder: RunFolder,
    method: MethodSpec,
    preset: str | None,
    seed: int,
    lookahead: int,
    values: dict[str, Any],
) -> None:
    import tomli_w

    content: dict[str, Any] = {"method": method.name, "seed": seed, "lookahead": lookahead}
    content["version"] = method.version
    if blocked_names():
        content["plugins"] = {"block": blocked_names()}
    content["config"] = configuration.without_none(values)
    folder.config.write_text(tomli_w.dumps(content), encoding="utf-8")


def _remove_if_empty(folder: RunFolder) -> None:
    if not folder.database.exists():
        shutil.rmtree(folder.path, ignore_errors=True)
