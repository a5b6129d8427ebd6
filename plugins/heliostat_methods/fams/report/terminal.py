"""A comparison on subgroups as a terminal shows it at the end of a run, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from heliostat.contract import next_command
from heliostat.terminal import printable
from heliostat_methods.fams.report.wording import (
    BOUNDS,
    HEADS,
    UNBIASED,
    data_text,
    metric_text,
    reservations,
    whole,
)

SHOWN = ("accuracy", "worst_group", "gap", "gap_squared")
CELL = 13
"""Columns of a number with its interval: four of them leave 28 to the estimator's name."""


def describe(result: Mapping[str, Any], run_id: str) -> str:
    """Return what a terminal shows at the end."""
    lines = [*_wrapped(data_text(result)), "", *_table(result), "", *_wrapped(result["sentence"])]
    for text in reservations(result):
        lines += _wrapped(text)
    lines += ["", *_wrapped(UNBIASED), *_wrapped(BOUNDS), ""]
    lines.append(f"pictures: {next_command('report', run_id)}")
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    # what is not printable is longer once it is shown
    return textwrap.wrap(printable(text), 79)


def _table(result: Mapping[str, Any]) -> list[str]:
    names = [one["label"] for one in whole(result)]
    if not names:
        return ["No estimator gave a result."]
    width = max(map(len, ("estimator", *names)))
    lines = [f"{'estimator':<{width}}" + "".join(f"{HEADS[m]:>{CELL}}" for m in SHOWN)]
    for one in whole(result):
        cells = [metric_text(one, metric) for metric in SHOWN]
        lines.append(f"{one['label']:<{width}}" + "".join(f"{cell:>{CELL}}" for cell in cells))
    return lines
