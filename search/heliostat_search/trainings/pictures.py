"""Pictures of trainings compared: the metric by contestant, learning curves, rates tried.

They are read from the plain form of an outcome, as `wording` says.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from heliostat.report import Plot, Series, Table, Text
from heliostat_search.trainings.numbers import (
    Plain,
    drawable,
    half_width,
    interval,
    middle,
    number,
    spread_out,
)
from heliostat_search.trainings.wording import (
    HEADS,
    chosen_rates,
    line_of,
    listed,
    metric_text,
    ways_of,
)

_APART = 0.18
"""How far the ways of a contestant stand apart in the picture, in distances of contestants."""
_FAR = 5.0
"""Times as bad as the usual contestant: beyond it one flattens the picture of the others."""


def metric_picture(
    outcome: Plain, some: Sequence[Plain], ways: Sequence[str], called: str, note: str = ""
) -> list[Plot]:
    """Return the metric of each contestant by way, side by side; far worse ones are named below.

    ``called``: what a contestant is, the x axis. Nothing where no training stayed finite.
    """
    ways = ways_of(some, ways)
    shown, far = _near(some, ways)
    series = [_points(shown, way, _APART * (at - (len(ways) - 1) / 2)) for at, way in
              enumerate(ways)]  # fmt: skip
    if not any(one.x for one in series):
        return []
    told = [note] if note else []
    if outcome["seeds"] > 1:
        told.append(
            f"Bars are 95 % intervals over paired trainings; whether two {called}s differ is in "
            "the table of differences, which pairs them by seed."
        )
    if far:
        named = [f"{one['label']} ({interval(line_of(one, ways[0]))})" for one in far]
        told.append(f"Left out, since far worse: {listed(named)}.")
    if not told:
        told.append("One training of each, so there are no intervals.")
    return [
        Plot(
            f"Test {metric_text(outcome)}, lower is better", called, metric_text(outcome),
            series, categories=[one["label"] for one in shown], note=" ".join(told),
        )
    ]  # fmt: skip


def _near(some: Sequence[Plain], ways: Sequence[str]) -> tuple[list[Plain], list[Plain]]:
    """Return the contestants that fit one picture, and those that would flatten the others."""
    worst = [_worst(one, ways) for one in some]
    finite = [value for value in worst if math.isfinite(value)]
    limit = (_FAR * statistics.median_low(finite) if finite else 0.0) or math.inf
    pairs = list(zip(some, worst, strict=True))
    return [one for one, value in pairs if value <= limit], [
        one for one, value in pairs if value > limit
    ]


def _worst(one: Plain, ways: Sequence[str]) -> float:
    """Return the greatest mean of a contestant, infinite where it has none."""
    lines = [line for way in ways if (line := line_of(one, way)) is not None]
    means = [mean for line in lines if (mean := middle(line)) is not None]
    return max(means, default=math.inf)


def _points(shown: Sequence[Plain], way: str, shift: float) -> Series:
    """Return a way's means with their intervals, each beside its contestant's place."""
    x, y, low, high = [], [], [], []
    for place, one in enumerate(shown):
        line = line_of(one, way)
        mean = None if line is None else middle(line)
        if line is not None and mean is not None:
            half = half_width(line) or 0.0
            x.append(place + shift)
            y.append(mean)
            low.append(mean - half)
            high.append(mean + half)
    if low == high:
        return Series(HEADS[way], x, y, style="points")
    return Series(HEADS[way], x, y, low, high, style="points")


def learning_curve(
    label: str, curve: Mapping[str, Sequence[float | None]], banded: bool,
    x: Callable[[float], float] = float,
) -> Series:  # fmt: skip
    """Return one curve with its band; ``curve`` has steps, mean, low and high.

    ``x`` says where on the axis a step lies.
    """
    at = [x(step) for step in curve["steps"] if step is not None]
    mean, low, high = (drawable(curve[name]) for name in ("mean", "low", "high"))
    if not banded or len({len(column) for column in (at, low, high)}) > 1:
        return Series(label, at, mean)
    return Series(label, at, mean, low, high)


def rates_tried(outcome: Plain, tried: Sequence[Plain], called: str) -> list[Plot | Table | Text]:
    """Return picture, table and choice of the rates of contestants that have ``tried`` some."""
    metric = metric_text(outcome)
    rows = [
        [one["label"], f"{rate:.3g}", number(end), number(best)]
        for one in tried
        for rate, end, best in sorted(one["tried"])
    ]
    series = []
    for one in tried:
        columns = list(zip(*sorted(one["tried"]), strict=True))
        series.append(Series(one["label"], drawable(columns[0]), drawable(columns[1])))
    seen = [value for one in series for value in one.y]
    plot = Plot(
        f"Validation {metric} after all steps, by rate", "learning rate", metric, series,
        log_x=True, log_y=spread_out(seen),
        note="A best rate is known where a curve rises on both sides of its lowest point.",
    )  # fmt: skip
    caption = (
        f"Mean validation {metric} of {outcome['rate_seeds']} trainings, after all steps and at "
        'the best moment; "-" where one was not finite.'
    )
    chosen = "; ".join(f"{one['label']} {chosen_rates(one)}" for one in tried)
    head = [called, "rate", "after all steps", "at best"]
    return [plot, Table(head, rows, caption), Text(f"Chosen, by way where they differ: {chosen}.")]
