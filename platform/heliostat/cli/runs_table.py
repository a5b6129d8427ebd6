"""The list of runs: which are chosen, in what order, and the columns a terminal has room for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan
from typing import Any

from heliostat.amounts import size, took
from heliostat.cli.progress_table import GAP, Column, Columns
from heliostat.cli.searches_table import cut
from heliostat.errors import ConfigError, did_you_mean
from heliostat.terminal import printable

Line = Mapping[str, Any]
"""A run as `RunView.row` tells it."""

STATES = ("running", "finished", "failed", "interrupted", "paused", "stopped", "damaged")
LONGEST_CELL = 28
LONGEST_NAME = 40
LEAST = ("seed", "digest", "folder")
"""Characters of what people and methods may word as they like."""


def _distance(run: Line) -> float:
    """Return the first result so that less is better; nan without one."""
    goal, value = next(iter(run["best"].items()), ("", nan))
    return -value if run.get("goals", {}).get(goal) == "max" else value


_ORDER: dict[str, Callable[[Line], Any]] = {
    "begin": lambda run: run["created"],
    "duration": lambda run: run["seconds"],
    "size": lambda run: run["bytes"],
    "tasks": lambda run: run["outcomes"],
    "failures": lambda run: run["failures"],
    "step": lambda run: run["step"] or 0,
    "best": _distance,
    "seed": lambda run: run["seed"] or 0,
    "run": lambda run: run["run"],
    "name": lambda run: run["name"],
    "state": lambda run: run["state"],
    "method": lambda run: run["method"] or "",
    "on": lambda run: run["on"],
}
FIELDS = tuple(_ORDER)
"""What runs may be sorted by."""
_LARGEST_FIRST = ("begin", "duration", "size", "tasks", "failures", "step")


def checked_state(state: str) -> str:
    """Return a state; raises ConfigError naming the nearest one."""
    if state not in STATES:
        raise ConfigError("--state", state, "a state of runs", did_you_mean(state, STATES))
    return state


def checked_sort(field: str) -> str:
    """Return a field to sort by, perhaps with a `-` before it; raises ConfigError."""
    if field.removeprefix("-") not in FIELDS:
        hint = did_you_mean(field.removeprefix("-"), FIELDS)
        raise ConfigError("--sort", field, "a field, or -FIELD for the other order", hint)
    return field


def in_order(runs: Sequence[Line], field: str) -> list[Line]:
    """Return runs by a field: the largest, newest or best first, texts by the alphabet.

    Runs without a best result are last either way.
    """
    name = field.removeprefix("-")
    turned = field.startswith("-") != (name in _LARGEST_FIRST)
    newest = sorted(runs, key=lambda run: (run["created"], run["run"]), reverse=True)
    last = [name == "best" and isnan(_distance(run)) for run in newest]
    known = [run for run, without in zip(newest, last, strict=True) if not without]
    none = [run for run, without in zip(newest, last, strict=True) if without]
    return [*sorted(known, key=_ORDER[name], reverse=turned), *none]


def has_tags(run: Line, tags: Mapping[str, str | None]) -> bool:
    """Return whether a run has all tags; None as a value takes any."""
    mine = run["tags"]
    return all(key in mine and value in (None, mine[key]) for key, value in tags.items())


def read_tags(texts: Sequence[str]) -> dict[str, str | None]:
    """Return {key: value} of texts KEY=VALUE, None as the value of a text KEY."""
    found: dict[str, str | None] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key:
            raise ConfigError("--tag", text, "KEY or KEY=VALUE")
        found[key] = value if equals else None
    return found


def lines(runs: Sequence[Line], width: int | None) -> list[str]:
    """Return a heading and a line for each run, in the columns that fit; all without a width."""
    columns = _columns(runs)
    shown = columns if width is None else _fitting(columns, width)
    wide = [max(len(column.head), column.width) for column in shown]
    rows = [[column.head for column in shown], *zip(*(c.cells for c in shown), strict=True)]
    gap = " " * GAP
    return [
        gap.join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows
    ]


def best_text(best: Mapping[str, float], most: int = 1) -> str:
    """Return the first results by name."""
    first = list(best.items())[:most]
    return ", ".join(
        f"{value:.4g}" if name == "best" else f"{name} {value:.4g}" for name, value in first
    )


def step_text(run: Line) -> str:
    """Return step and last step, as far as they are known."""
    if not run["step"] and not run["of"]:
        return ""
    return f"{run['step']}/{run['of']}" if run["of"] else f"{run['step']}"


def tags_text(tags: Mapping[str, str]) -> str:
    """Return tags as they were given."""
    return ", ".join(f"{key}={value}" if value else key for key, value in tags.items())


def moment(seconds: float, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return a time in local time; nothing for none."""
    return time.strftime(form, time.localtime(seconds)) if seconds else ""


def tasks_text(run: Line) -> str:
    """Return the number of tasks, with what is stored where that differs."""
    count, stored = run["outcomes"], run["stored"]
    return f"{count}" if count == stored else f"{count} ({stored} stored)"


def _fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """Return the columns that fit; what matters least only where nothing else is left out."""
    shown = Columns().fitting(columns, width)
    whole = all(column in shown for column in columns if column.head not in LEAST)
    return [column for column in shown if whole or column.head not in LEAST]


def _columns(runs: Sequence[Line]) -> list[Column]:
    """Return what could be shown, most important first; what no run has is left out."""
    cells: dict[str, Callable[[Line], str]] = {
        "run": lambda run: cut(run["name"] or run["run"], LONGEST_NAME),
        "state": lambda run: run["state"],
        "step": step_text,
        "best": lambda run: cut(best_text(run["best"]), LONGEST_CELL),
        "on": lambda run: cut(run["on"], LONGEST_CELL),
        "begin": lambda run: moment(run["created"]),
        "duration": lambda run: took(run["seconds"], run["state"]) if run["created"] else "",
        "method": lambda run: run["method"] or "",
        "tags": lambda run: cut(tags_text(run["tags"]), LONGEST_CELL),
        "phase": lambda run: cut(run["phase"], LONGEST_CELL) if run["state"] == "running" else "",
        "tasks": tasks_text,
        "failed": lambda run: str(run["failures"] or ""),
        "size": lambda run: size(run["bytes"]) if run["bytes"] else "",
        "seed": lambda run: "" if run["seed"] is None else str(run["seed"]),
        "digest": lambda run: (run["digest"] or "")[:12],
        "folder": lambda run: run["run"] if run["name"] else "",
    }
    columns = [Column(head, [printable(cell(run)) for run in runs]) for head, cell in cells.items()]
    return [column for column in columns if any(column.cells)]
