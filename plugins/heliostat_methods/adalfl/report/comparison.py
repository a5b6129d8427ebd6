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
from heliostat_methods.adalfl.report.rates import rates
from heliostat_methods.adalfl.report.wording import SHOWN, reservations
from heliostat_search.trainings.numbers import Plain
from heliostat_search.trainings.pictures import metric_picture
from heliostat_search.trainings.tables import chosen_text, differences_tables, means_table
from heliostat_search.trainings.wording import bounds_text, data_text

_COST = "Equal cost is as many gradient evaluations, those before the first step included."


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
            *metric_picture(outcome, outcome["contestants"], SHOWN, "contestant", _COST),
            Text(data_text(outcome)),
            *_means(outcome),
            *_differences(outcome),
            *costs(outcome),
            *(Text(text) for text in reservations(outcome)),
        ],
    )


def _means(outcome: Plain) -> list[Table | Text]:
    return [
        means_table(outcome, outcome["contestants"], WAYS, "contestant"),
        Text(f"{bounds_text(outcome)} {chosen_text(outcome)}"),
    ]


def _differences(outcome: Plain) -> list[Table | Text]:
    if outcome["seeds"] < 2:  # what stands above has said that nothing may be concluded
        return []
    first = outcome["contestants"][0]["label"]
    tables = differences_tables(outcome["contestants"], tuple(WAYS), "contestant")
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
