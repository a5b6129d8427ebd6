"""A comparison that is still going: losses by round, and the trainings that were judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from heliostat.contract import RunView
from heliostat.errors import key_text
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.fams.report.wording import HEADS

CURVES = 6
"""Trainings whose loss is shown: the newest."""
TRAININGS = 40
"""Judged trainings that are listed: the newest."""
_SHOWN = ("accuracy", "worst_group", "gap_squared", "nll")

_Row = list[str | int | float | None]


def so_far(view: RunView) -> Sequence[Section]:
    """Return what the journal holds of a comparison: losses, tuning, trainings that were judged."""
    content: list[Plot | Table | Text] = [
        *_curves(view, "loss", "Loss of the lower level", "round", "nats a row",
                 f"Trainings of the bilevel method, the newest {CURVES}, by where they stand."),
        *_curves(view, "best", "Tuning", "trials", "criterion on validation rows",
                 f"Best so far of each estimator that is tuned, the newest {CURVES}."),
    ]  # fmt: skip
    rows = [*_judged(view, "fams.fit"), *_judged(view, "fams.score")]
    rows.sort(key=lambda row: row[0])
    if rows:
        head = ["estimator", "rows", "split", *(HEADS[name] for name in _SHOWN)]
        shown = [row for _, row in rows[-TRAININGS:]]
        caption = "Trainings judged so far, one a row; those on validation rows are of the tuning."
        if len(rows) > TRAININGS:
            caption += f" The newest {TRAININGS} of {len(rows):,}."
        content.append(Table(head, shown, caption))
    text = f"{view.count():,} tasks are done; the comparison stands here when all are."
    return [Section("Trainings so far", [*content, Text(text)])]


def _curves(view: RunView, metric: str, title: str, x: str, y: str, note: str) -> list[Plot]:
    found = [(scope, view.metrics(scope).get(metric, [])) for scope in view.scopes()]
    lines = [
        Series(key_text(scope), [float(at) for at, _ in points], [value for _, value in points])
        for scope, points in found
        if points
    ]
    return [Plot(title, x, y, lines[-CURVES:], note=note)] if lines else []


def _judged(view: RunView, task: str) -> Iterator[tuple[tuple[int, ...], _Row]]:
    for row, item, fitted in view.found(task):
        name = getattr(item, "method", "fams")  # what a bilevel training left is the method's own
        split = getattr(item, "split", None)
        numbers = [fitted.metrics.get(metric) for metric in _SHOWN]
        yield row.key, [name, item.judging.part, split, *numbers]
