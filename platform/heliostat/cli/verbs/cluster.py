"""`heliostat cluster`: is a cluster file usable, and fetch runs from a cluster's head."""

from __future__ import annotations

from pathlib import Path

import click

from heliostat.contract.commands import json_option, next_command, print_json, runs_option
from heliostat.errors import ClusterError
from heliostat.terminal import say


@click.group()
def cluster() -> None:
    """Check a cluster file before `ray up`; fetch runs after `ray submit`."""


@cluster.command()
@click.argument("path", metavar="CLUSTER.yaml", type=click.Path(path_type=Path))
@json_option
def check(path: Path, as_json: bool) -> None:
    """Check file, key, token, tools and, over ssh, each node; exit code 6 when one is not ready."""
    from heliostat.ops.cluster.checks import check as steps_of

    steps = []
    for step in steps_of(path):
        steps.append(step)
        if not as_json:
            say(f"{'ok    ' if step.ok else 'failed'} {step.name:<20} {step.found}")
            if not step.ok:
                say(f"{'':<27} mend: {step.mend}")
    if as_json:
        shown = [s.__dict__ | {"mend": "" if s.ok else s.mend} for s in steps]
        print_json({"ready": all(s.ok for s in steps), "steps": shown})
    failed = [step.name for step in steps if not step.ok]
    if failed:
        raise ClusterError(f"not ready: {', '.join(failed)}")


@cluster.command()
@click.argument("path", metavar="CLUSTER.yaml", type=click.Path(path_type=Path))
@click.argument("run_name", metavar="RUN")
@click.option(
    "--head-runs", default="~/runs", show_default=True, help="Folder of runs on the head."
)
@click.option("--replace", is_flag=True, help="Replace an older copy of the run.")
@runs_option
@json_option
def fetch(
    path: Path, run_name: str, head_runs: str, replace: bool, runs: Path | None, as_json: bool
) -> None:
    """Copy RUN (or `last`) from the head, verify its digest and put it among the runs here."""
    from heliostat.ops.cluster.fetch import fetch as fetch_run
    from heliostat.store.folder import runs_root

    said = fetch_run(path, run_name, runs_root(runs), head_runs=head_runs, replace=replace)
    if as_json:
        print_json(said)
        return
    say(f"{'fetched' if said['copied'] else 'here already:'} {said['folder']}")
    if said["digest"]:
        say(f"digest  {said['digest']} (computed from the copy)")
    else:
        command = next_command("resume", said["run"])
        say(f"it is {said['state']}; go on with it here: {command}")
