"""`heliostat.run` and `heliostat.resume`: the engine, folder and digest of the command line.

What is said of how a run executes has the names of the options of `heliostat run`; every other
keyword is a field of the method's configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from heliostat.cli.options import hold_level_of_run
from heliostat.errors import ConfigError
from heliostat.python.arguments import (
    Workers,
    execution_of,
    given_values,
    options_of,
    said_as_arguments,
    target_of,
)
from heliostat.python.checks import checked, refuse_two_meanings
from heliostat.python.driving import driven
from heliostat.python.edited import check_as_loaded
from heliostat.python.handle import RunHandle
from heliostat.python.listing import found
from heliostat.python.threads import threads_as_before
from heliostat.store.folder import RunFolder, runs_root
from heliostat.store.marks import Marks
from heliostat.store.marks import checked as checked_marks
from heliostat.worker.numerics import prepare_environment


@checked()
@threads_as_before()
def run(
    method: str,
    *,
    preset: str | None = None,
    seed: int | None = None,
    workers: Workers = None,
    address: str | None = None,
    runs: str | Path | None = None,
    lookahead: int | None = None,
    numerics: str | None = None,
    report: bool = False,
    name: str = "",
    note: str = "",
    tags: Mapping[str, str] | None = None,
    progress: bool = True,
    min_nodes: int = 1,
    wait: float = 0.0,
    config: Mapping[str, Any] | str | Path | None = None,
    **fields: Any,
) -> RunHandle:
    """Run a method to its end and return the run.

    `method` is its name, or a configuration file. `fields` are fields of its configuration, with
    sections as mappings; they count more than `config` (a mapping, or a configuration file), and
    that more than `preset`. A field that is called like an option goes in by `config`. A table may
    stand wherever a data set is named. Raises ConfigError
    before any work for a configuration that is not usable, Interrupted with the run's name when it
    is stopped (Paused when the machine is to blame), and the errors of `heliostat.errors`.
    """
    from heliostat.driver.start import DEFAULT_LOOKAHEAD, start

    with said_as_arguments():
        marks = checked_marks(Marks(name, note, tags or {}))
        options = options_of(workers, address, runs, numerics, min_nodes, wait)
        target = target_of(method, config, numerics, tell=progress)
        execution = execution_of(options, runs_root(runs))
    spec = target.method
    values = given_values(spec, target.values, config, fields, execution.runs)
    preset = target.preset if preset is None else preset
    seed = (target.seed if seed is None else seed) or 0
    lookahead = target.lookahead if lookahead is None else lookahead
    said = {"preset": preset, "seed": seed, "lookahead": lookahead, **values}
    return driven(
        spec,
        progress,
        lambda display, begun: start(
            spec,
            values=values,
            execution=execution,
            listener=display,
            on_folder=begun,
            marks=marks,
            on_code=lambda code: check_as_loaded(code.files),
            source=target.source,
            command=call_text(spec.name, said),
            preset=preset,
            seed=seed,
            lookahead=DEFAULT_LOOKAHEAD if lookahead is None else lookahead,
        ),
        report=report,
    )


@checked()
@threads_as_before()
def resume(
    run: str | Path | RunHandle,
    *,
    workers: Workers = None,
    address: str | None = None,
    runs: str | Path | None = None,
    numerics: str | None = None,
    report: bool = False,
    progress: bool = True,
    min_nodes: int = 1,
    wait: float = 0.0,
    allow_code_change: bool = False,
    retry: str | tuple[str, ...] | list[str] = (),
    may_pause: bool = True,
    config: Mapping[str, Any] | None = None,
    **fields: Any,
) -> RunHandle:
    """Go on with a run that was stopped or killed, and return it.

    `run` is a handle, or what `heliostat.open` takes. `fields` are those of its configuration that
    may grow; `config` takes them too, for those that are called like an option. Raises
    IdentityChanged for a run that would not be the same one, and as `run`.
    """
    from heliostat.driver.configuration import read_run_file
    from heliostat.driver.resume import resume as go_on
    from heliostat.plugins.registry import registry
    from heliostat.python.values import as_configuration

    handle = found(run, runs)
    folder = RunFolder(handle.folder)
    with said_as_arguments():
        options = options_of(workers, address, runs, numerics, min_nodes, wait)
        hold_level_of_run(folder, numerics)
        execution = replace(execution_of(options, folder.path.parent), may_pause=may_pause)
    prepare_environment()
    registry().block_again(read_run_file(folder.config).block, str(folder.config))
    spec = registry().method(handle.method)
    if not isinstance(config, Mapping | None):
        raise ConfigError("config", config, "a mapping of fields that may grow")
    refuse_two_meanings(spec, config or {})
    overrides = [
        f"{path}={_inline(path, value)}"
        for given in (config or {}, fields)
        for path, value in _leaves(as_configuration(spec.config, given, folder.path.parent))
    ]
    return driven(
        spec,
        progress,
        lambda display, begun: go_on(
            folder,
            overrides=overrides,
            allow_code_change=allow_code_change,
            retry=(retry,) if isinstance(retry, str) else tuple(retry),
            execution=execution,
            listener=display,
        ),
        folder=folder,
        report=report,
    )


def _inline(path: str, value: Any) -> str:
    from heliostat.cli.fields import inline

    try:
        return inline(value)
    except (TypeError, ValueError):
        raise ConfigError(path, value, "numbers, texts, lists and mappings of them") from None


def _leaves(fields: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in fields.items():
        if isinstance(value, Mapping) and "name" not in value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def call_text(method: str, said: Mapping[str, Any]) -> str:
    """Return the call that begins an equal run, as its record keeps it."""
    words = [f"{key}={value!r}" for key, value in said.items() if value is not None]
    return f"heliostat.run({', '.join([repr(method), *words])})"
