"""Going on with a run, after it is known to be the same one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from heliostat.contract.config import plain
from heliostat.contract.method import migrated
from heliostat.driver import configuration, identity
from heliostat.driver.drive import Begun, absolute, drive, write_config
from heliostat.driver.inputs import check_inputs
from heliostat.driver.summary import add_label
from heliostat.engine.listener import Listener, Silent
from heliostat.errors import IdentityChanged
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry, registry
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.lock import RunLock
from heliostat.store.view import RunView
from heliostat.worker.instructions import hold


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
    execution = absolute(execution or Execution(runs=folder.path.parent))
    lock = RunLock(folder.lock)
    lock.acquire()  # before anything is looked at: a second driver changes nothing
    try:
        return drive(
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
) -> Begun:
    view = RunView(folder)
    began = view.about
    view.close()
    identity.check_numerics(began, hold())
    method = plugins.method(began.method)
    loaded = plugins.loaded()
    stored = identity.carried_over(method, began, loaded)
    file = configuration.read_run_file(folder.config)
    was, says = [(one.method, one.seed, one.lookahead) for one in (began, file)]
    if was != says:
        hint = "restore them or start a new run"
        raise IdentityChanged("method, seed or lookahead in config.toml", was, says, hint)
    written = migrated(method, file.config, file.version or began.method_version) or {}
    values = configuration.with_none(written, stored)  # TOML has no word for None
    config = configuration.resolve(
        method, plugins, values=values, overrides=overrides, source=str(folder.config)
    )
    now = plain(config)
    identity.check_config(method, stored, now)
    check_inputs(began.inputs)
    packages = identity.packages_of(plugins, method, config)
    code = identity.code_of([*packages, *began.packages])
    changed = identity.check_code(began, code, allow_code_change, loaded)
    journal = Journal(folder.database, folder.artifacts)
    if now != stored:
        journal.begin_extension()
        journal.add_event("extended", json.dumps(configuration.first_change(stored, now)))
        journal.change(config=now)
        write_config(folder, method, None, began.seed, began.lookahead, now, file.numerics or "")
    if began.method_version != method.version:
        text = f"configuration of version {began.method_version} to {method.version}"
        journal.add_event("migrated", text)
        journal.change(config=now, method_version=method.version)
        write_config(folder, method, None, began.seed, began.lookahead, now, file.numerics or "")
    if changed is not None:
        journal.add_event("code_changed", changed)
        journal.change(**code.record())
        add_label(journal, f"code changed during the run, first in {changed}")
    return Begun(
        folder=folder,
        lock=lock,
        journal=journal,
        method=method,
        config=config,
        seed=began.seed,
        lookahead=began.lookahead,
        code=code,
        execution=execution,
        listener=listener,
        plugins=plugins,
    )
