"""A comparison of dense networks and lookups as a report: what may be concluded, with pictures."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract import RunView
from heliostat.report import Section, Table, Text
from heliostat_methods.lutnn.comparison.outcome import WAYS
from heliostat_methods.lutnn.report.costs import costs
from heliostat_methods.lutnn.report.progress import so_far
from heliostat_methods.lutnn.report.temperatures import temperatures
from heliostat_methods.lutnn.report.timings import timings
from heliostat_methods.lutnn.report.wording import CALLED, SHOWN, reservations, steps_text
from heliostat_search.trainings.numbers import Plain, number
from heliostat_search.trainings.pictures import metric_picture
from heliostat_search.trainings.sections import curves_over_steps, differences, rates
from heliostat_search.trainings.tables import chosen_text, means_table
from heliostat_search.trainings.wording import (
    bounds_text,
    data_text,
    line_of,
    metric_text,
)

_FORM = (
    "Variants that look up are measured as they are shipped, frozen, by the kernel with int8 "
    "tables; only float_tables is not."
)


_MAY_NOT = (
    "other data, networks, budgets and splits may say otherwise. The paper's figures are of "
    "networks of ImageNet's size, which nothing here confirms or refutes."
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
        *rates(outcome, outcome["variants"], CALLED),
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
            *differences(
                outcome,
                some,
                WAYS,
                CALLED,
                alike="this data set, with this network and as many steps",
                may_not=_MAY_NOT,
            ),
            Text(f"{_FORM} {_dense_text(outcome)}"),
            *(Text(text) for text in reservations(outcome)),
        ],
    )


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
    shown = [(one["label"], one["curve"]) for one in outcome["variants"] if one["curve"]["mean"]]
    if not shown:
        return []
    return [Section("Learning curves", [curves_over_steps(outcome, shown, "steps of fine-tuning")])]
