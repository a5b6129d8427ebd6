"""A comparison of dense networks and lookups as a report: what may be concluded, with pictures."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract import RunView
from heliostat.report import Folded, Plot, Section, Table, Text
from heliostat_methods.lutnn.comparison.outcome import WAYS
from heliostat_methods.lutnn.report.costs import costs
from heliostat_methods.lutnn.report.progress import so_far
from heliostat_methods.lutnn.report.temperatures import temperatures
from heliostat_methods.lutnn.report.timings import timings
from heliostat_methods.lutnn.report.wording import CALLED, SHOWN, reservations, steps_text
from heliostat_search.trainings.numbers import Plain, drawable, number, spread_out
from heliostat_search.trainings.pictures import learning_curve, metric_picture, rates_tried
from heliostat_search.trainings.tables import chosen_text, differences_tables, means_table
from heliostat_search.trainings.wording import (
    bounds_text,
    data_text,
    edge_text,
    edges_of,
    line_of,
    metric_text,
)

_FORM = (
    "Variants that look up are measured as they are shipped, frozen, by the kernel with int8 "
    "tables; only float_tables is not."
)


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the report; of what there is so far of a run that goes on."""
    outcome = view.result
    if outcome is None:
        return so_far(view)
    return [
        _came_out(outcome),
        *costs(outcome),
        *timings(view),
        *_learning_curves(outcome),
        *temperatures(outcome),
        *_int8_search(outcome),
        *_rates(outcome),
    ]


def _came_out(outcome: Plain) -> Section:
    some = outcome["variants"]
    return Section(
        "What came out",
        [
            Text(outcome["sentence"], strong=True),
            *metric_picture(outcome, some, SHOWN, CALLED),
            Text(f"{data_text(outcome)} {steps_text(outcome)}"),
            means_table(outcome, some, WAYS, CALLED),
            Text(f"{bounds_text(outcome)} {chosen_text(outcome)}"),
            *_differences(outcome),
            Text(f"{_FORM} {_dense_text(outcome)}"),
            *(Text(text) for text in reservations(outcome)),
        ],
    )


def _differences(outcome: Plain) -> list[Table | Text]:
    if outcome["seeds"] < 2:  # what stands above has said that nothing may be concluded
        return []
    first = outcome["variants"][0]["label"]
    tables = differences_tables(outcome["variants"], tuple(WAYS), CALLED)
    if not tables:
        return [Text("There is nothing to compare: no variant stands against another.")]
    return [
        *tables,
        Text(
            f"What may be concluded: on this data set, with this network and as many steps, a "
            f"variant is better or worse than {first} where a table says so. p is of the paired "
            "t-test, corrected by Holm for the variants of its way; where one difference is far "
            "outside the others, or trainings exploded, the signed-rank test decides. Where a best "
            "rate lies at the edge of those tried, or too few pairs are finite, nothing is decided."
        ),
        Text(
            "What may not: where no difference is shown there may still be one smaller than its "
            "interval; other data, networks, budgets and splits may say otherwise. The paper's "
            "figures are of networks of ImageNet's size, which nothing here confirms or refutes."
        ),
    ]


def _dense_text(outcome: Plain) -> str:
    return (
        f"The dense networks were trained {outcome['dense_steps']:,} steps at the rate "
        f"{outcome['dense_rate']:.3g}, chosen for them in the same way."
    )


def _int8_search(outcome: Plain) -> list[Section]:
    rows = []
    for one in outcome["variants"]:
        line = line_of(one, "equal_steps")
        if one["int8_search"] and one["layers"] and line is not None and line["mean"] is not None:
            mean = sum(one["int8_search"]) / len(one["int8_search"])
            rows.append([one["label"], number(line["mean"]), number(mean)])
    if not rows:
        return []
    table = Table(
        [CALLED, "float search", "int8 search"], rows,
        f"Mean test {metric_text(outcome)} of the frozen networks. An int8 search swaps near-equal "
        "centroids; with AVX-512 it is faster. It is off unless it is asked for.",
    )  # fmt: skip
    return [Section("Search in integers", [table])]


def _learning_curves(outcome: Plain) -> list[Section]:
    shown = [one for one in outcome["variants"] if one["curve"]["mean"]]
    if not shown:
        return []
    metric, several = metric_text(outcome), outcome["seeds"] > 1
    band = "mean over trainings with its 95 % band" if several else "one training"
    plot = Plot(
        f"Test {metric} over steps of fine-tuning", "step", metric,
        [learning_curve(one["label"], one["curve"], several) for one in shown],
        log_y=spread_out([v for one in shown for v in drawable(one["curve"]["mean"])]),
        note=f"Each at the rate chosen for equal steps; {band}. Look at where the curves part, and "
        "whether they still fall at the end.",
    )  # fmt: skip
    return [Section("Learning curves", [plot])]


def _rates(outcome: Plain) -> list[Section]:
    tried = [one for one in outcome["variants"] if one["tried"]]
    if not tried:
        return []
    edges = edges_of(tried)
    told = edge_text(edges) if edges else "Every chosen rate lies between others that were worse."
    shown = rates_tried(outcome, tried, CALLED)
    return [Section("Learning rates", [Text(told), Folded("All rates tried", shown)])]
