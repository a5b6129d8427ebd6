"""The learning rates that were tried for each contestant, and whether the best lies at an edge."""

from __future__ import annotations

from heliostat.report import Folded, Plot, Section, Series, Table, Text
from heliostat_methods.adalfl.report.numbers import Plain, drawable, number, spread_out
from heliostat_methods.adalfl.report.wording import (
    chosen_rates,
    edge_text,
    metric_text,
)


def rates(outcome: Plain) -> list[Section]:
    """Return what each rate gave on validation rows; nothing where none was chosen."""
    tried = [one for one in outcome["contestants"] if one["tried"]]
    if not tried:
        return []
    edges = [one["label"] for one in tried if any(line["edge"] for line in one["lines"])]
    told = edge_text(edges) if edges else "Every chosen rate lies between others that were worse."
    return [
        Section("Learning rates", [Text(told), Folded("All rates tried", _all(tried, outcome))])
    ]


def _all(tried: list[Plain], outcome: Plain) -> list[Plot | Table | Text]:
    metric = metric_text(outcome)
    rows = [
        [one["label"], f"{rate:.3g}", number(end), number(best)]
        for one in tried
        for rate, end, best in sorted(one["tried"])
    ]
    series = []
    for one in tried:
        columns = list(zip(*sorted(one["tried"]), strict=True))
        series.append(Series(one["label"], drawable(columns[0]), drawable(columns[1])))
    seen = [value for one in series for value in one.y]
    plot = Plot(
        f"Validation {metric} after all steps, by rate", "learning rate", metric, series,
        log_x=True, log_y=spread_out(seen),
        note="A best rate is known where a curve rises on both sides of its lowest point.",
    )  # fmt: skip
    caption = (
        f"Mean validation {metric} of {outcome['rate_seeds']} trainings, after all steps and at "
        'the best moment; "-" where one was not finite.'
    )
    chosen = "; ".join(f"{one['label']} {chosen_rates(one)}" for one in tried)
    head = ["contestant", "rate", "after all steps", "at best"]
    return [plot, Table(head, rows, caption), Text(f"Chosen, by way where they differ: {chosen}.")]
