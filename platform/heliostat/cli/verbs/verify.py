"""`heliostat verify`: evaluate journaled items again, here and now, and compare bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from heliostat.cli.options import data_only, hold_level_of_run, input_option
from heliostat.contract.commands import json_option, print_json, runs_option
from heliostat.errors import CorruptStore, EncodingError, ExecutionError, key_text
from heliostat.terminal import say
from heliostat.values.outcome import MACHINE_FAILURES
from heliostat.worker.instructions import hold
from heliostat.worker.numerics import prepare_environment


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--sample", type=click.IntRange(min=1), help="Check this many, spread over the run.")
@input_option
@runs_option
@json_option
def verify(
    run_name: str,
    sample: int | None,
    moved: tuple[str, ...],
    runs: Path | None,
    as_json: bool,
) -> None:
    """Evaluate a run's items again in this process and compare their outcomes byte for byte.

    These are the items whose outcomes the search saw; of a run that was stopped, all that are
    journaled. The search of a finished run is replayed too, and has to come to the same result.
    Nothing but search and tasks of the run's own method is called.
    """
    from heliostat.store.folder import find, runs_root

    folder = find(run_name, runs_root(runs))
    hold_level_of_run(folder)
    from heliostat.driver.identity import check_numerics
    from heliostat.driver.own_tasks import check_tasks, packages_of_run
    from heliostat.driver.replay import replay
    from heliostat.plugins.input_files import InputFiles
    from heliostat.plugins.registry import registry
    from heliostat.store.view import RunView
    from heliostat.worker.fingerprint import fingerprint, sources

    view = RunView(folder)
    check_numerics(view.about, hold())
    files = InputFiles.of_run(view.about, folder, moved, here_alone=True)
    packages = packages_of_run(view, registry())
    prepare_environment(code=fingerprint(sources(packages)))
    # a run that was killed has not recorded which of its last outcomes the search saw
    every = list(view.outcomes(delivered=view.state == "finished"))
    # an item that was lost with its worker would take this process with it, a late one hold it up
    rows = [
        row
        for row in every
        if not row.observed and (row.failure is None or row.failure.kind not in MACHINE_FAILURES)
    ]
    check_tasks(view, (row.function for row in rows), packages)
    # evenly spaced, so that the same call checks the same items
    chosen = rows if sample is None or sample >= len(rows) else _spread(rows, sample)
    with data_only(as_json):
        if view.state == "finished":
            replay(view, registry(), files)
        found = _check(view, chosen, files)
    told = {"outcomes": view.count(), "stored": view.stored()}
    account = {"run": view.id, "checked": len(chosen), "of": len(rows), **told, **found}
    if as_json:
        print_json(account)
    elif not rows:
        say(
            f"there is nothing to verify: of {len(every)} outcomes in this run, which is "
            f"{view.state}, none can be evaluated again"
        )
    else:
        left_out = len(every) - len(rows)
        others = f", {left_out} of them measured or lost to the machine" if left_out else ""
        has = f"the run has {view.tasks()} tasks"
        if view.state != "finished":
            has = f"journaled so far are {view.tasks()} tasks"
        say(
            f"{account['equal']} of {account['checked']} outcomes are equal byte for byte; "
            f"{has}{others}"
        )
        for difference in account["different"]:
            say(f"differs: {difference['key']} {difference['function']}")
    if account["different"]:
        raise ExecutionError(
            f"{len(account['different'])} outcomes of {view.id} could not be reproduced here; "
            "compare the environments with: heliostat show"
        )


def _check_items(view: Any, rows: list[Any]) -> None:
    """Raise CorruptStore for an item that no search wrote: its task would only fail on it."""
    from heliostat.values.canonical import decode

    for row in rows:
        if row.failure is not None:
            continue  # that its item cannot be read may be what failed
        try:
            decode(view.text(row.item))
        except EncodingError as error:
            where = f"run {view.id}: table outcome, column item of {key_text(row.key)}"
            raise CorruptStore(where, "a canonical text", str(error)) from error


def _check_artifacts(view: Any, rows: list[Any]) -> None:
    """Raise CorruptStore for stored data that are not what was written: no item is to blame."""
    from heliostat.plugins.building import products_in

    shared = {sha256 for row in rows for sha256 in row.shared}
    for sha256 in sorted(shared | set(products_in(view.inputs))):
        view.folder.artifacts.get(sha256)


def _spread(rows: list[Any], count: int) -> list[Any]:
    return [rows[(2 * i + 1) * len(rows) // (2 * count)] for i in range(count)]


def _check(view: Any, rows: list[Any], files: Any) -> dict[str, Any]:
    from heliostat.contract.cache import default_cache_dir
    from heliostat.executors.choice import worker_of
    from heliostat.plugins.registry import registry
    from heliostat.worker.numerics import set_threads
    from heliostat.worker.work import Work

    worker = worker_of(view, registry(), default_cache_dir(), files)
    _check_artifacts(view, rows)
    _check_items(view, rows)
    set_threads(1)
    equal, different = 0, []
    for row in rows:
        scope = row.key[: row.depth]
        work = Work(row.key, scope, row.function, view.text(row.item), row.shared)
        reply = worker.evaluate(work, "verify", lambda state: None)
        stored = None if row.value is None else view.text(row.value)
        kinds = [None if f is None else f.kind for f in (row.failure, reply.failure)]
        if reply.value == stored and kinds[0] == kinds[1]:
            equal += 1
        else:
            different.append({"key": key_text(row.key), "function": row.function})
    return {"equal": equal, "different": different}
