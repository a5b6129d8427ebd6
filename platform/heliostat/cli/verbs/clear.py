"""`heliostat rm` and `heliostat du`: clearing runs away, and what they take on disk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heliostat.amounts import size
from heliostat.cli.sizes import seconds_in
from heliostat.contract.commands import json_option, print_json, runs_option
from heliostat.errors import ConfigError, StoreError
from heliostat.terminal import printable, say

if TYPE_CHECKING:
    from heliostat.ops.removal import Chosen
    from heliostat.store.folder import RunFolder

WIDTH = 45
"""Columns of a name in a line of `du`."""
NAME_END = 5
"""The last characters of a run's folder tell it from others, so these stay."""
_STATES = "finished, failed, interrupted, paused, stopped (its driver is gone) or damaged"


@click.command()
@click.argument("run_names", metavar="[RUN]...", nargs=-1)
@click.option("--older", metavar="TIME", help="Runs that nothing was done in for 30d, 12h, ...")
@click.option("--state", "states", multiple=True, metavar="STATE", help=f"Runs that are {_STATES}.")
@click.option("--method", "methods", multiple=True, metavar="METHOD", help="Runs of this method.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Runs with this tag.")
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@runs_option
@json_option
def rm(
    run_names: tuple[str, ...],
    older: str | None,
    states: tuple[str, ...],
    methods: tuple[str, ...],
    tags: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    runs: Path | None,
    as_json: bool,
) -> None:
    """Remove the RUNs that are named, or all to which every one of the options applies.

    A run that goes on is never removed, nor one whose product another run uses, unless that one
    goes with it. A named one is refused then; others are left where they are, and told.
    """
    from heliostat.ops.removal import Removal, clear_leftovers, users
    from heliostat.store.folder import runs_root

    root = runs_root(runs)
    chosen = _chosen(older, states, methods, tags)
    if bool(run_names) == (chosen is not None):
        given = " ".join(run_names) or None
        raise ConfigError("RUN", given, "either names of runs, or options that choose some")
    found = _named(run_names, root) if chosen is None else chosen.runs(root)
    kept: dict[str, str] = {}
    with Removal() as removal:
        for run, reason in removal.held(found):
            kept[run.id] = reason
        while True:  # one that stays may be what keeps another one
            going = [run for run in found if run.id not in kept]
            used: dict[str, str] = {}
            for place in {run.path.parent for run in going}:
                used |= users([run for run in going if run.path.parent == place], place)
            if not used:
                break
            kept |= used
        if run_names and kept:
            said = "; ".join(_reason(run, why) for run, why in kept.items())
            raise StoreError(f"nothing was removed: {said}")
        sizes = [run.size() for run in going]
        rows = [{"run": run.id, "bytes": one} for run, one in zip(going, sizes, strict=True)]
        account: dict[str, Any] = {
            "removed": [] if dry_run else rows,
            "would_remove": rows if dry_run else [],
            "kept": [{"run": run, "why": why} for run, why in kept.items()],
        }
        if not as_json:
            _tell(rows, kept)
        if dry_run or not going:
            _end(account, as_json, f"nothing was removed{' (--dry-run)' if dry_run else ''}")
            return
        total = size(sum(sizes))
        what = f"{len(going)} run{'s' if len(going) > 1 else ''} of {total}"
        if not (yes or _agreed(f"Remove {what}?", as_json)):
            _end(account | {"removed": []}, as_json, "nothing was removed")
            return
        for run in going:
            removal.remove(run)
    clear_leftovers(root)
    _end(account, as_json, f"removed {what}")


def _chosen(
    older: str | None,
    states: tuple[str, ...],
    methods: tuple[str, ...],
    tags: tuple[str, ...],
) -> Chosen | None:
    """Return what the options choose, None where there are none; raises ConfigError."""
    from heliostat.errors import did_you_mean
    from heliostat.ops.removal import STATES, Chosen
    from heliostat.store.marks import tags_in

    for state in states:
        if state not in STATES:
            raise ConfigError("--state", state, _STATES, did_you_mean(state, STATES))
    if older is None and not (states or methods or tags):
        return None
    values = tags_in(tags)
    wanted = {key: value for key, value in values.items() if f"{key}={value}" in tags}
    any_value = dict.fromkeys(key for key in values if key not in wanted)
    seconds = None if older is None else seconds_in("--older", older)
    return Chosen(seconds, states, methods, {**any_value, **wanted})


def _named(names: tuple[str, ...], root: Path) -> list[RunFolder]:
    """Return the runs of these names, each once; one whose journal is gone can be named too."""
    from heliostat.store.folder import RunFolder, find, without_journal

    found: dict[Path, RunFolder] = {}
    broken = {run.id: run for run in without_journal(root)}
    for name in names:
        run = broken.get(name) or find(name, root)
        path = run.path.absolute()
        found.setdefault(path, RunFolder(path))
    return list(found.values())


def _reason(run: str, why: str) -> str:
    return why if run in why else f"{run}: {why}"


def _tell(rows: list[dict[str, Any]], kept: dict[str, str]) -> None:
    for row in rows:
        say(f"{row['run']:<60}{size(row['bytes']):>9}")
    for run, why in kept.items():
        say(f"kept: {_reason(run, why)}")


def _agreed(question: str, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        expected = "--yes, for nobody can be asked here"
        raise ConfigError("--yes", None, expected, "see what would go with --dry-run")
    return click.confirm(question, err=True)


def _end(account: dict[str, Any], as_json: bool, text: str) -> None:
    if as_json:
        print_json(account)
    else:
        say(text)


@click.command()
@runs_option
@json_option
def du(runs: Path | None, as_json: bool) -> None:
    """Show what runs take on disk by method, the largest first."""
    from dataclasses import asdict

    from heliostat.ops.usage import by_method, usage
    from heliostat.store.folder import runs_root

    found = usage(runs_root(runs))
    if as_json:
        rows = [{**asdict(one), "bytes": one.total} for one in found]
        print_json({"bytes": sum(one.total for one in found), "runs": rows})
        return
    if not found:
        say(f"no runs in {runs_root(runs)}", err=True)
        return
    say(f"{'':<{WIDTH}}{'all':>8}{'artifacts':>10}{'database':>9}{'report':>8}")
    for method, its in by_method(found):
        say(_line(method, its))
        for one in its:
            say(_line(f"  {one.name or one.run}", [one]))
    say(_line("all", found))


def _line(what: str, runs: list[Any]) -> str:
    parts = (
        sum(getattr(run, kind) for run in runs)
        for kind in ("total", "artifacts", "database", "report")
    )
    total, artifacts, database, report = map(size, parts)
    return f"{_short(what):<{WIDTH}}{total:>8}{artifacts:>10}{database:>9}{report:>8}"


def _short(name: str) -> str:
    name = printable(name)  # before it is measured: what stands for an escape is longer
    return name if len(name) <= WIDTH else f"{name[: WIDTH - NAME_END - 2]}..{name[-NAME_END:]}"
