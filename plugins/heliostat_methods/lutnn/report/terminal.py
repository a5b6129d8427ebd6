"""A comparison as a terminal shows it at the end of a run, in 80 columns."""

from __future__ import annotations

import textwrap

from heliostat.contract import next_command
from heliostat.terminal import printable
from heliostat_methods.lutnn.report.wording import (
    CALLED,
    SHOWN,
    reservations,
    size_text,
    steps_text,
)
from heliostat_search.trainings.numbers import Plain
from heliostat_search.trainings.tables import WIDTH, terminal_table
from heliostat_search.trainings.wording import bounds_text, data_text

_SIZES = 9
"""Columns of how much smaller a network is."""


def describe(result: Plain, run_id: str) -> str:
    """Return what a terminal shows at the end."""
    table = terminal_table(result["variants"], SHOWN, CALLED, WIDTH - _SIZES)
    sizes = ["smaller", *(f"{v['dense_bytes'] / v['bytes']:.2f}" for v in result["variants"])]
    lines = [*_wrapped(f"{data_text(result)} {steps_text(result)}"), ""]
    lines += [f"{row}{size:>{_SIZES}}" for row, size in zip(table, sizes, strict=True)]
    lines += ["", *_wrapped(result["sentence"]), *_wrapped(size_text(result))]
    for text in reservations(result):
        lines += _wrapped(text)
    lines += ["", *_wrapped(bounds_text(result))]
    lines.append(f"pictures: {next_command('report', run_id)}")
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    # what is not printable is longer once it is shown
    return textwrap.wrap(printable(text), WIDTH)
