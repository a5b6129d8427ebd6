"""`heliostat doctor`: is this machine ready, and what to mend where it is not."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

import click

from heliostat.contract.commands import json_option, print_json
from heliostat.terminal import say
from heliostat.worker.numerics import prepare_environment

SHOWN = {"ok": "ok      ", "warning": "warning ", "failed": "FAILED  "}
INDENT = 23
NARROWEST = 40
"""Columns that a text is given even where the terminal has fewer."""


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Look at Python, libraries, cores, memory, disks, clock and Ray, and say what to mend.

    Exit code 0: runs will work, perhaps with warnings. 1: something failed and has to be mended.
    """
    shell = dict(os.environ)
    prepare_environment()
    from heliostat.ops.doctor import examine

    findings = examine(shell)
    if as_json:
        print_json([finding.__dict__ for finding in findings])
    else:
        for finding in findings:
            first, *more = _lines(finding.found)
            say(f"{SHOWN[finding.state]}{finding.name:<15}{first}")
            if finding.state != "ok":
                more += _lines(f"mend: {finding.mend}")
            for line in more:
                say(f"{'':<{INDENT}}{line}")
    failed = [finding.name for finding in findings if finding.state == "failed"]
    if failed:
        say(f"not ready: {', '.join(failed)}", err=True)
        ctx.exit(1)


def _lines(text: str) -> list[str]:
    """Return a text in lines for the terminal; what is none, a file or a pipe, gets one line."""
    if not sys.stdout.isatty():
        return [text]
    width = max(shutil.get_terminal_size().columns - INDENT, NARROWEST)
    wrapped = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return wrapped or [text]
