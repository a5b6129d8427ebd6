"""What a method's own verbs share with the command line: options, JSON, next commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from heliostat.contract.fields import Fields
from heliostat.errors import PluginError
from heliostat.process.output import reserve
from heliostat.terminal import printable

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")

F = TypeVar("F", bound=Callable[..., Any])


def runs_option(function: F) -> F:
    """Add `--runs`."""
    return click.option(
        "--runs", type=click.Path(path_type=Path), help="Folder of runs [default: runs]."
    )(function)


def json_option(function: F) -> F:
    """Add `--json`; with it only what is written to `sys.stdout` is on standard output."""

    def reserved(context: click.Context, parameter: click.Parameter, given: bool) -> bool:
        if given:
            reserve()
        return given

    return click.option(
        "--json", "as_json", is_flag=True, is_eager=True, callback=reserved, help="Print JSON."
    )(function)


def check_command(command: object) -> None:
    """Raise PluginError unless it is a command that can be called by its name."""
    if not isinstance(command, click.Command):
        raise PluginError(f"a {type(command).__name__} is no click.Command")
    expected = "a lower-case letter, then letters, digits, '_' and '-'"
    Fields("command").name("name", command.name, _NAME, expected)


def next_command(*words: str) -> str:
    """Return `heliostat WORDS` as a shell takes it, with `--runs` as this command was given it."""
    return printable(shlex.join(["heliostat", *words, *_runs()]))


def _runs() -> list[str]:
    context = click.get_current_context(silent=True)
    given = None if context is None else context.params.get("runs")
    return [] if given is None else ["--runs", str(given)]


def print_json(value: Any) -> None:
    """Print one JSON value on standard output; numbers that JSON lacks become null."""
    sys.stdout.write(json.dumps(_finite(value), indent=None if _compact() else 2) + "\n")
    sys.stdout.flush()


def print_json_line(value: Any) -> None:
    """Print one JSON value on one line, for output that goes on."""
    sys.stdout.write(json.dumps(_finite(value)) + "\n")
    sys.stdout.flush()


def _compact() -> bool:
    # a pipe gets one line, a person gets indentation
    return not sys.stdout.isatty() or bool(os.environ.get("HELIOSTAT_COMPACT"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return None
    return value
