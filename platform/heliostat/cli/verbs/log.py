"""`heliostat log`: what happened to a run, in local time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click

from heliostat.contract.commands import json_option, next_command, print_json_line, runs_option
from heliostat.errors import StoreError
from heliostat.terminal import say

LOOK_SECONDS = 0.5
"""How often a log that is followed is looked at."""
LONGEST = 1_000_000
"""Characters of a line that are read: no driver writes longer ones."""
LONGEST_ENTRY = 8000
"""Characters of an entry that are printed: a traceback is whole, a task's endless message not."""
DENT = " " * 4


@click.command()
@click.argument("run_name", metavar="RUN", default="last")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends; Ctrl-C leaves it.")
@runs_option
@json_option
def log(run_name: str, follow: bool, runs: Path | None, as_json: bool) -> None:
    """Print the log of a run in local time; with --json its objects, one a line."""
    from heliostat.store.folder import find, runs_root
    from heliostat.store.view import RunView

    folder = find(run_name, runs_root(runs))
    view = RunView(folder, whole=False)
    try:
        file = _opened(folder.log)
        if file is None:
            say(f"run {folder.id} has no log", err=True)
            return
        with file:
            for entry in _entries(file, lambda: follow and view.state == "running"):
                if as_json:
                    print_json_line(entry)
                else:
                    say(*_lines(entry, folder.id))
    except KeyboardInterrupt:
        return  # who looks leaves; the run goes on
    finally:
        view.close()


def _opened(path: Path) -> IO[str] | None:
    from heliostat.store.entries import open_regular

    try:
        descriptor = open_regular(path, os.O_RDONLY)
        return os.fdopen(descriptor, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error


def _entries(file: IO[str], goes_on: Any) -> Iterator[dict[str, Any]]:
    """Yield what the lines of a log say; one that says nothing is left out."""
    begun = ""
    while True:
        more = goes_on()  # asked before the last look, so that nothing is missed
        while line := file.readline(LONGEST):
            begun += line
            if not begun.endswith("\n") and len(begun) < LONGEST:
                continue  # the driver is writing it
            entry, begun = _entry(begun), ""
            if entry is not None:
                yield entry
        if not more:
            return
        time.sleep(LOOK_SECONDS)


def _entry(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
        at, kind, text = float(found["time"]), found["kind"], found["text"]
        if not (isinstance(kind, str) and isinstance(text, str) and 0 <= at < 1e11):
            return None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return {"time": at, "kind": kind, "text": text}


def _lines(entry: dict[str, Any], run: str) -> list[str]:
    from heliostat.cli.long_text import shortened
    from heliostat.store.pace import PHASE, read_phase

    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry["time"]))
    text = shortened(entry["text"], next_command("log", run, "--json"), LONGEST_ENTRY)
    if entry["kind"] == PHASE:
        scope, name = read_phase(text)
        text = f"[{'.'.join(map(str, scope))}] {name}" if scope else name
    first, *rest = text.rstrip("\n").split("\n")
    return [f"{when}  {entry['kind']:<12}{first}", *(f"{DENT}{line}" for line in rest)]
