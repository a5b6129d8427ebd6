"""Starting a run: its configuration, its folder, what it brings in, then the search."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
from heliostat.errors import ConfigError, DataError, NotStarted, PluginError, ReplayMismatch
from heliostat.executors.choice import Execution, refuse_dead
from heliostat.plugins.input_files import InputFiles
from heliostat.plugins.registry import Registry, registry
from heliostat.plugins.whereabouts import Whereabouts
from heliostat.process.alone import alone
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.folder import RunFolder, create, named, place
from heliostat.store.journal import Journal
from heliostat.store.lock import RunLock
from heliostat.store.marks import Marks, checked, write_marks
from heliostat.store.naming import check_free
from heliostat.store.record import RunRecord
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
    marks: Marks | None = None,
    on_code: Callable[[identity.Code], None] = lambda code: None,
    command: str = "",
) -> dict[str, Any]:
    """Run a method from the beginning in a new folder and return the account of the run.

    `marks` are written with the folder. `on_code` takes the code that decides the result, and may
    refuse it. `command` is what the run says it was begun by; without it, the command line of this
    process. Raises ConfigError before anything is written when the configuration is not usable, or
    another run has the name, NotStarted when nothing answers at the address of a cluster, and
    MisuseError while another run goes on in this process.
    """
    hold()
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

    def bring(artifacts: ArtifactStore) -> InputFiles:
        inputs = resolve_inputs(config, plugins, artifacts, execution.runs, source)
        return InputFiles(inputs, Whereabouts(Path.cwd()), trusted=True)

    new = NewRun(
        method, config, seed, lookahead, bring, preset or "", marks or Marks(),
        on_code=on_code, command=command,
    )  # fmt: skip
    return begin(new, execution, listener or Silent(), plugins, on_folder)


@dataclass(frozen=True)
class NewRun:
    """What a run is begun with.

    `bring(artifacts)` finds its files and copies products of other runs; `fill(journal)` writes
    what the run shares with another one; `origin` are fields of its record that say so.
    """

    method: MethodSpec
    config: Any
    seed: int
    lookahead: int
    bring: Callable[[ArtifactStore], InputFiles]
    preset: str = ""
    marks: Marks = field(default_factory=Marks)
    fill: Callable[[Journal], None] = lambda journal: None
    origin: Mapping[str, Any] = field(default_factory=dict)
    on_code: Callable[[identity.Code], None] = lambda code: None
    command: str = ""


def begin(
    new: NewRun,
    execution: Execution,
    listener: Listener,
    plugins: Registry,
    on_folder: Callable[[RunFolder], None],
) -> dict[str, Any]:
    """Build a new run's folder, give it its name once it is whole, and drive it to its end."""
    checked(new.marks)
    check_free(new.marks.name, execution.runs)
    refuse_dead(execution)
    method, config, level = new.method, new.config, hold()
    folder = create(execution.runs, method.name)
    lock = RunLock(folder.lock)
    try:
        lock.acquire()
        files = new.bring(folder.artifacts)
        inputs = dict(files.hashes)
        values = plain(config)
        code = identity.code_of(identity.packages_of(plugins, method, config, inputs))
        new.on_code(code)
        write_config(folder, method, new.preset, new.seed, new.lookahead, values, level)
        fields: dict[str, Any] = {
            "directory": str(Path.cwd()),
            "folder": str(named(folder)),
            **code.record(),
            **new.origin,
        }
        record = RunRecord(
            method=method.name,
            method_version=method.version,
            preset=new.preset,
            seed=new.seed,
            lookahead=new.lookahead,
            config=values,
            inputs=inputs,
            on=subject(method, config),
            goals=goals_of(method),
            created=time.time(),
            command=new.command or shlex.join(["heliostat", *sys.argv[1:]]),
            numerics=level_text(level),
            **fields,
        )
        journal = Journal(folder.database, folder.artifacts, record=record)
        new.fill(journal)
        shared = journal.count()
        journal.close()
        if new.marks != Marks():
            write_marks(folder.path, new.marks)
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
        seed=new.seed,
        lookahead=new.lookahead,
        code=code,
        execution=execution,
        listener=listener,
        plugins=plugins,
        files=files,
    )
    try:
        return drive(begun)
    except ReplayMismatch:  # it shares what its search does not ask for: it can never go on
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    except (ConfigError, DataError, NotStarted, PluginError):
        # a mistake that only the search could see, or nowhere to work: nothing was evaluated
        left = Journal(folder.database, folder.artifacts, readonly=True)
        nothing_done = left.count() <= shared
        left.close()
        if nothing_done:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise
