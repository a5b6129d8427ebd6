"""A comparison on subgroups as people read it: at the end of a run, and in its report."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.contract import RunView, next_command
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_search.statistics import mean_interval

SHOWN = ("accuracy", "worst_group", "gap", "gap_squared", "nll")
HEADS = {
    "accuracy": "accuracy",
    "mean_group": "mean group",
    "worst_group": "worst group",
    "gap": "gap",
    "gap_uniform": "gap, uniform",
    "gap_squared": "gap squared",
    "nll": "NLL",
    "brier": "Brier",
    "ece": "ECE",
}
OF_ALL = ("loss", "divergence", "divergence_low", "divergence_high")
"""Measures of a round that are of all subgroups; others bear the name of one."""
BOUNDS = (
    "Intervals are 95 % over seeds, each with a split and a training of its own; splits share "
    "rows, so they are somewhat too narrow. Settings were chosen on one split's validation rows, "
    "which other splits may test on: alike for all."
)
UNBIASED = (
    "The plug-in gap of many small subgroups is far above 0 even for a fair score, so judge by "
    "the squared gap, which is unbiased and may fall below 0, and by the permutation test."
)


def describe(result: Mapping[str, Any], run_id: str) -> str:
    """Return what a terminal shows at the end."""
    lines = [*_wrapped(_data_text(result)), ""]
    lines += _terminal_table(result)
    lines += ["", *_wrapped(result["sentence"])]
    for one in _refused(result):
        lines += _wrapped(f"{one['label']} gave no result: {one['refused']}")
    lines += ["", *_wrapped(UNBIASED), *_wrapped(BOUNDS), ""]
    lines.append(f"pictures: {next_command('report', run_id)}")
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 79)


def _data_text(result: Mapping[str, Any]) -> str:
    return (
        f"{result['dataset']}: {result['rows']:,} rows, {result['groups']:,} subgroups of "
        f"{result['smallest']:,} to {result['largest']:,} rows (median {result['median']:g}), "
        f"{100 * result['positives']:.1f} % positive; {result['train_rows']:,} rows train, "
        f"{result['test_rows']:,} test"
    )


def _refused(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in result["contestants"] if one["refused"]]


def _whole(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in result["contestants"] if one["metrics"]]


def _terminal_table(result: Mapping[str, Any]) -> list[str]:
    names = [one["label"] for one in _whole(result)]
    width = max(map(len, names), default=6)
    width = max(width, len("estimator"))
    lines = [f"{'estimator':<{width}}" + "".join(f"{HEADS[m]:>14}" for m in SHOWN[:4])]
    for one in _whole(result):
        cells = [_interval_text(one["metrics"][metric]) for metric in SHOWN[:4]]
        lines.append(f"{one['label']:<{width}}" + "".join(f"{cell:>14}" for cell in cells))
    return lines


def _interval_text(values: Sequence[float]) -> str:
    found = mean_interval(values)
    if math.isnan(found.half_width):
        return f"{found.mean:.4f}"
    return f"{found.mean:.3f} ±{_short(found.half_width)}"


def _short(width: float) -> str:
    return f"{width:.3f}"[1:] if width < 1 else f"{width:.2f}"


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the report; of what there is so far of a run that goes on."""
    result = view.result
    if result is None:
        return [_so_far(view)]
    return [
        _summary(result),
        _trade_off(result),
        *_calibration(result),
        *_rounds(result),
        _differences(result),
        _tuning(result),
    ]


def _so_far(view: RunView) -> Section:
    plots = [
        Plot(name, "round", name, [Series(name, [float(s) for s, _ in points],
                                          [value for _, value in points])])
        for name, points in view.metrics(()).items()
    ]  # fmt: skip
    text = Text(f"{view.count():,} tasks are done; the comparison stands here when all are.")
    return Section("So far", [text, *plots])


def _summary(result: Mapping[str, Any]) -> Section:
    head = ["estimator", *(HEADS[m] for m in HEADS), "p < .05"]
    rows = [
        [
            one["label"],
            *(_interval_text(one["metrics"][metric]) for metric in HEADS),
            f"{sum(p < 0.05 for p in one['metrics']['p_value'])} of {result['seeds']}",
        ]
        for one in _whole(result)
    ]
    content: list[Text | Table] = [
        Text(f"{_data_text(result)}."),
        Text(result["sentence"]),
        Table(head, rows),
        Text(f"Mean over {result['seeds']} seeds, with the half-width of its interval. {UNBIASED}"),
        Text(f"p < .05: in how many seeds the test says that the gap is no noise. {BOUNDS}"),
    ]
    content += [Text(f"{one['label']} gave no result: {one['refused']}") for one in
                _refused(result)]  # fmt: skip
    if result["note"]:
        content.append(Text(f"Of the data: {result['note']}."))
    return Section("What came out", content)


def _trade_off(result: Mapping[str, Any]) -> Section:
    series = [_point(one) for one in _whole(result)]
    swept = [one for one in result["sweep"] if one["metrics"]]
    if swept:
        means = [[mean_interval(one["metrics"][m]).mean for m in ("gap_squared", "accuracy")]
                 for one in swept]  # fmt: skip
        series.append(
            Series("fams, by lambda", [x for x, _ in means], [y for _, y in means], style="line")
        )
    caption = (
        "To the upper left is better. Bars are 95 % intervals of the accuracy over seeds; "
        "estimators whose bars overlap are not told apart by this picture: see the paired tests."
    )
    plot = Plot("Accuracy against the gap", "squared gap, unbiased", "accuracy", series,
                note=caption)  # fmt: skip
    return Section("Accuracy against fairness", [plot])


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
    plots = []
    for one in _whole(result):
        if one["curves"] and one["name"] in ("fams", result["reference"]):
            plots.append(_curves(one))
    if not plots:
        return []
    note = Text(
        "Test rows of the first seed, largest subgroups; bins of fewer than five rows are left "
        "out. A score is fair in this sense where the curves lie on one another, and calibrated "
        "where they lie on the diagonal."
    )
    return [Section("Calibration by subgroup", [*plots, note])]


def _curves(one: Mapping[str, Any]) -> Plot:
    series = [Series("calibrated", [0.0, 1.0], [0.0, 1.0])]
    for curve in one["curves"]:
        kept = [at for at, rows in enumerate(curve["rows"]) if rows >= 5]
        if kept:
            columns = ([curve[name][at] for at in kept] for name in ("score", "rate", "low",
                                                                     "high"))  # fmt: skip
            score, rate, low, high = columns
            series.append(Series(curve["group"], score, rate, low=low, high=high))
    return Plot(f"{one['label']}", "mean score of a bin", "rate of label 1", series)


def _rounds(result: Mapping[str, Any]) -> list[Section]:
    rounds = result["rounds"]
    if not rounds:
        return []
    steps = [float(number) for number in range(1, len(rounds) + 1)]
    own = sorted(name for name in rounds[0] if name not in OF_ALL)
    lines = [Series(name, steps, [one.get(name, math.nan) for one in rounds]) for name in own]
    if not lines:
        lines = [
            Series(text, steps, [one[name] for one in rounds])
            for name, text in (("divergence_high", "a tenth of the subgroups lie above"),
                               ("divergence", "median"),
                               ("divergence_low", "a tenth lie below"))
        ]  # fmt: skip
    apart = Plot("How far subgroups stand from the common distribution", "round", "divergence",
                 lines)  # fmt: skip
    loss = Plot("Loss of the lower level", "round", "nats a row",
                [Series("mean over groups", steps, [one["loss"] for one in rounds])])  # fmt: skip
    note = Text(
        "The training of the first seed. Where the divergence settles, the common distribution has "
        "come as close to all subgroups as their data let it."
    )
    return [Section("The two levels", [apart, loss, note])]


def _differences(result: Mapping[str, Any]) -> Section:
    rows = [
        [
            one["label"],
            HEADS[metric],
            f"{said['mean']:+.4f}",
            f"{said['low']:+.4f} to {said['high']:+.4f}",
            f"{said['p']:.3f}",
            said["verdict"],
        ]
        for one in _whole(result)
        for metric, said in one["beside"].items()
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
