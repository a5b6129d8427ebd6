"""Parts of a report that comparisons of trainings have in common: differences, curves, rates.

An outcome is read in its plain form, as `wording` says; ``called`` is what a contestant is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heliostat.report import Folded, Plot, Section, Table, Text
from heliostat_search.trainings.numbers import Plain, drawable, spread_out
from heliostat_search.trainings.pictures import learning_curve, rates_tried
from heliostat_search.trainings.tables import differences_tables
from heliostat_search.trainings.wording import edge_text, edges_of, metric_text


def differences(
    outcome: Plain, some: Sequence[Plain], ways: Mapping[str, str], called: str, *, alike: str,
    may_not: str,
) -> list[Table | Text]:  # fmt: skip
    """Return the paired differences from the first contestant, what follows from them, what not.

    ``alike``: what all had in common, "this data set, ..."; ``may_not`` ends the second text.
    """
    if outcome["seeds"] < 2:  # what stands above has said that nothing may be concluded
        return []
    first = some[0]["label"]
    tables = differences_tables(some, tuple(ways), called)
    if not tables:
        return [Text(f"There is nothing to compare: no {called} stands against another.")]
    return [
        *tables,
        Text(
            f"What may be concluded: on {alike}, a {called} is better or worse than {first} where "
            f"a table says so. p is of the paired t-test, corrected by Holm for the {called}s of "
            "its way; where one difference is far outside the others, or trainings exploded, the "
            "signed-rank test decides. Where a best rate lies at the edge of those tried, or too "
            "few pairs are finite, nothing is decided."
        ),
        Text(
            "What may not: where no difference is shown there may still be one smaller than its "
            f"interval; {may_not}"
        ),
    ]


def curves_over_steps(
    outcome: Plain, curves: Sequence[tuple[str, Mapping[str, Sequence[float | None]]]],
    over: str = "steps",
) -> Plot:  # fmt: skip
    """Return the test metric of labelled curves over steps, which are ``over`` in the title."""
    metric, several = metric_text(outcome), outcome["seeds"] > 1
    band = "mean over trainings with its 95 % band" if several else "one training"
    return Plot(
        f"Test {metric} over {over}", "step", metric,
        [learning_curve(label, curve, several) for label, curve in curves],
        log_y=spread_out([v for _, curve in curves for v in drawable(curve["mean"])]),
        note=f"Each at the rate chosen for equal steps; {band}. Look at where the curves part, and "
        "whether they still fall at the end.",
    )  # fmt: skip


def rates(outcome: Plain, some: Sequence[Plain], called: str) -> list[Section]:
    """Return what each rate gave on validation rows; nothing where none was chosen."""
    tried = [one for one in some if one["tried"]]
    if not tried:
        return []
    edges = edges_of(tried)
    told = edge_text(edges) if edges else "Every chosen rate lies between others that were worse."
    shown = rates_tried(outcome, tried, called)
    return [Section("Learning rates", [Text(told), Folded("All rates tried", shown)])]
