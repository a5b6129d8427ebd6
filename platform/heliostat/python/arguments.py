"""What a call says, as the command line would: the target, its level, its configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from heliostat.cli.options import RunOptions
from heliostat.contract.instructions import LEVEL_VARIABLE, NATIVE, lacking
from heliostat.errors import ConfigError
from heliostat.python.checks import refuse_two_meanings
from heliostat.terminal import say
from heliostat.worker.instructions import hold, loaded
from heliostat.worker.numerics import prepare_environment

if TYPE_CHECKING:
    from heliostat.cli.target import Target
    from heliostat.contract.method import MethodSpec
    from heliostat.executors.choice import Execution

Workers = int | Literal["serial"] | None
"""How many worker processes; "serial" is this process, None all cores."""

NATIVE_NOTE = (
    "note: {} was loaded before heliostat, so runs of this process are at the numerics level "
    "native; for portable, whose digests are equal on other CPUs, import heliostat first "
    "(in a notebook: restart the kernel)"
)
_noted = False


@contextmanager
def said_as_arguments() -> Iterator[None]:
    """Name what options say as Python does: `min_nodes` for `--min-nodes`."""
    try:
        yield
    except ConfigError as error:
        if not error.field.startswith("--"):
            raise
        option, blank, rest = error.field.removeprefix("--").partition(" ")
        field = f"{option.replace('-', '_')}{blank}{rest}"
        raise ConfigError(field, error.got, error.expected, error.hint, error.source) from None


def options_of(
    workers: Workers,
    address: str | None,
    runs: str | Path | None,
    numerics: str | None,
    min_nodes: int,
    wait: float,
) -> RunOptions:
    """Return what is said of how a run executes, in arguments that were checked."""
    return RunOptions(
        report=False,
        workers=0 if workers == "serial" else workers,
        address=address,
        checkpoint_seconds=2.0,
        min_nodes=min_nodes,
        wait=wait,
        runs=None if runs is None else Path(runs),
        as_json=False,
        numerics=numerics,
    )


def execution_of(options: RunOptions, root: Path) -> Execution:
    """Return how and where a run executes; raises ConfigError."""
    # whoever presses Ctrl-C twice in a notebook wants the run to end, and the kernel to live
    return replace(options.execution(root), may_exit=False)


def target_of(
    method: str,
    config: Mapping[str, Any] | str | Path | None,
    numerics: str | None,
    *,
    tell: bool,
) -> Target:
    """Return what is run, with the instruction level held before libraries load."""
    file = str(config) if isinstance(config, str | Path) else ""
    if not isinstance(method, str | Path):
        raise ConfigError("method", method, "a method's name, or a configuration file")
    with said_as_arguments():
        options_of(None, None, None, numerics, 1, 0.0).hold_level(file or str(method))
    if tell and numerics is None:
        _tell_of_native()
    prepare_environment()
    from heliostat.cli.target import read_file, read_target

    if not file:
        return read_target(str(method))
    target = read_file(Path(file))
    if target.method.name != method:
        raise ConfigError("config", file, f"a file of method {method}, not {target.method.name}")
    return target


def _tell_of_native() -> None:
    """Say once that libraries were loaded too early for the level by default."""
    global _noted
    early = loaded()
    if _noted or not early or hold() != NATIVE or lacking() or os.environ.get(LEVEL_VARIABLE):
        return
    _noted = True
    say(NATIVE_NOTE.format(early[0]), err=True)


def given_values(
    spec: MethodSpec,
    file: Mapping[str, Any],
    config: object,
    fields: Mapping[str, Any],
    root: Path,
) -> dict[str, Any]:
    """Return what was given of a configuration, fields over `config` over a file, tables stored."""
    from pydantic import BaseModel

    from heliostat.contract.config import plain
    from heliostat.driver.configuration import merged
    from heliostat.python.values import as_configuration

    values = dict(file)
    below = plain(config) if isinstance(config, BaseModel) else config
    if not isinstance(below, Mapping | str | Path | None):
        raise ConfigError("config", type(config).__name__, "a mapping, or a configuration file")
    refuse_two_meanings(spec, {**file, **(below if isinstance(below, Mapping) else {})})
    for given in (below if isinstance(below, Mapping) else {}, fields):
        values = merged(values, as_configuration(spec.config, given, root), spec.config)
    return values
