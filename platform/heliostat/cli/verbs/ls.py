"""`heliostat ls`: the list of runs."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heliostat.contract.commands import json_option, next_command, print_json, runs_option
from heliostat.errors import ConfigError, StoreError, UnknownMethod
from heliostat.terminal import say

if TYPE_CHECKING:
    from heliostat.cli.runs_table import Line


@click.command()
@click.option("--state", "states", multiple=True, help="Only runs in this state; may be repeated.")
@click.option("--method", "methods", multiple=True, help="Only runs of this method; as --state.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Only runs with this.")
@click.option("--sort", default="begin", metavar="FIELD", show_default=True, help="-FIELD: turned.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many.")
@runs_option
@json_option
def ls(
    states: tuple[str, ...],
    methods: tuple[str, ...],
    tags: tuple[str, ...],
    sort: str,
    limit: int | None,
    runs: Path | None,
    as_json: bool,
) -> None:
    """List runs, newest first, in the columns that the terminal has room for.

    FIELD is begin, duration, size, tasks, failures, step, best, seed, run, name, state, method or
    on. What is no terminal gets all columns; --json has more than they show.
    """
    from heliostat.cli.runs_table import (
        checked_sort,
        checked_state,
        has_tags,
        in_order,
        lines,
        read_tags,
    )
    from heliostat.store.folder import runs_root

    wanted_states, wanted_tags = set(map(checked_state, states)), read_tags(tags)
    field, root = checked_sort(sort), runs_root(runs)
    every = _rows(root)
    _check_methods(methods, every)
    chosen = [
        run
        for run in in_order(every, field)
        if (not methods or run["method"] in methods)
        and (not states or run["state"] in wanted_states)
        and has_tags(run, wanted_tags)
    ][:limit]
    if as_json:
        print_json(chosen)
        return
    if not every:
        begin = next_command("run", "METHOD")
        say(f"no runs in {root}; begin one with: {begin}", err=True)
    elif not chosen:
        say(f"none of the {len(every)} runs in {root} is asked for", err=True)
    else:
        say(*lines(chosen, _width()))


def _rows(root: Path) -> list[Line]:
    from heliostat.store.folder import folders, missing_journal, without_journal
    from heliostat.store.view import RunView

    rows: list[Line] = []
    for folder in folders(root):
        try:
            view = RunView(folder, whole=False)
            rows.append(view.row())
            view.close()
        except StoreError as error:  # one run that cannot be read hides no other
            rows.append(damaged(folder.id, error))
    return rows + [damaged(run.id, missing_journal(run)) for run in without_journal(root)]


def _check_methods(methods: tuple[str, ...], runs: list[Line]) -> None:
    """Raise ConfigError naming the nearest for a method that no run and no plugin has."""
    known = {str(run["method"]) for run in runs if run["method"]}
    for name in methods:
        if name not in known:
            from heliostat.plugins.registry import registry

            try:
                registry().method(name)
            except UnknownMethod as error:
                raise ConfigError("--method", name, "a method", str(error)) from None


def _width() -> int | None:
    """Return the columns of the terminal; None for what is none."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return shutil.get_terminal_size().columns if known else None


def damaged(run: str, error: StoreError) -> dict[str, Any]:
    """Return the line of a run whose journal cannot be read."""
    return {
        "run": run,
        "name": "",
        "method": None,
        "on": "",
        "state": "damaged",
        "phase": "",
        "step": None,
        "of": None,
        "best": {},
        "goals": {},
        "seed": None,
        "digest": None,
        "outcomes": 0,
        "stored": 0,
        "failures": 0,
        "created": 0.0,
        "seconds": 0.0,
        "bytes": 0,
        "tags": {},
        "note": "",
        "error": str(error),
    }
