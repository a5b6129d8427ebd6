"""Options that several verbs share, and how their values become execution settings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

import click

from heliostat.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])


def execution_options(function: F) -> F:
    """Add the options that say where a run executes."""
    for option in (
        click.option(
            "--checkpoint-seconds",
            type=float,
            default=2.0,
            show_default=True,
            help="Least time between two stored checkpoints of a long task.",
        ),
        click.option("--address", help="Address of a Ray cluster, for example auto."),
        click.option(
            "--workers",
            help="Number of Ray workers, or serial for this process [default: all cores].",
        ),
    ):
        function = option(function)
    return function


def cluster_options(function: F) -> F:
    """Add the options that say what a run waits for on a cluster."""
    for option in (
        click.option(
            "--wait",
            type=float,
            default=0.0,
            show_default=True,
            help="Seconds to wait for --min-nodes.",
        ),
        click.option(
            "--min-nodes",
            type=int,
            default=1,
            show_default=True,
            help="Begin when this many nodes joined the cluster at --address.",
        ),
    ):
        function = option(function)
    return function


def parse_workers(text: str | None) -> int | None:
    """Return 0 for serial, None for all cores, else the number of workers."""
    if text is None:
        return None
    if text == "serial":
        return 0
    if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0:
        return int(text)
    raise ConfigError("--workers", text, "a positive number or serial")


def data_only(as_json: bool) -> AbstractContextManager[Any]:
    """Keep standard output for the JSON: what tasks print meanwhile goes to standard error."""
    return redirect_stdout(sys.stderr) if as_json else nullcontext()


def is_file(text: str) -> bool:
    """Return whether the text names a file; what cannot be a path names none."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a path, or a NUL in it
        return False
