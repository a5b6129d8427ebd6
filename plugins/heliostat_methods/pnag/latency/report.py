"""The report of a latency table: sums of blocks against whole networks, then the blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heliostat.contract import RunView
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.pnag.cost.latency_table import read_table
from heliostat_methods.pnag.latency.describing import agreement_text, rounds_text, setting_text
from heliostat_methods.pnag.latency.search import PRODUCT


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the report; of a run under way, what there is of it."""
    if view.result is None:
        return [_so_far(view)]
    value = view.product(PRODUCT)
    return [_networks(value), _blocks(value, view)]


def _so_far(view: RunView) -> Section:
    """Return the networks that were put together, and what they took in the rounds so far."""
    counts = [count for _, _, count in view.found("latency.network")]
    rounds = [readings.least for _, _, readings in view.found("latency.time")]
    content: list[Table | Plot | Text] = []
    if rounds and counts:
        # what a round times: blocks, the shared part, networks; a network's own are the last
        median = np.median(np.stack(rounds)[:, -len(counts) :], axis=0) * 1e6
        madds = [one["madds"] / 1e6 for one in counts]
        points = Series("networks", madds, median.tolist(), style="points")
        note = f"Median over {len(rounds)} rounds, drifting ones among them."
        content.append(Plot("Time and work so far", "multiply-adds, millions",
                            "whole network, microseconds", [points], note=note))  # fmt: skip
    if counts:
        rows = [[at, one["blocks"], one["madds"], one["params"]] for at, one in enumerate(counts)]
        content.append(Table(["network", "blocks", "multiply-adds", "parameters"], rows,
                             "Networks that were drawn and put together."))  # fmt: skip
    text = f"{view.count():,} tasks are done; the table stands here when all are."
    return Section("Rounds so far", [*content, Text(text)])


def _networks(value: Mapping[str, Any]) -> Section:
    networks = value["networks"]
    said = [one["predicted"] * 1e6 for one in networks]
    real = [one["measured"]["median"] * 1e6 for one in networks]
    ends = [min(said + real), max(said + real)]
    half = [one["measured"]["iqr"] * 5e5 for one in networks]
    points = Series(
        "networks", said, real,
        [y - h for y, h in zip(real, half, strict=True)],
        [y + h for y, h in zip(real, half, strict=True)],
        style="points",
    )  # fmt: skip
    plot = Plot(
        "Predicted and measured",
        "sum of blocks, microseconds",
        "whole network, microseconds",
        [points, Series("equal", ends, ends)],
        note="Points on one line through zero: sums rank networks as they are. Bars are half the "
        "interquartile range over rounds on either side.",
    )
    by_work = Plot(
        "Time and work",
        "multiply-adds, millions",
        "whole network, microseconds",
        [Series("networks", [one["madds"] / 1e6 for one in networks], real, style="points")],
        note="Where time does not grow with work, calls take it rather than arithmetic: latency "
        "is then little more than depth, and a larger batch or image says more.",
    )
    texts = [
        Text(agreement_text(value)),
        Text(rounds_text(value), strong=bool(value["table"]["noisy"])),
    ]
    return Section("Table against whole networks", [plot, *texts, by_work])


def _blocks(value: Mapping[str, Any], view: RunView) -> Section:
    table = read_table(value["table"])
    heads = ["unit", "channels", "input", "stride", "kernel", "expand", "median us", "IQR us",
             "least us", "rounds"]  # fmt: skip
    rows: list[list[str | int | float | None]] = [
        [
            key.unit, f"{key.channels_in} to {key.channels_out}",
            " x ".join(map(str, key.resolution)), key.stride, str(key.kernel), key.expand,
            round(time.median * 1e6, 2), round(time.iqr * 1e6, 2), round(time.least * 1e6, 2),
            time.count,
        ]
        for key, time in table.entries.items()
    ]  # fmt: skip
    fixed = table.fixed
    rows.append(
        [
            None, "stem and head", None, None, None, None, round(fixed.median * 1e6, 2),
            round(fixed.iqr * 1e6, 2), round(fixed.least * 1e6, 2), fixed.count,
        ]
    )  # fmt: skip
    level = view.about.numerics or "an instruction level that was not recorded"
    about = Text(f"Measured with {setting_text(table)}, at {level}. It holds for this machine.")
    return Section("Blocks", [Table(heads, rows), about])
