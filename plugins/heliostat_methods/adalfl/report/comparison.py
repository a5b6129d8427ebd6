"""A comparison of losses as a report: what may be concluded first, with its picture."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract import RunView
from heliostat.report import Section, Table, Text
from heliostat_methods.adalfl.comparison.outcome import WAYS
from heliostat_methods.adalfl.report.beginnings import beginnings
from heliostat_methods.adalfl.report.costs import costs
from heliostat_methods.adalfl.report.implicit_rate import implicit_rate
from heliostat_methods.adalfl.report.learning_curves import learning_curves
from heliostat_methods.adalfl.report.loss_shapes import loss_shapes
from heliostat_methods.adalfl.report.progress import so_far
from heliostat_methods.adalfl.report.wording import SHOWN, reservations
from heliostat_search.trainings.numbers import Plain
from heliostat_search.trainings.pictures import metric_picture
from heliostat_search.trainings.sections import differences, rates
from heliostat_search.trainings.tables import chosen_text, means_table
from heliostat_search.trainings.wording import bounds_text, data_text

_COST = "Equal cost is as many gradient evaluations, those before the first step included."


_MAY_NOT = (
    "other data, models, budgets and splits may say otherwise; and what is better at equal steps "
    "but not at equal cost was better for having computed more."
)


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
        *rates(outcome, outcome["contestants"], "contestant"),
    ]


def _came_out(outcome: Plain) -> Section:
    return Section(
        "What came out",
        [
            Text(outcome["sentence"], strong=True),
            *metric_picture(outcome, outcome["contestants"], SHOWN, "contestant", _COST),
            Text(data_text(outcome)),
            *_means(outcome),
            *differences(
                outcome,
                outcome["contestants"],
                WAYS,
                "contestant",
                alike="this data set, with this model and budget",
                may_not=_MAY_NOT,
            ),
            *costs(outcome),
            *(Text(text) for text in reservations(outcome)),
        ],
    )


def _means(outcome: Plain) -> list[Table | Text]:
    return [
        means_table(outcome, outcome["contestants"], WAYS, "contestant"),
        Text(f"{bounds_text(outcome)} {chosen_text(outcome)}"),
    ]
