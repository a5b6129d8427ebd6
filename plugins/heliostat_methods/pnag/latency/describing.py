"""A latency table in words and numbers, for a terminal and for a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliostat_methods.pnag.cost.latency_table import LatencyTable, read_table

WIDTH = 79


def setting_text(table: LatencyTable) -> str:
    """Return how networks were called."""
    setting, shape = table.setting, table.layout.input_shape
    return (
        f"images of {' x '.join(map(str, shape))}, batch {setting.batch}, {setting.threads} "
        f"thread{'s' * (setting.threads != 1)}, {setting.dtype}"
    )


def agreement_text(value: Mapping[str, Any]) -> str:
    """Return one sentence on how well sums of blocks say what networks take."""
    found = value["agreement"]
    rank = "undefined" if found["kendall"] is None else f"{found['kendall']:.3f}"
    line = "undefined" if found["pearson"] is None else f"{found['pearson']:.3f}"
    return (
        f"Sums of blocks are {found['ratio']:.3f} of the time of {found['count']} whole networks "
        f"on average; Pearson {line}, Kendall tau {rank}, error {found['error']:.1%} after one "
        "scale factor."
    )


def rounds_text(value: Mapping[str, Any]) -> str:
    """Return what became of the rounds, and why the times may be off."""
    kept, rejected, noisy = value["kept"], value["rejected"], value["table"]["noisy"]
    told = f"{kept} round{'s' * (kept != 1)} counted, {rejected} rejected."
    return f"{told} Noisy: {noisy}." if noisy else told


def microseconds(seconds: float) -> str:
    """Return a time in microseconds, four digits of it."""
    return f"{seconds * 1e6:,.4g}" if seconds < 1e-2 else f"{seconds * 1e6:,.0f}"


def table_lines(value: Mapping[str, Any]) -> list[str]:
    """Return the table as a terminal shows it."""
    table = read_table(value["table"])
    head = f"{'unit':>4} {'channels':>10} {'input':>9} {'stride':>6} {'kernel':>7} {'expand':>6}"
    lines = [f"{head} {'median us':>11} {'IQR us':>9}"]
    for key, time in table.entries.items():
        channels = f"{key.channels_in}->{key.channels_out}"
        size = "x".join(map(str, key.resolution))
        lines.append(
            f"{key.unit:>4} {channels:>10} {size:>9} {key.stride:>6} {key.kernel!s:>7} "
            f"{key.expand:>6} {microseconds(time.median):>11} {microseconds(time.iqr):>9}"
        )
    fixed = microseconds(table.fixed.median), microseconds(table.fixed.iqr)
    lines.append(f"{'stem and head':<47} {fixed[0]:>11} {fixed[1]:>9}")
    return lines
