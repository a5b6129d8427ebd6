"""A comparison of kinds of convolutions as a report: what may be concluded, with its picture."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract import RunView
from heliostat.report import Section, Text
from heliostat_methods.gmconv.comparison.outcome import WAYS
from heliostat_methods.gmconv.report.layers import layers
from heliostat_methods.gmconv.report.progress import so_far
from heliostat_methods.gmconv.report.receptive_fields import receptive_fields
from heliostat_methods.gmconv.report.widths import widths
from heliostat_methods.gmconv.report.wording import CALLED, SAME_FUNCTIONS, SHOWN, reservations
from heliostat_search.trainings.numbers import Plain
from heliostat_search.trainings.pictures import metric_picture
from heliostat_search.trainings.sections import curves_over_steps, differences, rates
from heliostat_search.trainings.tables import chosen_text, means_table
from heliostat_search.trainings.wording import (
    bounds_text,
    data_text,
)

_MAY_NOT = (
    "other data, networks, budgets and splits may say otherwise. The paper's gains are of networks "
    "of ImageNet's size, which nothing here confirms or refutes."
)


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the report; of what there is so far of a run that goes on."""
    outcome = view.result
    if outcome is None:
        return so_far(view)
    return [
        _came_out(outcome),
        *_learning_curves(outcome),
        *widths(outcome),
        *receptive_fields(outcome),
        *layers(outcome),
        *rates(outcome, outcome["variants"], CALLED),
    ]


def _came_out(outcome: Plain) -> Section:
    some = outcome["variants"]
    return Section(
        "What came out",
        [
            Text(outcome["sentence"], strong=True),
            *metric_picture(outcome, some, SHOWN, CALLED),
            Text(data_text(outcome)),
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
            Text(SAME_FUNCTIONS),
            *(Text(text) for text in reservations(outcome)),
        ],
    )


def _learning_curves(outcome: Plain) -> list[Section]:
    shown = [(one["label"], one["curve"]) for one in outcome["variants"] if one["curve"]["mean"]]
    if not shown:
        return []
    return [Section("Learning curves", [curves_over_steps(outcome, shown)])]
