"""A comparison as a terminal shows it at the end of a run, in 80 columns."""

from __future__ import annotations

import textwrap

from heliostat.contract import next_command
from heliostat.terminal import printable
from heliostat_methods.adalfl.report.numbers import Plain, interval
from heliostat_methods.adalfl.report.wording import (
    HEADS,
    bounds_text,
    data_text,
    line_of,
    reservations,
)

WIDTH = 79
SHOWN = ("equal_steps", "equal_cost", "at_best")
LEAST_NAME = 12
"""Columns of a name that are always left to it."""


def describe(result: Plain, run_id: str) -> str:
    """Return what a terminal shows at the end."""
    lines = [*_wrapped(data_text(result)), "", *_table(result), "", *_wrapped(result["sentence"])]
    for text in reservations(result):
        lines += _wrapped(text)
    lines += ["", *_wrapped(bounds_text(result))]
    lines.append(f"pictures: {next_command('report', run_id)}")
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    # what is not printable is longer once it is shown
    return textwrap.wrap(printable(text), WIDTH)


def _table(result: Plain) -> list[str]:
    names = ["contestant", *(printable(one["label"]) for one in result["contestants"])]
    rows = [[HEADS[way] for way in SHOWN]]
    rows += [[interval(line_of(one, way)) for way in SHOWN] for one in result["contestants"]]
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    wide = max(LEAST_NAME, min(max(map(len, names)), WIDTH - sum(widths)))
    return [
        f"{_cut(name, wide):<{wide}}"
        + "".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for name, row in zip(names, rows, strict=True)
    ]


def _cut(name: str, wide: int) -> str:
    """Return a name that fits; those of a sweep differ at their ends."""
    if len(name) <= wide:
        return name
    head = (wide - 1) // 2
    return f"{name[:head]}\u2026{name[len(name) - (wide - 1 - head) :]}"
