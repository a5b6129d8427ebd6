"""`heliostat run` and `heliostat resume`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heliostat.cli.asking_again import asking_again
from heliostat.cli.at_once import told_on_resume
from heliostat.cli.declared_outputs import declared_outputs
from heliostat.cli.field_options import as_overrides
from heliostat.cli.options import (
    RunOptions,
    data_only,
    hold_level_of_run,
    input_option,
    run_options,
)
from heliostat.contract.commands import next_command, print_json
from heliostat.errors import (
    ExecutionError,
    Interrupted,
    Paused,
    PluginError,
    key_text,
    place_of,
    told,
)
from heliostat.process.guard import contained
from heliostat.terminal import say
from heliostat.worker.numerics import prepare_environment

if TYPE_CHECKING:
    from heliostat.executors.choice import Execution


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("target", metavar="METHOD|CONFIG.toml")
@click.argument("given", metavar="[--FIELD VALUE]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--preset", help="A named configuration of the method: smoke, demo, paper, ...")
@click.option("--seed", type=int, help="Root of all random streams [default: 0].")
@click.option("-o", "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set a field.")
@click.option("--lookahead", type=int, help="Virtual slots of asynchronous searches [default: 3].")
@run_options
def run(
    target: str,
    given: tuple[str, ...],
    preset: str | None,
    seed: int | None,
    overrides: tuple[str, ...],
    lookahead: int | None,
    options: RunOptions,
) -> None:
    """Run a method, or what a configuration file says.

    Fields of the method are set as options of their name, or with -o.

    Nothing is lost when it is stopped or killed: `heliostat resume RUN` goes on.
    """
    context = click.get_current_context()
    if target.startswith("-"):  # no option of run, and no method is known yet that may have it
        as_overrides([target], (), context)
    options.hold_level(target)
    prepare_environment()
    from heliostat.cli.target import read_target
    from heliostat.driver.start import DEFAULT_LOOKAHEAD
    from heliostat.store.folder import runs_root

    execution = options.execution(runs_root(options.runs))
    found = read_target(target)
    fields = as_overrides(given, found.method.config.model_fields, context)
    seed = found.seed if seed is None else seed
    lookahead = found.lookahead if lookahead is None else lookahead
    start_and_show(
        found.method,
        execution,
        options,
        preset=found.preset if preset is None else preset,
        values=dict(found.values),
        overrides=(*fields, *overrides),
        seed=seed or 0,
        lookahead=DEFAULT_LOOKAHEAD if lookahead is None else lookahead,
        source=found.source,
    )


def start_and_show(
    method: Any,
    execution: Execution,
    options: RunOptions,
    start: Callable[..., dict[str, Any]] | None = None,
    **settings: Any,
) -> None:
    """Start a run with these settings of `start`, by default that of the driver; show its end."""
    from heliostat.driver.start import start as driver_start
    from heliostat.store.folder import RunFolder

    start = start or driver_start

    progress = _progress(method, options)
    started: list[RunFolder] = []

    def on_folder(folder: RunFolder) -> None:
        started.append(folder)
        progress.begin(folder.id, execution.where)

    try:
        with data_only(options.as_json):
            account = start(
                method,
                execution=execution,
                listener=progress,
                on_folder=on_folder,
                marks=options.marks(),
                **settings,
            )
    except BaseException as error:
        progress.end()
        if started and started[0].path.exists():
            _say_how_to_resume(started[0], error)
        elif started:
            say(f"run {started[0].id} left nothing: no task was evaluated", err=True)
        raise
    progress.end()
    _finish(method, account, options)


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("-o", "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Grow a field.")
@click.option("--allow-code-change", is_flag=True, help="Go on under other code (recorded).")
@click.option(
    "--retry",
    multiple=True,
    metavar="KIND",
    help="Ask failures of the machine again: Deadline, MemoryError (recorded). Always done for "
    "WorkerLost and NodeLost.",
)
@input_option
@click.option("--no-pause", is_flag=True, help="Blame items for all lost workers, never pause.")
@run_options
def resume(
    run_name: str,
    overrides: tuple[str, ...],
    allow_code_change: bool,
    retry: tuple[str, ...],
    moved: tuple[str, ...],
    no_pause: bool,
    options: RunOptions,
) -> None:
    """Go on with a run: RUN is its name, a unique part of it, its folder, or `last`."""
    from heliostat.store.folder import find, runs_root

    folder = find(run_name, runs_root(options.runs))
    hold_level_of_run(folder, options.numerics)
    prepare_environment()
    from heliostat.driver.configuration import read_run_file
    from heliostat.driver.resume import resume as go_on
    from heliostat.plugins.registry import registry
    from heliostat.store.view import RunView

    execution = replace(options.execution(folder.path.parent), may_pause=not no_pause)
    view = RunView(folder, whole=False, alone=True)
    registry().block_again(read_run_file(folder.config).block, str(folder.config))
    method = registry().method(view.method)
    at_once = told_on_resume(view, overrides)
    view.close()
    options.mark(folder)
    say(*at_once, err=True)
    progress = _progress(method, options)
    progress.begin(folder.id, execution.where, goes_on=True)
    try:
        with data_only(options.as_json):
            account = go_on(
                folder,
                overrides=overrides,
                allow_code_change=allow_code_change,
                retry=retry,
                moved=moved,
                execution=execution,
                listener=progress,
            )
    except (Interrupted, ExecutionError) as error:
        progress.end()
        _say_how_to_resume(folder, error)
        raise
    except BaseException:
        progress.end()
        raise
    progress.end()
    _finish(method, account, options)


def _progress(method: Any, options: RunOptions) -> Any:
    from heliostat.cli.progress import make_progress

    return make_progress(method, plain=options.as_json)


def _say_how_to_resume(folder: Any, error: BaseException) -> None:
    if isinstance(error, Interrupted):
        from heliostat.engine.stopping import STOPPED

        if isinstance(error, Paused):
            say(f"paused: {error.reason}", err=True)
        say(STOPPED.format(next_command("resume", folder.id)), err=True)
    else:
        log = _short_path(str(folder.log.absolute()))
        say(f"run {folder.id} ended with an error; its log: {log}", err=True)
        key = error.shown_under if isinstance(error, ExecutionError) else None
        if key is not None:
            command = next_command("show", folder.id, key_text(key))
            say(f"the whole failure: {command}", err=True)


def _finish(method: Any, account: dict[str, Any], options: RunOptions) -> None:
    from heliostat.plugins.registry import registry
    from heliostat.store.folder import RunFolder
    from heliostat.store.view import RunView

    view = RunView(RunFolder(Path(account["folder"])))
    path = ""
    if options.report:
        from heliostat.report.build import write_report

        try:
            with contained("the report"):
                path = write_report(view, method, registry(), _left_out)
        except Exception as error:  # a report that fails must not fail a finished run
            _warn("the report could not be written", error)
    if options.as_json:
        print_json({**account, "report": path or None})
    else:
        described = _described(method, view)
        if described:
            say(*described.split("\n"), "")
        say(*_closing(account, path))
    view.close()
    sys.stdout.flush()


def _described(method: Any, view: Any) -> str:
    """Return the method's own words about a result; one that fails must not fail the run."""
    if method.describe is None:
        return declared_outputs(method, view.result)
    try:
        with contained("describe"):
            text = method.describe(view.result, view.id)
        if not isinstance(text, str):
            raise PluginError(f"describe returned a {type(text).__name__}, expected text")
        return text
    except Exception as error:
        _warn(f"method {method.name} could not describe its result", error)
        return ""


def _left_out(what: str) -> None:
    say(f"warning: the report: {what}", err=True)


def _warn(what: str, error: Exception) -> None:
    if isinstance(error, PluginError):  # it has words of its own
        said, cause = str(error), error.__cause__
    else:
        said, cause = told(error), error
    where = f" ({place_of(cause)})" if cause is not None else ""
    say(f"warning: {what}: {said}{where}; the result is not touched", err=True)


def _closing(account: dict[str, Any], report: str) -> list[str]:
    lines = [
        f"run      {account['run']}",
        f"digest   {account['digest']}",
        f"numerics {account['environment']['numerics']}",
        f"tasks    {account['outcomes']} ({account['evaluated']} evaluated, "
        f"{account['replayed']} replayed, {account['failures']} failed) in {account['seconds']} s",
    ]
    if account["machine_failures"]:
        lines.append(f"machine  {asking_again(account['machine_failures'], account['run'])}")
    lines += [f"label    {label}" for label in account["labels"]]
    if report:
        lines.append(f"report   {_short_path(report)}")
    return lines


def _short_path(path: str) -> str:
    """Return a path from the folder where the command was given, if it lies there."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
