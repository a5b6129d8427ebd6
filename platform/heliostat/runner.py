"""Starting and resuming runs: everything around the search, from the lock to the digest."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heliostat import config as configuration
from heliostat import fingerprint
from heliostat.candidates import blocked_names, selection
from heliostat.conduct import SWALLOWED, conducted
from heliostat.engine import Engine
from heliostat.errors import ConfigError, DataError, IdentityChanged, Interrupted, Key
from heliostat.execution.executor import Executor
from heliostat.inputs import PartBuilder, check_inputs, resolve_inputs
from heliostat.methods import MethodSpec, migrated
from heliostat.numerics import (
    default_cache_dir,
    environment,
    prepare_environment,
    set_threads,
)
from heliostat.observers import Observers
from heliostat.outcome import CHANCES
from heliostat.plugins import Registry, registry
from heliostat.runs import RunFolder, RunView, create, runs_root
from heliostat.store.journal import Journal, Row
from heliostat.store.lock import RunLock
from heliostat.store.log import RunLog
from heliostat.task import WorkerSide

DEFAULT_LOOKAHEAD = 3
STOP_SECONDS = 5.0
"""How long an interrupted run waits for what workers are about to finish."""
SWALLOW_SECONDS = 3
"""How long after that a search that does not let the interruption through may still go on."""


@dataclass(frozen=True)
class Execution:
    """Where and how a run executes; none of it changes a result.

    `workers`: 0 runs in this process, None takes all cores (or the whole cluster). With an
    `address`, `min_nodes` nodes have to join within `wait_seconds`.
    """

    workers: int | None = None
    address: str | None = None
    runs: Path = field(default_factory=runs_root)
    cache_dir: Path = field(default_factory=default_cache_dir)
    checkpoint_seconds: float = 2.0
    retries: int = 3
    min_nodes: int = 1
    wait_seconds: float = 0.0


class Silent:
    """A listener that shows nothing."""

    def on_report(
        self, scope: Key, step: int, of: int | None, count: float | None, metrics: dict[str, float]
    ) -> None:
        """Ignore."""

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Ignore."""

    def on_tick(self) -> None:
        """Ignore."""

    def on_event(self, kind: str, text: str) -> None:
        """Ignore."""


def start(
    method: MethodSpec,
    *,
    preset: str | None = None,
    values: dict[str, Any] | None = None,
    overrides: Sequence[str] = (),
    seed: int = 0,
    lookahead: int = DEFAULT_LOOKAHEAD,
    execution: Execution | None = None,
    listener: Silent | None = None,
    plugins: Registry | None = None,
    source: str = "",
    on_folder: Callable[[RunFolder], None] = lambda folder: None,
) -> dict[str, Any]:
    """Run a method from the beginning in a new folder and return the account of the run.

    Raises ConfigError before anything is written when the configuration is not usable.
    """
    plugins = plugins or registry()
    execution = execution or Execution()
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
        sources = fingerprint.sources(_packages(plugins, method, config))
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
            "sources": json.dumps(sources),
            "fingerprint": fingerprint.fingerprint(sources),
            "created": str(time.time()),
            "command": shlex.join(["heliostat", *sys.argv[1:]]),
            "state": "running",
            "starts": "0",
        }
    )
    on_folder(folder)
    try:
        return _drive(
            folder, lock, journal, method, config, seed, lookahead, execution, listener, plugins
        )
    except (ConfigError, DataError):
        # a mistake that only the search could see, before anything was evaluated
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
    listener: Silent | None = None,
    plugins: Registry | None = None,
) -> dict[str, Any]:
    """Go on with a run: replay what is journaled, evaluate the rest.

    Raises IdentityChanged naming the first difference in configuration, inputs or code, except for
    fields marked extendable that grew.
    """
    plugins = plugins or registry()
    execution = execution or Execution(runs=folder.path.parent)
    lock = RunLock(folder.lock)
    lock.acquire()  # before anything is looked at: a second driver changes nothing
    try:
        return _resume(folder, lock, overrides, allow_code_change, execution, listener, plugins)
    finally:
        lock.release()


def _resume(
    folder: RunFolder,
    lock: RunLock,
    overrides: Sequence[str],
    allow_code_change: bool,
    execution: Execution,
    listener: Silent | None,
    plugins: Registry,
) -> dict[str, Any]:
    view = RunView(folder)
    name, seed, lookahead, stored = view.method, view.seed, view.lookahead, view.config
    sources, inputs = view.sources(), view.inputs
    view.close()
    method = plugins.method(name)
    version, stored = _migrated(folder, method, stored)
    file = configuration.read_run_file(folder.config)
    if file.method != name or (file.seed, file.lookahead) != (seed, lookahead):
        raise IdentityChanged(
            "method, seed or lookahead in config.toml",
            (name, seed, lookahead),
            (file.method, file.seed, file.lookahead),
            "restore them or start a new run",
        )
    written = migrated(method, file.config, file.version or version) or {}
    values = configuration.with_none(written, stored)  # TOML has no word for None
    config = configuration.resolve(
        method, plugins, values=values, overrides=overrides, source=str(folder.config)
    )
    now = configuration.plain(config)
    _check_config(method, stored, now)
    check_inputs(inputs)
    sources_now = fingerprint.sources(_packages(plugins, method, config))
    changed = fingerprint.first_difference(sources, sources_now)
    if changed is not None and not allow_code_change:
        raise IdentityChanged(
            f"the code ({changed})",
            fingerprint.fingerprint(sources)[:12],
            fingerprint.fingerprint(sources_now)[:12],
            "use the version that began the run, or pass --allow-code-change",
        )
    journal = Journal(folder.database, folder.artifacts)
    if now != stored:
        journal.begin_extension()
        journal.add_event("extended", json.dumps(configuration.first_change(stored, now)))
        journal.set_meta({"config": json.dumps(now)})
        _write_config(folder, method, None, seed, lookahead, now)
    if version != method.version:
        journal.add_event("migrated", f"configuration of version {version} to {method.version}")
        journal.set_meta({"config": json.dumps(now), "method_version": str(method.version)})
        _write_config(folder, method, None, seed, lookahead, now)
    if changed is not None:
        journal.add_event("code_changed", changed)
        journal.set_meta(
            {
                "sources": json.dumps(sources_now),
                "fingerprint": fingerprint.fingerprint(sources_now),
            }
        )
        _add_label(journal, f"code changed during the run, first in {changed}")
    return _drive(
        folder, lock, journal, method, config, seed, lookahead, execution, listener, plugins
    )


def _drive(
    folder: RunFolder,
    lock: RunLock,
    journal: Journal,
    method: MethodSpec,
    config: Any,
    seed: int,
    lookahead: int,
    execution: Execution,
    listener: Silent | None,
    plugins: Registry,
) -> dict[str, Any]:
    listener = listener or Silent()
    began = time.monotonic()
    log = RunLog(folder.log)
    code = fingerprint.fingerprint(fingerprint.sources(_packages(plugins, method, config)))
    prepare_environment(execution.cache_dir, code)
    set_threads(1)
    journal.drop_meta("digest", "result")  # of an earlier end that this start goes beyond
    journal.set_meta(
        {
            "state": "running",
            "environment": json.dumps(environment()),
            "starts": str(int(journal.meta("starts") or 0) + 1),
        }
    )

    warnings: list[str] = []

    def on_event(kind: str, text: str) -> None:
        log.add(kind, text)
        listener.on_event(kind, text)
        if kind == "warning":
            warnings.append(text)

    executor = make_executor(folder, seed, execution, code, on_event)
    inputs = json.loads(journal.meta("inputs") or "{}")
    observers = Observers(plugins, folder, on_event)
    engine = Engine(
        root=seed,
        journal=journal,
        artifacts=folder.artifacts,
        executor=executor,
        log=log,
        listener=_Observed(listener, observers, on_event),
        build_part=PartBuilder(
            plugins, folder.artifacts, inputs, Path(journal.meta("directory") or ".")
        ),
        lookahead=lookahead,
        title=f"method {method.name}",
    )
    state = "failed"
    error: BaseException | None = None
    observers.started()
    try:
        with _signals(engine):
            result = conducted(method, config, engine)
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
            account = _account(folder, journal, engine, executor, seed, method, began, state, error)
        finally:
            executor.close(STOP_SECONDS)
            journal.close()
            lock.release()
        observers.finished(error)
    return {**account, "warnings": warnings, "observer_failures": observers.failures()}


def make_executor(
    folder: RunFolder,
    seed: int,
    execution: Execution,
    code: str,
    on_event: Callable[[str, str], None],
) -> Executor:
    """Return the executor that these settings ask for; Ray is imported only when it is used."""
    workers = execution.workers
    if workers is None and execution.address is None and (os.cpu_count() or 1) == 1:
        workers = 0
    artifacts = folder.artifacts

    def fetch(sha256: str) -> str:
        return artifacts.get(sha256).decode()

    if workers == 0:
        from heliostat.execution.serial import SerialExecutor

        return SerialExecutor(
            WorkerSide(seed, execution.cache_dir, execution.checkpoint_seconds, fetch)
        )
    from heliostat.execution.ray import RayExecutor, WorkerSetup

    cache_dir = str(execution.cache_dir)
    home = Path.home()
    if execution.cache_dir.is_relative_to(home):  # another node's user has another home
        cache_dir = str(Path("~") / execution.cache_dir.relative_to(home))
    setup = WorkerSetup(
        run=str(folder.path.resolve()),
        root=seed,
        code=code,
        cache_dir=cache_dir,
        checkpoint_seconds=execution.checkpoint_seconds,
        import_paths=tuple(filter(None, sys.path)) if execution.address is None else (),
        plugins=selection(),
    )
    return RayExecutor(
        setup,
        fetch,
        workers=workers,
        address=execution.address,
        retries=execution.retries,
        min_nodes=execution.min_nodes,
        wait_seconds=execution.wait_seconds,
        on_event=on_event,
    )


def _account(
    folder: RunFolder,
    journal: Journal,
    engine: Engine,
    executor: Executor,
    seed: int,
    method: MethodSpec,
    began: float,
    state: str,
    error: BaseException | None,
) -> dict[str, Any]:
    journal.save_calls(engine.take_unsaved_calls())
    for kind, text in engine.log.take():
        journal.add_event(kind, text)
    failures = journal.failures()
    for kind, label in CHANCES.items():
        if any(row.failure is not None and row.failure.kind == kind for row in failures):
            _add_label(journal, label)
    final = {"state": state, "error": "" if error is None else f"{type(error).__name__}: {error}"}
    if state == "finished":
        final["digest"] = journal.digest()
    workers = journal.workers()
    record = {
        "seconds": round(time.monotonic() - began, 3),
        "evaluated": engine.evaluated,
        "replayed": engine.replayed,
        "executor": executor.describe(),
    }
    final["record"] = json.dumps(record)
    journal.set_meta(final)
    result = journal.meta("result")
    return {
        "run": folder.id,
        "folder": str(folder.path),
        "method": method.name,
        "seed": seed,
        "state": state,
        "digest": final.get("digest"),
        "result": None if result is None else json.loads(journal.extern(result)),
        "outcomes": journal.count_delivered(),
        "failures": len(failures),
        "seconds": record["seconds"],
        "evaluated": engine.evaluated,
        "replayed": engine.replayed,
        "attempts": journal.attempts(),
        "starts": int(journal.meta("starts") or 1),
        "workers": [{"worker": name, **values} for name, values in workers.items()],
        "executor": record["executor"],
        "labels": json.loads(journal.meta("labels") or "[]"),
        "environment": json.loads(journal.meta("environment") or "{}"),
    }


class _Observed:
    """Passes progress on to the listener and to the plugins' observers."""

    def __init__(
        self, listener: Silent, observers: Observers, on_event: Callable[[str, str], None]
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


@contextmanager
def _signals(engine: Engine) -> Iterator[None]:
    """First Ctrl-C or TERM: stop at the next use of `run`; the second ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    tries: list[int] = []

    def handle(number: int, frame: object) -> None:
        if engine.stopping:
            os._exit(130)
        engine.stop()
        signal.signal(signal.SIGALRM, overdue)
        signal.alarm(int(STOP_SECONDS))

    def overdue(number: int, frame: object) -> None:
        # A task that runs in this process holds the search up: leave it where it is.
        if engine.turns.side_by_side:
            os._exit(130)  # the main thread only waits here; commits are whole either way
        if tries:
            text = f"{engine.place()}: {SWALLOWED}"
            engine.log.add("warning", text)
            os.write(2, f"warning: {text}\n".encode())
            os._exit(130)
        tries.append(number)
        signal.alarm(SWALLOW_SECONDS)
        raise Interrupted("a task in this process did not end in time")

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_config(method: MethodSpec, stored: dict[str, Any], now: dict[str, Any]) -> None:
    may_grow = configuration.extendable_fields(method.config)
    for name in sorted(may_grow):
        old, new = stored.get(name), now.get(name)
        if isinstance(old, int | float) and isinstance(new, int | float) and new >= old:
            stored = {**stored, name: new}
    change = configuration.first_change(stored, now)
    if change is not None:
        path, was, value = change
        hint = (
            "it may only grow"
            if path in may_grow
            else "start a new run for another configuration"
            + (f" (extendable: {', '.join(sorted(may_grow))})" if may_grow else "")
        )
        raise IdentityChanged(f"configuration field {path}", repr(was), repr(value), hint)


def _migrated(
    folder: RunFolder, method: MethodSpec, stored: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Return the version that wrote a run's configuration, and the configuration as of now."""
    journal = Journal(folder.database, folder.artifacts, readonly=True)
    version = int(journal.meta("method_version") or 1)
    journal.close()
    found = migrated(method, stored, version)
    if found is None:
        raise IdentityChanged(
            f"the version of method {method.name}",
            version,
            method.version,
            "install the version that began the run",
        )
    return version, found


def _packages(plugins: Registry, method: MethodSpec, config: Any) -> list[str]:
    refs = [ref for _, ref in configuration.part_refs(config)]
    return plugins.packages_of(method, configuration.plain(config), refs)


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


def _add_label(journal: Journal, label: str) -> None:
    labels = json.loads(journal.meta("labels") or "[]")
    if label not in labels:
        journal.set_meta({"labels": json.dumps([*labels, label])})


def _remove_if_empty(folder: RunFolder) -> None:
    if not folder.database.exists():
        shutil.rmtree(folder.path, ignore_errors=True)
