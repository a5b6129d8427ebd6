"""A comparison of losses as a report: what may be concluded first, with its picture."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from heliostat.contract import RunView
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.adalfl.comparison.outcome import WAYS
from heliostat_methods.adalfl.report.beginnings import beginnings
from heliostat_methods.adalfl.report.costs import costs
from heliostat_methods.adalfl.report.implicit_rate import implicit_rate
from heliostat_methods.adalfl.report.learning_curves import learning_curves
from heliostat_methods.adalfl.report.loss_shapes import loss_shapes
from heliostat_methods.adalfl.report.numbers import (
    Plain,
    half_width,
    interval,
    middle,
    signed,
)
from heliostat_methods.adalfl.report.progress import so_far
from heliostat_methods.adalfl.report.rates import rates
from heliostat_methods.adalfl.report.wording import (
    HEADS,
    VERDICTS,
    WHEN,
    bounds_text,
    chosen_rates,
    data_text,
    line_of,
    listed,
    metric_text,
    reservations,
    ways_of,
)

_DRAWN = ("equal_steps", "equal_cost", "at_best")
_APART = 0.18
"""How far the ways of a contestant stand apart in the picture, in distances of contestants."""
_FAR = 5.0
"""Times as bad as the usual contestant: beyond it one flattens the picture of the others."""


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the report; of what there is so far of a run that goes on."""
    outcome = view.result
    if outcome is None:
        return so_far(view)
    return [
        _came_out(outcome),
        *learning_curves(outcome),
        *loss_shapes(outcome),
        *implicit_rate(outcome),
        *beginnings(outcome),
        *rates(outcome),
    ]


def _came_out(outcome: Plain) -> Section:
    return Section(
        "What came out",
        [
            Text(outcome["sentence"], strong=True),
            *_picture(outcome),
            Text(data_text(outcome)),
            *_means(outcome),
            *_differences(outcome),
            *costs(outcome),
            *(Text(text) for text in reservations(outcome)),
        ],
    )


def _picture(outcome: Plain) -> list[Plot]:
    """Return the metric of each contestant by way, side by side; far worse ones are named below."""
    ways = [way for way in ways_of(outcome) if way in _DRAWN]
    shown, far = _near(outcome, ways)
    series = [_points(shown, way, _APART * (at - (len(ways) - 1) / 2)) for at, way in
              enumerate(ways)]  # fmt: skip
    if not any(one.x for one in series):
        return []
    note = "Equal cost is as many gradient evaluations, those before the first step included."
    if outcome["seeds"] > 1:
        note += (
            " Bars are 95 % intervals over paired trainings; whether two contestants differ is in "
            "the table of differences, which pairs them by seed."
        )
    if far:
        told = [f"{one['label']} ({interval(line_of(one, _DRAWN[0]))})" for one in far]
        note += f" Left out, since far worse: {listed(told)}."
    return [
        Plot(
            f"Test {metric_text(outcome)}, lower is better", "contestant", metric_text(outcome),
            series, categories=[one["label"] for one in shown], note=note,
        )
    ]  # fmt: skip


def _near(outcome: Plain, ways: Sequence[str]) -> tuple[list[Plain], list[Plain]]:
    """Return the contestants that fit one picture, and those that would flatten the others."""
    worst = [_worst(one, ways) for one in outcome["contestants"]]
    finite = [value for value in worst if math.isfinite(value)]
    limit = (_FAR * statistics.median_low(finite) if finite else 0.0) or math.inf
    pairs = list(zip(outcome["contestants"], worst, strict=True))
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


def _means(outcome: Plain) -> list[Table | Text]:
    ways = ways_of(outcome)
    head = ["contestant", *(HEADS[way] for way in ways), "rate", "exploded"]
    rows = [
        [
            one["label"],
            *(interval(line_of(one, way)) for way in ways),
            chosen_rates(one),
            _exploded(one),
        ]
        for one in outcome["contestants"]
    ]
    meant = "; ".join(f"{HEADS[way]}: {WAYS[way]}" for way in WAYS if way in ways)
    chosen = (
        f"Rates were chosen on validation rows, for each way apart, by {outcome['rate_seeds']} "
        "trainings of other seeds; * marks one at the edge of those tried. A training explodes "
        "when it ends a hundred times as wrong as what knows nothing of the inputs."
    )
    caption = f"Mean test {metric_text(outcome)}. {meant[:1].upper()}{meant[1:]}."
    return [Table(head, rows, caption), Text(f"{bounds_text(outcome)} {chosen}")]


def _exploded(one: Plain) -> str:
    worst = max(one["lines"], key=lambda line: line["exploded"], default=None)
    if worst is None or not worst["exploded"]:
        return "none"
    return f"{worst['exploded']} of {len(worst['values'])}"


def _differences(outcome: Plain) -> list[Table | Text]:
    if outcome["seeds"] < 2:  # what stands above has said that nothing may be concluded
        return []
    first = outcome["contestants"][0]["label"]
    tables = [table for way in WAYS if (table := _paired(outcome, way, first)) is not None]
    if not tables:
        return [Text("There is nothing to compare: no contestant stands against another.")]
    return [
        *tables,
        Text(
            f"What may be concluded: on this data set, with this model and budget, a contestant is "
            f"better or worse than {first} where a table says so. p is of the paired t-test, "
            "corrected by Holm for the contestants of its way; where one difference is far outside "
            "the others, or trainings exploded, the signed-rank test decides. Where a best rate "
            "lies at the edge of those tried, or too few pairs are finite, nothing is decided."
        ),
        Text(
            "What may not: where no difference is shown there may still be one smaller than its "
            "interval; other data, models, budgets and splits may say otherwise; and what is "
            "better at equal steps but not at equal cost was better for having computed more."
        ),
    ]


def _paired(outcome: Plain, way: str, first: str) -> Table | None:
    """Return the differences of one way, None where there are none."""
    rows = [
        [
            one["label"],
            VERDICTS.get(said["verdict"], said["verdict"]),
            signed(said["mean"]),
            _bounds(said),
            _p(said["p"]),
            _p(said["p_rank"]),
        ]
        for one in outcome["contestants"]
        for said in one["differences"]
        if said["way"] == way
    ]
    if not rows:
        return None
    head = ["contestant", "verdict", "difference", "95 % interval", "p (Holm)", "p by rank"]
    told = f"Minus {first} {WHEN[way]}, paired by seed: below 0 favours the contestant."
    return Table(head, rows, told)


def _bounds(said: Plain) -> str:
    if said["low"] is None or said["high"] is None:
        return "-"
    # spaces that do not break: on a phone an interval stays on one line
    return f"{signed(said['low'])}\u00a0to\u00a0{signed(said['high'])}"


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "below 0.001" if value < 0.001 else f"{value:.3f}"
