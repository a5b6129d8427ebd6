"""Effective receptive fields at the end of training: maps, radii, and the radius of masks alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from heliostat.report import Folded, HeatMap, Section, Table, Text
from heliostat_search.trainings.numbers import Plain, number

_SHOWN = 3
"""Layers whose maps stand open; those of deeper networks are folded away."""
_READ = (
    "Radius is the root of the summed variances of the map along both axes, in input places; area "
    "the share of places above 4.55 % of the maximum; fit the share of the map that a Gaussian "
    "explains. The analytic radius is that of the masks alone: it holds for equal weights without "
    "non-linearities, on an image without borders. Weights are not equal and fields are cut by the "
    "border of small images, so compare it between variants rather than with what is measured."
)


def receptive_fields(outcome: Plain) -> list[Section]:
    """Return maps of the first variant and of the static one, and a table of all."""
    some = [one for one in outcome["variants"] if one["fields"]]
    if not some:
        return []
    rows = [_row(one, field) for one in some for field in one["fields"]]
    head = ["variant", "layer", "radius", "deviation", "analytic", "area", "fit", "trainings"]
    caption = (
        "Effective receptive fields, means over the trainings that have one, as many as the last "
        "column says; deviation is over them."
    )
    return [
        Section(
            "Receptive fields",
            [*_maps(some), Table(head, rows, caption), Text(_compared(some)), Text(_READ)],
        )
    ]


def _row(one: Plain, field: Plain) -> list[str | int | float | None]:
    return [
        one["label"], field["layer"], number(field["radius"]), number(field["deviation"]),
        number(field["predicted"]), f"{100 * field['area']:.0f} %", f"{field['fit']:.2f}",
        field["trainings"],
    ]  # fmt: skip


def _maps(some: Sequence[Plain]) -> list[HeatMap | Folded]:
    first = some[0]
    static = next((one for one in some[1:] if one["kind"] == "static"), None)
    drawn = [first, *([static] if static else some[1:2])]
    count = len(first["fields"])
    open_ = {0, count // 2, count - 1} if count > _SHOWN else set(range(count))
    shown = [_map(one, place) for place in sorted(open_) for one in drawn
             if place < len(one["fields"])]  # fmt: skip
    folded = [_map(one, place) for place in range(count) if place not in open_ for one in drawn
              if place < len(one["fields"])]  # fmt: skip
    return [*shown, *([Folded("Maps of the layers between", folded)] if folded else [])]


def _map(one: Plain, place: int) -> HeatMap:
    field = one["fields"][place]
    values, scale = field["map"], field["scale"]
    tall, wide = len(values), len(values[0])
    of = f" Each cell stands for {scale} x {scale} places." if scale > 1 else ""
    # Shades of a map say its shape; the first row of an image is its top.
    return HeatMap(
        f"Layer {field['layer']}, {one['label']}", "column of the input", "row of the input",
        [scale * x for x in range(wide)], [scale * y for y in reversed(range(tall))],
        list(reversed(values)),
        note="Share of each input place in what moves the layer's centre, first training. "
        f"Compare how far the shades reach.{of}",
    )  # fmt: skip


def _compared(some: Sequence[Plain]) -> str:
    """Return the last layer's radius in each variant, beside the first one's."""
    first, *others = some
    last = first["fields"][-1]
    told = [
        f"{one['label']} {number(field['radius'])} ({_percent(field['radius'], last['radius'])})"
        for one in others
        if (field := one["fields"][-1])["layer"] == last["layer"]
    ]
    said = f"In layer {last['layer']} the radius is {number(last['radius'])} with {first['label']}"
    return f"{said}; {', '.join(told)}." if told else f"{said}."


def _percent(radius: float, first: float) -> str:
    if not first > 0 or not math.isfinite(radius):
        return "-"
    return f"{100 * (radius / first - 1):+.1f} %"
