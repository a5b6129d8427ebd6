"""Forking a run: a new one that begins with another one's outcomes up to a key.

Outcomes alone are taken over, for each answers what its row says was asked: the search of the new
run is replayed on them, and what it asks otherwise is refused. Checkpoints, products and metrics
come from a search that went on under the other configuration, so the new one makes its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from heliostat.contract.config import part_refs
from heliostat.contract.product_name import is_product
from heliostat.driver import configuration, identity
from heliostat.driver.drive import absolute
from heliostat.driver.inputs import bring_files, copy_product
from heliostat.driver.neglected import LEAD
from heliostat.driver.start import NewRun, begin
from heliostat.engine.listener import Listener, Silent
from heliostat.errors import ConfigError, Key, ReplayMismatch, key_text
from heliostat.executors.choice import Execution
from heliostat.plugins.building import products_in
from heliostat.plugins.input_files import InputFiles
from heliostat.plugins.registry import Registry, registry
from heliostat.process.alone import alone
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.database.rows import Row
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.marks import Marks
from heliostat.store.view import RunView
from heliostat.values.outcome import MACHINE_FAILURES
from heliostat.worker.instructions import hold

BATCH = 1000
"""Outcomes that are written in one transaction."""
FORKED = "forked"
"""The event that says what a run began with."""


@alone()
def fork(
    folder: RunFolder,
    before: Key,
    *,
    overrides: Sequence[str] = (),
    allow_code_change: bool = False,
    moved: Sequence[str] = (),
    execution: Execution | None = None,
    listener: Listener | None = None,
    plugins: Registry | None = None,
    on_folder: Callable[[RunFolder], None] = lambda folder: None,
    marks: Marks | None = None,
) -> dict[str, Any]:
    """Begin a run with what another one has under keys before `before`, and return its account.

    Seed and lookahead are those of the other run, `overrides` change its configuration. From a
    failure of the machine on nothing is taken over. Raises ConfigError naming the first key under
    which the new configuration asks for something else, and IdentityChanged as a resume does.
    """
    plugins = plugins or registry()
    execution = absolute(execution or Execution())
    view = RunView(RunFolder(folder.path.absolute()))
    began = view.about
    identity.check_numerics(began, hold())
    method = plugins.method(began.method)
    loaded = plugins.loaded()
    values = identity.carried_over(method, began, loaded)
    config = configuration.resolve(method, plugins, values=values, overrides=overrides)
    code = identity.code_of(began.packages)
    changed = identity.check_code(began, code, allow_code_change, loaded)
    labels = tuple(label for label in began.labels if _stays(label))
    if changed is not None:
        labels += (f"forked under other code, which changed first in {changed}",)
    origin: dict[str, Any] = {
        "directory": str(Path(began.directory).absolute()),
        "forked_from": f"{view.id} {key_text(before)}",
        "labels": tuple(dict.fromkeys(labels)),
    }
    if view.state != "finished":  # what a search did not see may answer what was asked before
        origin |= {"extended": began.extended, "superseded_after": began.superseded_after}
    new = NewRun(
        method,
        config,
        view.seed,
        view.lookahead,
        lambda artifacts: _brought(view, config, plugins, artifacts, execution.runs, moved),
        began.preset,
        marks or Marks(),
        lambda journal: _share(view, before, journal),
        origin,
    )
    try:
        return begin(new, execution, listener or Silent(), plugins, on_folder)
    except ReplayMismatch as error:
        if not overrides:
            raise
        at = key_text(error.key)
        hint = f"the changed configuration acts there: {error}"
        raise ConfigError("--from", key_text(before), f"{at} or a key before it", hint) from error
    finally:
        view.close()


def _stays(label: str) -> bool:
    """Return whether a label says something of the outcomes: how others ended is no matter."""
    return label not in MACHINE_FAILURES.values() and not label.startswith(LEAD)


def _share(view: RunView, before: Key, journal: Journal) -> None:
    """Write the outcomes that a run begins with into its journal, and what they need."""
    count, copied = 0, set[str]()
    rows = _shared(view, before)
    while batch := list(itertools.islice(rows, BATCH)):
        for sha256 in sorted({sha256 for row in batch for sha256 in row.shared} - copied):
            journal.artifacts.put(view.folder.artifacts.get(sha256))
            copied.add(sha256)
        journal.put([_copied(view, row, journal) for row in batch])
        count += len(batch)
    text = f"from {view.id}: its {count} outcomes before {key_text(before)} are taken over"
    journal.add_event(FORKED, text)


def _shared(view: RunView, before: Key) -> Iterator[Row]:
    """Yield outcomes in key order, of a finished run those that its search saw."""
    for row in view.outcomes(delivered=view.state == "finished"):
        if row.key >= before:
            return
        if row.failure is not None and row.failure.kind in MACHINE_FAILURES:
            return  # no value of its item, and what followed may have followed from it
        yield row


def _copied(view: RunView, row: Row, journal: Journal) -> Row:
    value = None if row.value is None else journal.intern(view.text(row.value))
    return row._replace(item=journal.intern(view.text(row.item)), value=value)


def _brought(
    view: RunView,
    config: BaseModel,
    plugins: Registry,
    artifacts: ArtifactStore,
    root: Path,
    moved: Sequence[str],
) -> InputFiles:
    """Bring in what the other run began with as it was then, and what is new as it is now."""
    inputs: dict[str, str] = {}
    files = InputFiles.of_run(view.about, view.folder, moved)
    for path, ref in part_refs(config):
        label = f"{ref.kind} {ref.name}"
        if not is_product(ref.name):
            inputs |= bring_files(ref, plugins, files)
        elif label in view.inputs:
            inputs[label] = view.inputs[label]
            (sha256,) = products_in({label: inputs[label]})
            artifacts.put(view.folder.artifacts.get(sha256))
        else:
            inputs[label] = copy_product(path, ref, plugins, artifacts, root)
    return InputFiles(inputs, files.for_workers(), trusted=True)
