"""A comparison of losses as a report: what may be concluded first, with its picture."""

from __future__ import annotations

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
    drawable,
    interval,
    middle,
    signed,
    spread_out,
)
from heliostat_methods.adalfl.report.progress import so_far
from heliostat_methods.adalfl.report.rates import rates
from heliostat_methods.adalfl.report.wording import (
    HEADS,
    VERDICTS,
    bounds_text,
    chosen_rates,
    data_text,
    line_of,
    metric_text,
    reservations,
    ways_of,
)

_DRAWN = ("equal_steps", "equal_cost", "at_best")
_APART = 0.18
"""How far the ways of a contestant stand apart in the picture, in distances of contestants."""


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
    """Return the metric of each contestant by way, side by side."""
    contestants, ways = outcome["contestants"], [w for w in ways_of(outcome) if w in _DRAWN]
    series, seen = [], []
    for place, way in enumerate(ways):
        lines = [line_of(one, way) for one in contestants]
        shift = _APART * (place - (len(ways) - 1) / 2)
        y = drawable([None if line is None else middle(line) for line in lines])
        low, high = (
            drawable([None if line is None else line[end] for line in lines])
            for end in ("low", "high")
        )
        known = [at for at, line in enumerate(lines) if line is not None]
        seen += y
        series.append(
            Series(
                HEADS[way], [at + shift for at in known], [y[at] for at in known],
                [_bound(low, y, at) for at in known], [_bound(high, y, at) for at in known],
                style="points",
            )
        )  # fmt: skip
    if not series:
        return []
    several = outcome["seeds"] > 1
    bars = "Bars are 95 % intervals over paired trainings; " if several else ""
    return [
        Plot(
            f"Test {metric_text(outcome)}, lower is better", "contestant", metric_text(outcome),
            series, categories=[one["label"] for one in contestants], log_y=spread_out(seen),
            note=f"{bars}what pairs of them differ by is in the table of differences, which is "
            "narrower than bars suggest. Equal cost: as many gradient evaluations, what came "
            "before the first step included.",
        )
    ]  # fmt: skip


def _bound(bounds: Sequence[float], values: Sequence[float], at: int) -> float:
    """Return an end of an interval, the value itself where there is none."""
    return bounds[at] if bounds[at] == bounds[at] else values[at]


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
    first = outcome["contestants"][0]["label"] if outcome["contestants"] else ""
    found = [
        (one, said)
        for one in outcome["contestants"]
        for way in WAYS
        for said in one["differences"]
        if said["way"] == way
    ]
    if not found:
        return [Text("There is nothing to compare: no contestant stands against another.")]
    rows = [
        [
            one["label"],
            HEADS[said["way"]],
            signed(said["mean"]),
            _bounds(said),
            _p(said["p"]),
            _p(said["p_rank"]),
            VERDICTS.get(said["verdict"], said["verdict"]),
        ]
        for one, said in found
    ]
    head = ["contestant", "way", "difference", "95 % interval", "p (Holm)", "p by rank", "verdict"]
    return [
        Table(head, rows, f"Minus {first}, paired by seed: below 0 favours the contestant."),
        Text(
            f"What may be concluded: on this data set, with this model and budget, a contestant is "
            f"better or worse than {first} where the table says so. p is of the paired t-test, "
            "corrected by Holm for the contestants of its way; where one difference is far outside "
            "the others, or trainings exploded, the signed-rank test decides."
        ),
        Text(
            "What may not: where no difference is shown there may still be one smaller than its "
            "interval; other data, models, budgets and splits may say otherwise; and what is "
            "better at equal steps but not at equal cost was better for having computed more."
        ),
    ]


def _bounds(said: Plain) -> str:
    if said["low"] is None or said["high"] is None:
        return "-"
    return f"{signed(said['low'])} to {signed(said['high'])}"


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "below 0.001" if value < 0.001 else f"{value:.3f}"
