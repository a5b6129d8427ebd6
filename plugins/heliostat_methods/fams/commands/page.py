"""An audit as a report: what stands out, the curves of subgroups, and all numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from heliostat.report import Plot, Section, Series, Table, Text, render
from heliostat_methods.fams.commands.findings import Findings, Subgroup
from heliostat_methods.fams.commands.sentences import TABLE_NOTE, sentences
from heliostat_methods.fams.metrics.calibration import CalibrationBin

MOST_CURVES = 24
FEW_ROWS = 5
_HISTOGRAM = 30
HOW = (
    "Of N_ab rows of subgroup a in score bin b, S_ab have the outcome; t_ab = S_ab / N_ab, "
    "t_b is the mean of t_ab over subgroups, weighted as the gap is. Gap = sum over cells of "
    "J_ab |t_ab - t_b|, J_ab the cell's part of the weight. Its square is estimated without bias "
    "from pairs of rows in a cell. The p-value permutes labels inside bins."
)


def audit_page(found: Findings) -> str:
    """Return the report as one HTML file."""
    verdicts = [Text(text, strong=at == 1) for at, text in enumerate(sentences(found))]
    sections = [
        Section("Subgroups", [_funnel(found.subgroups), *verdicts, _chance(found)]),
        Section("Calibration curves", _curves(found)),
        Section("All subgroups", [_table(found.subgroups), Text(HOW)]),
    ]
    return render(f"Audit of {found.rows.source}", sections, " x ".join(found.rows.by))


def _funnel(subgroups: Sequence[Subgroup]) -> Plot:
    kinds = {
        "stands out": [one for one in subgroups if one.stands_out],
        "tested": [one for one in subgroups if not one.stands_out and not one.difference.few],
        "few rows": [one for one in subgroups if one.difference.few],
    }
    series = [
        Series(
            label,
            [one.difference.rows for one in some],
            [one.difference.difference for one in some],
            [one.difference.low for one in some],
            [one.difference.high for one in some],
            "points",
        )
        for label, some in kinds.items()
        if some
    ]
    return Plot(
        "For whom the score is wrong",
        "rows of the subgroup",
        "outcome rate less that of the same scores",
        series,
        log_x=True,
        note="Above 0 the score understates a subgroup, below 0 it overstates it. Small subgroups "
        "scatter widely by chance; what matters is a bar that stays away from 0.",
    )


def _chance(found: Findings) -> Plot:
    counts, edges = np.histogram(found.test.null, _HISTOGRAM)
    shares = counts / counts.sum()
    gap = found.test.gap
    return Plot(
        "The plug-in gap beside what chance gives",
        "plug-in gap",
        "part of the permutations",
        [
            Series("chance alone", edges.tolist(), [*shares.tolist(), 0.0], style="step"),
            Series("this score", [gap, gap], [0.0, float(shares.max())]),
        ],
        note="Only a gap to the right of the hill is more than noise.",
    )


def _curves(found: Findings) -> list[Text | Plot]:
    bins: dict[str, list[CalibrationBin]] = defaultdict(list)
    for one in found.curves:
        bins[one.group].append(one)
    shown = found.subgroups[:MOST_CURVES]
    hidden = len(found.subgroups) - len(shown)
    more = f" {hidden:,} more subgroups are in the table below." if hidden > 0 else ""
    note = (
        "The subgroups in which outcomes differ most from their scores come first. Bars are 95 % "
        "Wilson intervals. Points above the line of all rows: the score understates the subgroup "
        f"there.{more}"
    )
    plots = [_curve(one, bins[one.difference.group], found.overall) for one in shown]
    return [Text(note), *plots]


def _curve(
    one: Subgroup, bins: Sequence[CalibrationBin], overall: Sequence[CalibrationBin]
) -> Plot:
    enough = [cell for cell in bins if cell.count >= FEW_ROWS]
    few = [cell for cell in bins if cell.count < FEW_ROWS]
    series = [
        Series("a score that is right", [0.0, 1.0], [0.0, 1.0]),
        Series("all rows", [c.mean_score for c in overall], [c.rate for c in overall]),
        *(
            _points(label, some)
            for label, some in (("this subgroup", enough), ("fewer than 5 rows", few))
            if some
        ),
    ]
    return Plot(
        f"{one.difference.group} ({one.difference.rows:,} rows)",
        "mean score of the bin",
        "outcome rate",
        series,
    )


def _points(label: str, bins: Sequence[CalibrationBin]) -> Series:
    return Series(
        label,
        [one.mean_score for one in bins],
        [one.rate for one in bins],
        [one.rate_low for one in bins],
        [one.rate_high for one in bins],
        "points",
    )


def _table(subgroups: Sequence[Subgroup]) -> Table:
    rows: list[list[str | int | float | None]] = [
        [
            one.difference.group,
            one.difference.rows,
            one.mean_score,
            one.rate.value,
            one.rate.low,
            one.rate.high,
            one.difference.difference,
            one.difference.low,
            one.difference.high,
            one.holm_p,
            one.accuracy.accuracy,
            one.accuracy.low,
            one.accuracy.high,
            "few rows" if one.difference.few else "stands out" if one.stands_out else "",
        ]
        for one in subgroups
    ]
    ends = ["low", "high"]
    head = ["subgroup", "rows", "mean score", "outcome rate", *ends, "difference", *ends]
    return Table([*head, "p (Holm)", "accuracy", *ends, "mark"], rows, TABLE_NOTE)
