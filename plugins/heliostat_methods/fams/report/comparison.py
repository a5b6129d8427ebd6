"""A comparison on subgroups as a report: pictures first, then tables and what may be concluded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.contract import RunView
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.fams.report.progress import so_far
from heliostat_methods.fams.report.wording import (
    BOUNDS,
    HEADS,
    UNBIASED,
    data_text,
    metric_text,
    reservations,
    whole,
)
from heliostat_methods.fams.training.measures import OWN
from heliostat_search.statistics import mean_interval

FEW_ROWS = 5


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the report; of what there is so far of a run that goes on."""
    result = view.result
    if result is None:
        return so_far(view)
    return [
        _summary(result),
        *_calibration(result),
        *_rounds(result),
        _differences(result),
        _tuning(result),
    ]


def _summary(result: Mapping[str, Any]) -> Section:
    head = ["estimator", *HEADS.values(), "p < .05"]
    rows = [
        [
            one["label"],
            *(metric_text(one, metric) for metric in HEADS),
            _significant(one["metrics"].get("p_value"), result["seeds"]),
        ]
        for one in whole(result)
    ]
    content: list[Plot | Table | Text] = [Text(f"{data_text(result)}.")]
    if rows:
        content += [*_trade_off(result), Table(head, rows), *_meaning(result)]
    content.insert(2 if rows else 1, Text(result["sentence"], strong=True))
    content += [Text(text) for text in reservations(result)]
    if result["note"]:
        content.append(Text(f"Of the data: {result['note']}."))
    return Section("What came out", content)


def _significant(p_values: Sequence[float] | None, seeds: int) -> str:
    return "-" if p_values is None else f"{sum(p < 0.05 for p in p_values)} of {seeds}"


def _meaning(result: Mapping[str, Any]) -> list[Text]:
    seeds = result["seeds"]
    told = (
        f"Mean over {seeds} seeds, with the half-width of its interval. {BOUNDS}"
        if seeds > 1
        else "One seed: there are no intervals, and nothing may be concluded."
    )
    return [Text(f"{told} {UNBIASED}"), Text(
        "p < .05: in how many seeds the test says that the gap is no noise."
    )]  # fmt: skip


def _trade_off(result: Mapping[str, Any]) -> list[Plot]:
    """Return the picture of those that have both metrics; none where nobody has."""
    series = [_point(one) for one in whole(result) if _has_both(one)]
    swept = [one for one in result["sweep"] if _has_both(one)]
    if not series and not swept:
        return []
    if swept:
        x, y = ([mean_interval(one["metrics"][m]).mean for one in swept]
                for m in ("gap_squared", "accuracy"))  # fmt: skip
        series.append(Series("fams, by lambda", x, y))
    return [Plot(
        "Accuracy against the gap", "squared gap, unbiased", "accuracy", series,
        note="To the upper left is better. Bars are 95 % intervals of the accuracy over seeds; "
        "estimators whose bars overlap are not told apart by this picture: see the paired tests."
        + (f" The line is {_swept(swept)}." if swept else ""),
    )]  # fmt: skip


def _has_both(one: Mapping[str, Any]) -> bool:
    return "gap_squared" in one["metrics"] and "accuracy" in one["metrics"]


def _swept(swept: Sequence[Mapping[str, Any]]) -> str:
    return "the method with " + ", ".join(one["label"] for one in swept) + ", in this order"


def _point(one: Mapping[str, Any]) -> Series:
    gap, accuracy = (mean_interval(one["metrics"][m]) for m in ("gap_squared", "accuracy"))
    known = not math.isnan(accuracy.half_width)
    return Series(
        one["label"],
        [gap.mean],
        [accuracy.mean],
        style="points",
        low=[accuracy.low] if known else None,
        high=[accuracy.high] if known else None,
    )


def _calibration(result: Mapping[str, Any]) -> list[Section]:
    shown = [one for one in whole(result) if one["name"] in ("fams", result["reference"])]
    rate = f"rate of {result['classes'][1]!r}"
    plots = [_curves(one, rate) for one in shown if one["curves"]]
    if not plots:
        return []
    note = Text(
        "Test rows of the first seed, largest subgroups; bins of fewer than "
        f"{FEW_ROWS} rows are left out. A score is fair in this sense where the curves lie on one "
        "another, and calibrated where they lie on the diagonal."
    )
    return [Section("Calibration by subgroup", [*plots, note])]


def _curves(one: Mapping[str, Any], rate_of: str) -> Plot:
    series = [Series("calibrated", [0.0, 1.0], [0.0, 1.0])]
    for curve in one["curves"]:
        kept = [at for at, rows in enumerate(curve["rows"]) if rows >= FEW_ROWS]
        if kept:
            columns = ([curve[name][at] for at in kept] for name in ("score", "rate", "low",
                                                                     "high"))  # fmt: skip
            score, rate, low, high = columns
            series.append(Series(curve["group"], score, rate, low=low, high=high))
    return Plot(one["label"], "mean score of a bin", rate_of, series)


def _rounds(result: Mapping[str, Any]) -> list[Section]:
    rounds = result["rounds"]
    if not rounds:
        return []
    own = sorted({name for one in rounds for name in one if name.startswith(OWN)})
    apart = Plot(
        "How far subgroups stand from the common distribution", "round", "divergence",
        [_over(rounds, name, name.removeprefix(OWN)) for name in own] or [
            _over(rounds, "divergence_high", "a tenth of the subgroups lie above"),
            _over(rounds, "divergence", "median"),
            _over(rounds, "divergence_low", "a tenth lie below"),
        ],
    )  # fmt: skip
    loss = Plot("Loss of the lower level", "round", "nats a row",
                [_over(rounds, "loss", "mean over groups")])  # fmt: skip
    note = Text(
        "The training of the first seed. Where the divergence settles, the common distribution has "
        "come as close to all subgroups as their data let it."
    )
    return [Section("The two levels", [apart, loss, note])]


def _over(rounds: Sequence[Mapping[str, float]], name: str, label: str) -> Series:
    """Return a measure over the rounds that have it: a subgroup may have been left out of some."""
    points = [(float(at), one[name]) for at, one in enumerate(rounds, 1) if name in one]
    return Series(label, [x for x, _ in points], [y for _, y in points])


def _differences(result: Mapping[str, Any]) -> Section:
    rows = [
        [
            one["label"],
            HEADS[metric],
            f"{said['mean']:+.4f}",
            "-" if said["low"] is None else f"{said['low']:+.4f} to {said['high']:+.4f}",
            f"{said['p']:.3f}",
            said["verdict"],
        ]
        for one in whole(result)
        for metric in HEADS  # a stored result has lost their order
        if (said := one["beside"].get(metric)) is not None
    ]
    told = (
        f"Differences from {result['reference']}, paired by seed. p is of the paired t-test, "
        "corrected by Holm for the number of estimators. Where no difference could be shown there "
        "may still be one smaller than its interval."
    )
    if not rows:
        return Section("Paired differences", [Text("There is nothing to compare.")])
    head = ["estimator", "metric", "difference", "95 % interval", "p (Holm)", "verdict"]
    return Section("Paired differences", [Table(head, rows), Text(told)])


def _tuning(result: Mapping[str, Any]) -> Section:
    rows = [
        [
            one["label"],
            ", ".join(f"{name} = {_value(value)}" for name, value in one["parameters"].items()),
            str(one["trials"]),
            str(one["failed"]),
            _number(one["default"]),
            _number(one["chosen"]),
            f"{one['tuning_passes']:,.0f}",
            f"{one['passes']:,.0f}",
        ]
        for one in result["contestants"]
    ]
    head = ["estimator", "chosen", "trials", "failed", f"{result['criterion']}, default",
            f"{result['criterion']}, chosen", "tuning", "a training"]  # fmt: skip
    told = (
        "Each estimator had as many trials, the first its defaults, chosen by "
        f"{result['criterion']} of validation rows of one split. The last columns are thousand "
        "rows that went through a network and back; 0 where there is none."
    )
    sentences = [Text(f"{one['label']}: {one['sentence']}") for one in result["contestants"]]
    return Section("What was tuned", [Table(head, rows), Text(told), *sentences])


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
