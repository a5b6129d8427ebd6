"""How well the table of block latencies says what networks take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliostat.report import Plot, Section, Series, Text


def latency_section(result: Mapping[str, Any]) -> list[Section]:
    """Return predicted against measured latency; nothing where there is no table."""
    timed = [one for one in result["front"]
             if one["measured"] is not None and "latency" in one["costs"]]  # fmt: skip
    if not timed and result["latency_error"] is None:
        return []
    content: list[Plot | Text] = [_plot(timed)] if timed else []
    if result["latency_error"] is not None:
        content.append(Text(
            f"The table is off by {100 * result['latency_error']:.1f} % on average over networks "
            "that were timed whole. It holds for the machine, threads and batch that it was "
            "measured with, and says nothing of another device."
        ))  # fmt: skip
    return [Section("Latency", content)]


def _plot(timed: list[Mapping[str, Any]]) -> Plot:
    predicted = [1e6 * one["costs"]["latency"] for one in timed]
    measured = [1e6 * one["measured"] for one in timed]
    ends = [min(*predicted, *measured), max(*predicted, *measured)]
    return Plot(
        "Latency by the table against measured", "by the table, us", "measured, us",
        [Series("networks", predicted, measured, style="points"), Series("equal", ends, ends)],
        note="Points above the line take longer than the table says.",
    )  # fmt: skip
