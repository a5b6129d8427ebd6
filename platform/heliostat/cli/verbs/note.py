"""`heliostat note`: what people call a run and write about it."""

from __future__ import annotations

from pathlib import Path

import click

from heliostat.contract.commands import json_option, print_json, runs_option
from heliostat.errors import ConfigError, did_you_mean
from heliostat.terminal import say


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--name", help="Call the run so; '' takes the name away.")
@click.option("--note", "text", metavar="TEXT", help="Write this about it; '' takes it away.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Give it a tag.")
@click.option("--untag", multiple=True, metavar="KEY", help="Take a tag away.")
@runs_option
@json_option
def note(
    run_name: str,
    name: str | None,
    text: str | None,
    tags: tuple[str, ...],
    untag: tuple[str, ...],
    runs: Path | None,
    as_json: bool,
) -> None:
    """Name a run, write about it, tag it; without options show what is written.

    A name finds the run wherever a RUN is taken, and is no part of its result. A run that goes on
    can be named too.
    """
    from heliostat.store.folder import find, runs_root
    from heliostat.store.marks import read_marks, tags_in
    from heliostat.store.naming import mark

    run = find(run_name, runs_root(runs))
    there = read_marks(run.path).tags
    for key in untag:
        if key not in there:
            raise ConfigError("--untag", key, "a tag of the run", did_you_mean(key, there))
    changed = {**dict.fromkeys(untag), **tags_in(tags)}
    marks = mark(run, name=name, note=text, tags=changed)
    if as_json:
        shown = {"name": marks.name, "note": marks.note, "tags": dict(marks.tags)}
        print_json({"run": run.path.absolute().name, **shown})
        return
    say(f"run   {run.path.absolute().name}", f"name  {marks.name}".rstrip())
    lines = marks.note.split("\n") if marks.note else []
    say(*(f"note  {line}".rstrip() for line in lines))
    say(*(f"tag   {key}{f'={value}' if value else ''}" for key, value in marks.tags.items()))
