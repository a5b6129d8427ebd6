"""`heliostat doctor`: is this machine ready, and what to mend where it is not."""

from __future__ import annotations

import os

import click

from heliostat.contract.commands import json_option, print_json
from heliostat.terminal import say
from heliostat.worker.numerics import prepare_environment

SHOWN = {"ok": "ok      ", "warning": "warning ", "failed": "FAILED  "}


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
            say(f"{SHOWN[finding.state]}{finding.name:<15}{finding.found}")
            if finding.state != "ok":
                say(f"{'':<23}mend: {finding.mend}")
    failed = [finding.name for finding in findings if finding.state == "failed"]
    if failed:
        say(f"not ready: {', '.join(failed)}", err=True)
        ctx.exit(1)
