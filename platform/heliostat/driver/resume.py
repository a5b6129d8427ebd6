"""Going on with a run, after it is known to be the same one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from heliostat.contract.config import ANEW, extendable_fields, plain
from heliostat.contract.instructions import level_text
from heliostat.contract.method import migrated
from heliostat.driver import configuration, identity
from heliostat.driver.drive import Begun, absolute, drive, write_config
from heliostat.driver.inputs import check_inputs
from heliostat.engine.listener import Listener, Silent
from heliostat.errors import ConfigError, IdentityChanged, did_you_mean
from heliostat.executors.choice import Execution
from heliostat.plugins.input_files import InputFiles
from heliostat.plugins.registry import Registry, registry
from heliostat.process.alone import alone
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.lock import RunLock
from heliostat.store.view import RunView
from heliostat.values.outcome import LOST, MACHINE_FAILURES
from heliostat.worker.instructions import hold


@alone()
def resume(
    folder: RunFolder,
    *,
    overrides: Sequence[str] = (),
    allow_code_change: bool = False,
    retry: Sequence[str] = (),
    moved: Sequence[str] = (),
    execution: Execution | None = None,
    listener: Listener | None = None,
    plugins: Registry | None = None,
) -> dict[str, Any]:
    """Go on with a run: replay what is journaled, evaluate the rest.

    Items that were lost with their workers are asked again, and failures of the machine of the
    kinds `retry`. Files that moved are found by their hash; `moved` says of others OLD=NEW. Raises
    IdentityChanged naming the first difference in configuration, inputs or code, except for fields
    marked extendable that grew, and MisuseError while another run goes on in this process.
    """
    asked_again = LOST | {_machine_failure(kind) for kind in retry}
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
                asked_again,
                moved,
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
    asked_again: frozenset[str],
    moved: Sequence[str],
    execution: Execution,
    listener: Listener,
    plugins: Registry,
) -> Begun:
    view = RunView(folder, whole=False, alone=True)
    began = view.about
    view.check_unsealed()
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
    source = str(folder.config)
    as_file = plain(configuration.resolve(method, plugins, values=values, source=source))
    # a start that died while it wrote the file left it ahead of the record
    if as_file != now or not overrides:
        identity.check_file(method, stored, as_file)
    identity.check_config(method, stored, now)
    files = InputFiles.of_run(began, folder, moved)
    check_inputs(config, plugins, files)
    packages = identity.packages_of(plugins, method, config)
    code = identity.code_of([*packages, *began.packages])
    changed = identity.check_code(began, code, allow_code_change, loaded)
    journal = Journal(folder.database, folder.artifacts)
    for told in journal.repair():
        listener.on_event("damaged", told)
    news = []
    if now != stored:
        grown = {name for name in now if now[name] != stored.get(name)}
        journal.begin_extension(anew=bool(grown & extendable_fields(method.config, ANEW)))
        news.append(("extended", json.dumps(configuration.first_change(stored, now))))
    if began.method_version != method.version:
        text = f"configuration of version {began.method_version} to {method.version}"
        news.append(("migrated", text))
    labels = began.labels
    if changed is not None:
        news.append(("code_changed", changed))
        labels = (*labels, f"code changed during the run, first in {changed}")

    if news and began.digest is not None:
        news.append(("ended_before", f"digest {began.digest}, result {began.result}"))

    def become() -> None:
        for kind, text in news:
            journal.put_event(kind, text)
        # before the record says so: a file that is ahead of it is an extension, or carried over
        numerics = file.numerics or ""
        write_config(folder, method, None, began.seed, began.lookahead, now, numerics)

    if news:
        # another run from here on: what an earlier end came to is no measure of it
        journal.defer(
            become,
            config=now,
            method_version=method.version,
            labels=tuple(dict.fromkeys(labels)),
            digest=None,
            result=None,
            **(code.record() if changed is not None else {}),
        )
    if not began.numerics:
        journal.defer(numerics=level_text(hold()))
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
        files=files,
        asked_again=asked_again,
    )


def _machine_failure(kind: str) -> str:
    if kind not in MACHINE_FAILURES:
        hint = did_you_mean(kind, MACHINE_FAILURES)
        raise ConfigError("--retry", kind, "a kind of failure of the machine", hint)
    return kind
