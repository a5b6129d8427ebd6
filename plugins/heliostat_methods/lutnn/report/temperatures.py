"""How temperatures moved while networks were fine-tuned: a picture a variant."""

from __future__ import annotations

from heliostat.report import Plot, Section, Series, Text
from heliostat_search.trainings.numbers import Plain, drawable

_MEANT = (
    "A low temperature makes a soft choice nearly the hard one that inference makes; a high one "
    "lets far centroids learn too. Where a temperature rises, training asked for softer choices."
)


def temperatures(outcome: Plain) -> list[Section]:
    """Return the courses of temperatures that moved; nothing where none did."""
    moving = [
        one
        for one in outcome["variants"]
        if any(len(set(row["mean"])) > 1 for row in one["temperatures"])
    ]
    if not moving:
        return []
    plots = [_plot(one, outcome["seeds"] > 1) for one in moving]
    return [Section("Temperatures", [*plots, Text(_MEANT)])]


def _plot(one: Plain, several: bool) -> Plot:
    series = []
    for row in one["temperatures"]:
        mean, low, high = (drawable(row[name]) for name in ("mean", "low", "high"))
        layer = f"layer {row['layer']}"
        series.append(
            Series(layer, row["steps"], mean, low, high) if several
            else Series(layer, row["steps"], mean)
        )  # fmt: skip
    over = "Means over trainings, with their range." if several else "One training."
    return Plot(
        f"Temperature of {one['label']}", "step of fine-tuning", "temperature t", series,
        log_y=True, note=over,
    )  # fmt: skip
