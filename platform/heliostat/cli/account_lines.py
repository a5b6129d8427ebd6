"""What `heliostat show` says of a run, a label and its text on each line."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from heliostat.amounts import size, took
from heliostat.cli.asking_again import asking_again
from heliostat.cli.long_text import shortened
from heliostat.cli.runs_table import best_text, moment, step_text, tags_text, tasks_text
from heliostat.cli.searches_table import SearchesTable, cut
from heliostat.contract.commands import next_command
from heliostat.errors import key_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from heliostat.store.view import RunView
    from heliostat.values.outcome import Failure

WIDTH = 10
"""Columns of a label."""
MOST_FAILURES = 5
"""Failures that are told; the report has more."""
LONGEST_FAILURE = 160


def labelled(label: str, text: str) -> list[str]:
    """Return the lines of a text behind its label."""
    first, *rest = text.split("\n")
    return [f"{label:<{WIDTH}}{first}".rstrip(), *rest]


def account_lines(view: RunView, account: Mapping[str, Any]) -> list[str]:
    """Return what is known of a run beside its configuration and its result."""
    from heliostat.values.outcome import counted

    unfinished = account["state"] != "finished"
    step, best = step_text(account), best_text(account["best"], most=4)
    told = [
        ("run", account["run"]),
        ("name", account["name"]),
        ("note", account["note"]),
        ("tags", tags_text(account["tags"])),
        ("method", account["method"]),
        ("on", account["on"]),
        ("state", account["state"]),
        ("phase", account["phase"] if unfinished else ""),
        ("step", step),
        ("best", best),
        ("seed", str(account["seed"])),
        ("digest", account["digest"] or "none: not finished"),
        ("tasks", tasks_text(account)),
        ("failures", str(account["failures"])),
        ("command", account["command"]),
        ("begun", moment(view.created, "%Y-%m-%d %H:%M:%S")),
        ("took" if account["state"] != "running" else "so far",
         took(account["seconds"], account["state"])),
        ("size", size(account["bytes"])),
        ("machine", asking_again(account["machine_failures"], view.id)
                    if account["machine_failures"] else ""),
        ("retried", counted(view.about.retried)),
        ("numerics", view.about.numerics or "not recorded"),
        *(("label", label) for label in view.labels),
        ("error", shortened(view.error, next_command("show", view.id, "--json"))),
        *(("failed", text) for text in _failed(view)),
        *(("product", f"{one['unique_name']} ({one['kind']}, {one['bytes']} bytes)")
          for one in account["products"]),
    ]  # fmt: skip
    return [line for label, text in told if text for line in labelled(label, _below(text))]


def _below(text: str) -> str:
    """Return a text whose further lines stand in, so that none of them looks like a label."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(f"  {line}" if line[:1].strip() else line for line in rest)])


def _failed(view: RunView) -> list[str]:
    """Return what failed first, and the command that shows the rest of it."""
    rows = view.failures()
    shown = [
        cut(f"{key_text(row.key)}  {row.failure.kind}: {_first_line(row.failure.message)}",
            LONGEST_FAILURE)
        for row in rows[:MOST_FAILURES]
        if row.failure is not None
    ]  # fmt: skip
    if rows:
        more = f"{len(rows) - len(shown)} more; " if len(rows) > len(shown) else ""
        shown.append(f"{more}whole: {next_command('show', view.id, key_text(rows[0].key))}")
    return shown


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0]


def failure_lines(failure: Failure) -> list[str]:
    """Return a failure with its message and traceback as they were, line by line."""
    lines = labelled("failure", failure.kind)
    if failure.message:
        lines += labelled("message", failure.message)
    return lines + failure.traceback.rstrip("\n").split("\n") if failure.traceback else lines


def searches_lines(view: RunView) -> list[str]:
    """Return how the searches of a run have gone, as a table."""
    searches = view.paces()
    if not any(pace.reports or pace.phase for pace in searches.values()):
        return []
    width = shutil.get_terminal_size().columns
    table = SearchesTable(unit_of(view.method)).drawn(searches, 0, width, None)
    return ["", *rendered(table, width), ""]


def unit_of(method: str) -> str:
    """Return what a method's searches count; of one that is not here, items."""
    from heliostat.errors import PluginError
    from heliostat.plugins.registry import registry

    try:
        return registry().method(method).unit
    except PluginError:
        return "items"


def rendered(drawn: RenderableType, width: int) -> list[str]:
    """Return what would be drawn on a terminal of that width, as lines."""
    import io

    from rich.console import Console

    text = io.StringIO()
    Console(file=text, width=width, color_system=None).print(drawn)
    return [line.rstrip() for line in text.getvalue().splitlines()]
