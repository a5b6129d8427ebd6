"""`heliostat show` and `report`: looking at a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from heliostat.cli.declared_outputs import declared_outputs
from heliostat.cli.within_budget import show_within
from heliostat.contract.commands import json_option, next_command, print_json, runs_option
from heliostat.errors import ConfigError, CorruptStore, PluginError, told
from heliostat.store.lock import holder
from heliostat.terminal import say


@click.command()
@click.argument("run_name", metavar="RUN")
@click.argument("key", required=False)
@click.option("--budget", metavar="TEXT", help="Show what of the run fits a budget, such as 12ms.")
@runs_option
@json_option
def show(
    run_name: str, key: str | None, budget: str | None, runs: Path | None, as_json: bool
) -> None:
    """Show a run, the outcome under KEY (such as 3.1), or what fits a budget."""
    from heliostat.cli.account_lines import account_lines, searches_lines
    from heliostat.plugins.registry import registry
    from heliostat.store.folder import find, runs_root
    from heliostat.store.view import RunView
    from heliostat.values.outcome import by_machine

    view = RunView(find(run_name, runs_root(runs)))
    if budget is not None:
        if key is not None:
            raise ConfigError("KEY", key, "no key together with --budget")
        show_within(registry().method(view.method), view, budget, as_json)
        return
    if key is not None:
        _show_outcome(view, key, as_json)
        return
    products = [{**p, "scope": list(p["scope"])} for p in view.products()]
    machine = by_machine(row.failure for row in view.failures())
    account = {
        **view.row(),
        "config": view.config,
        "inputs": view.inputs,
        "result": _plain_result(view),
        "products": products,
        "labels": view.labels,
        "machine_failures": machine,
        "retried": view.about.retried,
        "error": view.error,
        "workers": view.workers(),
        "record": view.record,
        "numerics": view.about.numerics or None,
        "environment": view.environment,
        "events": [{"time": t, "kind": k, "text": x} for t, k, x in view.events()],
        "command": view.command,
    }
    if as_json:
        print_stored(view, account)
        return
    say(*account_lines(view, account))
    if account["state"] != "finished":
        say(*searches_lines(view))
    for name, value in view.config.items():
        say(f"  {name} = {json.dumps(value)}")
    try:
        method, missing = registry().method(view.method), ""
    except PluginError as error:  # the journal's part is shown without it
        from heliostat.report.absent import not_loaded

        method, missing = None, not_loaded(view, error)
    described = "" if view.result is None or method is None else _described(method, view)
    if described:
        say("", *described.split("\n"))
    if account["state"] == "running":
        pid, host = holder(view.folder.lock)
        say(f"process {pid} on {host} is driving it")
    elif account["state"] != "finished":
        say(f"go on with: {next_command('resume', view.id)}")
    if missing:
        say(f"note: {missing}", err=True)


def _described(method: Any, view: Any) -> str:
    """Return what the method says of the result; one that it cannot read is said to be so."""
    from heliostat.process.guard import contained

    result = view.result
    if method.describe is None:
        return declared_outputs(method, result)
    try:
        with contained("describe"):
            return str(method.describe(result, view.id))
    except Exception as error:  # a stranger's code on a stranger's result
        return f"method {method.name} cannot describe this result: {told(error)}"


def _plain_result(view: Any) -> Any:
    from heliostat.errors import EncodingError
    from heliostat.values.canonical import encode

    if view.result is None:
        return None
    try:
        return json.loads(encode(view.result))
    except EncodingError as error:
        found = str(error)
        raise CorruptStore(f"run {view.id}: its result", "a canonical text", found) from error


def print_stored(view: Any, account: Any) -> None:
    """Print as JSON what a run folder holds; raises CorruptStore when nothing could print it."""
    try:
        print_json(account)
    except RecursionError as error:
        expected = "values within values in some hundred levels"
        raise CorruptStore(f"run {view.id}", expected, "more of them") from error


def _plain_text(view: Any, column: str, key: str, held: str | None) -> Any:
    try:
        return None if held is None else json.loads(view.text(held))
    except (ValueError, RecursionError) as error:
        where = f"run {view.id}: table outcome, column {column} of {key}"
        raise CorruptStore(where, "a canonical text", told(error)) from error


def _show_outcome(view: Any, key: str, as_json: bool) -> None:
    from heliostat.cli.account_lines import failure_lines

    if not all(p.isascii() and p.isdecimal() and len(p) < 20 for p in key.split(".")):
        raise ConfigError("KEY", key, "numbers with dots between them, such as 3.1")
    wanted = tuple(int(part) for part in key.split("."))
    row = next((r for r in view.outcomes(delivered=False) if r.key == wanted), None)
    if row is None:
        raise ConfigError("KEY", key, "the key of a journaled outcome")
    account = {
        "key": list(row.key),
        "function": row.function,
        "item": _plain_text(view, "item", key, row.item),
        "shared": list(row.shared),
        "value": _plain_text(view, "value", key, row.value),
        "failure": None if row.failure is None else row.failure.__dict__,
        "observed": row.observed,
        "seconds": row.seconds,
        "worker": row.worker,
        "attempts": row.attempts,
    }
    if as_json:
        print_stored(view, account)
        return
    for name, value in account.items():
        if name == "failure" and row.failure is not None:
            say(*failure_lines(row.failure))
            continue
        told_of = value if isinstance(value, str) else json.dumps(value)
        say(*f"{name:<10}{told_of}".split("\n"))


@click.command()
@click.argument("run_name", metavar="RUN")
@runs_option
@json_option
def report(run_name: str, runs: Path | None, as_json: bool) -> None:
    """Write the HTML report of a run and print where it lies."""
    from heliostat.plugins.registry import registry
    from heliostat.report.build import write_report
    from heliostat.store.folder import find, runs_root
    from heliostat.store.view import RunView

    view = RunView(find(run_name, runs_root(runs)))
    try:
        method = registry().method(view.method)
    except PluginError as error:  # what every run shows needs none
        from heliostat.report.absent import not_loaded, stand_in

        method = stand_in(view, error)
        say(f"note: {not_loaded(view, error)}", err=True)
    path = write_report(view, method, registry(), _left_out)
    if as_json:
        print_json({"run": view.id, "report": path})
    else:
        say(path)


def _left_out(what: str) -> None:
    say(f"warning: {what}", err=True)
