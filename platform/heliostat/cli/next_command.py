"""The commands that messages tell a user to give next: they work when they are copied."""

from __future__ import annotations

import shlex

import click

from heliostat.terminal import printable


def next_command(*words: str) -> str:
    """Return `heliostat WORDS` as a shell takes it, with `--runs` as this command was given it."""
    return printable(shlex.join(["heliostat", *words, *_runs()]))


def _runs() -> list[str]:
    context = click.get_current_context(silent=True)
    given = None if context is None else context.params.get("runs")
    return [] if given is None else ["--runs", str(given)]
