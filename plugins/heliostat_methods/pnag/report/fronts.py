"""The front: against what searchers evaluated, its networks drawn, and in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliostat.report import Picture, Plot, Section, Series, Table, Text
from heliostat_methods.pnag.report.blocks import blocks_of
from heliostat_methods.pnag.report.drawing import Units, drawn
from heliostat_methods.pnag.report.graph_words import graph_words
from heliostat_methods.pnag.report.units import bare, cost_text, head, percent
from heliostat_methods.pnag.report.wording import (
    SELECTED,
    data_text,
    evenly,
    front_text,
    is_whole,
    trained,
)

DRAWN = 10
"""Networks of the front that are drawn."""
WIDEST = 200
"""Most blocks of a network that is drawn."""


def front_section(result: Mapping[str, Any]) -> Section:
    """Return pictures of the front, its sentence and its table."""
    content: list[Plot | Picture | Table | Text] = [
        _plot(result), Text(result["sentence"], strong=True), Text(f"{data_text(result)}"),
        Text(front_text(result)), *_drawings(result), _table(result),
    ]  # fmt: skip
    if trained(result):
        content.append(Text(SELECTED))
    content += [Text(text) for text in result["remarks"]]
    return Section("The front", content)


def _plot(result: Mapping[str, Any]) -> Plot:
    quantity, front = result["quantity"], result["front"]
    costs = [_in_unit(quantity, one["costs"][quantity]) for one in front]
    label = "front of the whole space" if is_whole(result) else "front of all evaluated"
    series = [Series(label, costs, [one["accuracy"] for one in front], style="step")]
    if result["truth"] and not is_whole(result):
        truth = result["truth"]
        series.append(Series("front of the whole space",
                             [_in_unit(quantity, cost) for cost, _ in truth],
                             [accuracy for _, accuracy in truth], style="step"))  # fmt: skip
    seen = [_seen(quantity, one) for one in result["contestants"] if one["seen_costs"]]
    series += seen
    tested = [one for one in front if one["test"] is not None]
    if tested:
        series.append(Series("the front on test images",
                             [_in_unit(quantity, one["costs"][quantity]) for one in tested],
                             [one["test"] for one in tested], style="points"))  # fmt: skip
    return Plot(
        "Accuracy for cost", _axis(quantity), "accuracy on validation data", series, log_x=True,
        note="To the upper left is better. A step is the best accuracy for no more than so much."
        + (" Points are what a searcher evaluated in its first search." if seen else ""),
    )  # fmt: skip


def _seen(quantity: str, one: Mapping[str, Any]) -> Series:
    costs = [_in_unit(quantity, cost) for cost in one["seen_costs"]]
    return Series(one["name"], costs, one["seen_accuracies"], style="points")


def _axis(quantity: str) -> str:
    return "latency, us" if quantity == "latency" else head(quantity)


def _in_unit(quantity: str, cost: float) -> float:
    return 1e6 * cost if quantity == "latency" else cost


def _drawings(result: Mapping[str, Any]) -> list[Picture]:
    """Return the picture of networks that are rows of blocks; none for other spaces."""
    quantity = result["quantity"]
    found: list[tuple[str, Units]] = []
    for one in result["front"]:
        units = blocks_of(one["text"])
        if units is not None and sum(map(len, units)) <= WIDEST:
            label = f"{cost_text(quantity, one['costs'][quantity])}, {percent(one['accuracy'])}"
            found.append((label, units))
    if not found:
        return []
    shown = evenly(found, DRAWN)
    part = f" {len(shown)} of {len(found)} networks, evenly." if len(shown) < len(found) else ""
    return [Picture(
        "Networks of the front, drawn", drawn(shown),
        note="Input at the left; a block is as wide as its expand ratio and as tall as its kernel, "
        f"and gaps part units.{part} What wide blocks and large kernels cost is in the numbers "
        "above; which of them help is not told by a few networks.",
    )]  # fmt: skip


def _table(result: Mapping[str, Any]) -> Table:
    names = sorted({name for one in result["front"] for name in one["costs"]})
    timed = any(one["measured"] is not None for one in result["front"])
    heads = ["architecture", *map(_cost_head, names), *(["measured, us"] if timed else []),
             "validation", "test"]  # fmt: skip
    rows = [
        [
            graph_words(result["space"], one["text"]).removeprefix("nodes: ") or one["text"],
            *(_cost(name, one["costs"].get(name)) for name in names),
            *([_cost("latency", one["measured"])] if timed else []),
            one["accuracy"],
            one["test"],
        ]
        for one in result["front"]
    ]
    cheapest = bare(result["quantity"], result["front"][0]["costs"][result["quantity"]])
    return Table(heads, rows, f"Networks of the front by rising cost, from {cheapest} on.")


def _cost_head(quantity: str) -> str:
    return "latency, us" if quantity == "latency" else head(quantity)


def _cost(quantity: str, value: float | None) -> float | int | None:
    if value is None:
        return None
    return round(1e6 * value, 1) if quantity == "latency" else round(value)
