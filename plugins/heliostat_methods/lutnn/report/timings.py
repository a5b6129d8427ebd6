"""What networks and layers took on the machine that ran: measured there, no part of the result."""

from __future__ import annotations

import math

from heliostat.contract import RunView
from heliostat.report import Section, Table, Text

_ALIKE = 0.05
"""Times are noisier than that."""
_NOTE = (
    "Least CPU time of interleaved calls on one thread, from Python, of the machine that ran; no "
    "part of the digest. int8 is torch's dynamic quantisation of linear layers. Small layers take "
    "the time of a call rather than arithmetic, so a small network gets slower; the page of the "
    "method has the shapes at which lookups pay."
)


def timings(view: RunView) -> list[Section]:
    """Return the table of times; nothing where none were taken."""
    found = [timings for _, _, timings in view.found("lutnn.time")]
    if not found:
        return []
    last = found[-1]
    rows = [
        [
            row.what or "the network", f"{row.batch}", _us(row.dense), _us(row.int8),
            _us(row.lookup), _us(row.lookup_int8), f"{row.dense / row.lookup:.2f}",
        ]
        for row in last.rows
    ]  # fmt: skip
    head = ["what", "batch", "dense", "int8", "lookup", "int8 search", "dense / lookup"]
    table = Table(head, rows, f"Microseconds. {last.backend}.")
    return [Section("Time on this machine", [table, Text(_whole(last)), Text(_NOTE)])]


def _whole(last: object) -> str:
    from heliostat_methods.lutnn.timing import WHOLE, Timings

    assert isinstance(last, Timings)
    told = []
    for row in last.rows:
        if row.what == WHOLE:
            told.append(f"{_beside(row.dense / row.lookup)} for a batch of {row.batch}")
    return f"The whole network by table lookup was {' and '.join(told)}."


def _beside(ratio: float) -> str:
    if abs(ratio - 1) < _ALIKE:
        return "as fast as dense"
    return (
        f"{ratio:.1f} times faster than dense" if ratio > 1
        else f"{1 / ratio:.1f} times slower than dense"
    )  # fmt: skip


def _us(value: float) -> str:
    return "-" if not math.isfinite(value) else f"{value:,.0f}"
