"""Starting a run: its configuration, its folder, what it brings in, then the search."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from heliostat.contract.config import plain
from heliostat.contract.instructions import level_text
from heliostat.contract.method import MethodSpec
from heliostat.driver import configuration, identity
from heliostat.driver.drive import Begun, absolute, drive, write_config
from heliostat.driver.inputs import resolve_inputs
from heliostat.driver.summary import goals_of, subject
from heliostat.engine.listener import Listener, Silent
from heliostat.errors import ConfigError, DataError, NotStarted, PluginError
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry, registry
from heliostat.process.alone import alone
from heliostat.store.folder import RunFolder, create, place
from heliostat.store.journal import Journal
from heliostat.store.lock import RunLock
from heliostat.store.record import RunRecord
from heliostat.store.view import RunView
from heliostat.worker.instructions import hold

DEFAULT_LOOKAHEAD = 3
MOST_LOOKAHEAD = 1_000_000
"""More virtual slots than any cluster has real ones."""


@alone()
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
    on_code: Callable[[identity.Code], None] = lambda code: None,
    command: str = "",
) -> dict[str, Any]:
    """Run a method from the beginning in a new folder and return the account of the run.

    `on_code` takes the code that decides the result, and may refuse it. `command` is what the run
    says it was begun by; without it, the command line of this process.
    Raises ConfigError before anything is written when the configuration is not usable, and
    MisuseError while another run goes on in this process.
    """
    level = hold()
    plugins = plugins or registry()
    execution = absolute(execution or Execution())
    if seed < 0:
        raise ConfigError("seed", seed, "a non-negative integer")
    if not 1 <= lookahead <= MOST_LOOKAHEAD:
        expected = f"a positive integer up to {MOST_LOOKAHEAD}"
        raise ConfigError("lookahead", lookahead, expected)
    config = configuration.resolve(
        method, plugins, preset=preset, values=values, overrides=overrides, source=source
    )
    folder = create(execution.runs, method.name)
    lock = RunLock(folder.lock)
    try:
        lock.acquire()
        inputs = resolve_inputs(config, plugins, folder.artifacts, execution.runs, source)
        values_now = plain(config)
        code = identity.code_of(identity.packages_of(plugins, method, config, inputs))
        on_code(code)
        write_config(folder, method, preset, seed, lookahead, values_now, level)
        record = RunRecord(
            method=method.name,
            method_version=method.version,
            preset=preset or "",
            seed=seed,
            lookahead=lookahead,
            config=values_now,
            inputs=inputs,
            on=subject(method, config),
            goals=goals_of(method),
            directory=str(Path.cwd()),
            created=time.time(),
            command=command or shlex.join(["heliostat", *sys.argv[1:]]),
            numerics=level_text(level),
            **code.record(),
        )
        Journal(folder.database, folder.artifacts, record=record).close()
        folder = place(folder)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    journal = Journal(folder.database, folder.artifacts)
    on_folder(folder)
    begun = Begun(
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
        return drive(begun)
    except (ConfigError, DataError, NotStarted, PluginError):
        # a mistake that only the search could see, or nowhere to work: nothing was evaluated
        view = RunView(folder)
        nothing_done = view.count() == 0
        view.close()
        if nothing_done:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise
