"""`heliostat watch`: a run that goes on elsewhere, followed by its journal alone."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heliostat.contract.commands import (
    json_option,
    next_command,
    print_json,
    print_json_line,
    runs_option,
)
from heliostat.terminal import say

if TYPE_CHECKING:
    from heliostat.cli.watching import Look, Watcher
    from heliostat.store.view import RunView

LOOK_SECONDS = 0.5
"""How often the journal is looked at."""


@click.command()
@click.argument("run_name", metavar="[RUN]", default="last")
@click.option("--once", is_flag=True, help="Show it once, as it is now.")
@runs_option
@json_option
def watch(run_name: str, once: bool, runs: Path | None, as_json: bool) -> None:
    """Follow a run that goes on elsewhere: RUN is as for show, the newest one by default.

    It reads the journal alone and never disturbs the run. It ends with the run; Ctrl-C leaves the
    run alone and ends with exit code 0. What is no terminal gets a line a tenth of each phase or
    half a minute; --json gets an object a line, each time that something is new.
    """
    from heliostat.cli.account_lines import rendered, unit_of
    from heliostat.cli.watching import Watcher
    from heliostat.store.folder import find, runs_root
    from heliostat.store.view import RunView

    view = RunView(find(run_name, runs_root(runs)), whole=False)
    unit = unit_of(view.method)
    watcher = Watcher(view, unit)
    try:
        if once:
            look = watcher.look(time.monotonic())
            if as_json:
                print_json(look.plain())
                return
            width = shutil.get_terminal_size().columns
            say(*rendered(watcher.drawn(look, width), width))
            say(*_how_to_go_on(look))
        elif as_json:
            _follow(view, watcher, _Objects())
        elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
            _follow(view, watcher, _Picture(watcher))
        else:
            _follow(view, watcher, _Lines(unit))
    except KeyboardInterrupt:
        return  # who looks leaves; the run goes on
    finally:
        view.close()


def _follow(view: RunView, watcher: Watcher, display: Any) -> None:
    """Show look after look until the run ends, or is taken away."""
    try:
        while True:
            if not view.folder.database.exists():
                say(f"run {view.id} is gone: its start left nothing, or it was removed", err=True)
                return
            look = watcher.look(time.monotonic())
            display.show(look)
            if look.state != "running":
                return
            time.sleep(LOOK_SECONDS)
    finally:
        display.end()


def _how_to_go_on(look: Look) -> list[str]:
    """Return what can be done with a run as it is; nothing of one that goes on."""
    if look.state == "running":
        return []
    from heliostat.cli.long_text import shortened

    if look.state == "finished":
        ended = f"run {look.run} is finished"
        return [ended, f"look at it with: {next_command('show', look.run)}"]
    whole = next_command("show", look.run, "--json")
    error = [f"error: {shortened(look.error, whole)}"] if look.error else []
    told = [f"run {look.run} is {look.state}", f"go on with: {next_command('resume', look.run)}"]
    return [*(line for text in error for line in text.split("\n")), *told]


class _Picture:
    """A picture in place, on a terminal."""

    def __init__(self, watcher: Watcher) -> None:
        from rich.console import Console
        from rich.live import Live

        self._watcher = watcher
        self._console = Console()
        self._live = Live(console=self._console, refresh_per_second=4, transient=False)
        self._live.start()
        self._look: Look | None = None

    def show(self, look: Look) -> None:
        self._look = look
        self._live.update(self._watcher.drawn(look, self._console.width))

    def end(self) -> None:
        self._live.stop()
        if self._look is not None:
            say(*_how_to_go_on(self._look))


class _Lines:
    """A line when there is something to say, as a run's own start says it."""

    def __init__(self, unit: str) -> None:
        from heliostat.cli.progress_lines import Lines

        self._unit = unit
        self._lines = Lines()
        self._seen: dict[Any, tuple[int, str]] = {}
        self._look: Look | None = None

    def show(self, look: Look) -> None:
        from heliostat.cli.progress_lines import line

        now = time.monotonic()
        if self._look is None:
            say(*look.heading())
        self._look = look
        for scope, pace in look.searches.items():
            news = pace.reports, pace.phase
            if self._seen.get(scope) != news:
                self._seen[scope] = news
                if self._lines.due(scope, pace, now):
                    say(line(scope, pace, self._unit, None, look.failures))
        if self._lines.silent_for_long(now):
            say(line((), look.searches.get(()) or _nothing(), self._unit, None, look.failures,
                     look.tasks))  # fmt: skip

    def end(self) -> None:
        if self._look is not None:
            say(*_how_to_go_on(self._look))


def _nothing() -> Any:
    from heliostat.store.pace import Pace

    return Pace(0.0)


class _Objects:
    """A JSON object a line, when something is another than before."""

    def __init__(self) -> None:
        self._last: dict[str, Any] = {}

    def show(self, look: Look) -> None:
        plain = look.plain()
        lasting = {**plain, "seconds": None}
        if lasting != self._last:
            self._last = lasting
            print_json_line(plain)

    def end(self) -> None:
        """Nothing to take down."""
