"""A comparison that is still going: losses that began, rates that were tried, trainings that ended.

What is told stays true whatever comes: nothing is compared before all trainings have ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from heliostat.contract import RunView
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.adalfl.report.numbers import number, spread_out
from heliostat_methods.adalfl.report.wording import STARTS

_Row = list[str | int | float | None]
_Tried = dict[str, dict[float, list[float]]]
"""Last validation metrics by contestant and factor of the rate."""


def so_far(view: RunView) -> Sequence[Section]:
    """Return what the journal holds of a comparison."""
    begun = list(_begun(view))
    choosing, paired = _ended(view, detail=False), _ended(view, detail=True)
    content: list[Plot | Table | Text] = []
    if choosing:
        content += [_rates(choosing), _chosen(choosing)]
    if paired:
        content.append(_paired(paired))
    if begun:
        head = ["loss", "begun", "unusable", "mean change of the task's loss"]
        content.append(Table(head, begun, "Losses that began, by block of seeds."))
    content.append(Text(_phases(view, len(begun), choosing, paired)))
    return [Section("Trainings so far", content)]


def contestant_text(item: Any) -> str:
    """Return in words what a training is of."""
    if item.adapts == "rate":
        return "learning rate that adapts"
    if item.frozen is not None:
        return f"{item.frozen.name}, frozen"
    if item.beginning is None:
        return "the task's own loss"
    if item.adapts == "loss":
        return f"loss that adapts at {item.meta_rate:g}, {beginning_text(item.beginning)}"
    return f"frozen loss, {beginning_text(item.beginning)}"


def beginning_text(beginning: Any) -> str:
    """Return in words how a loss begins, with what tells apart those that begin alike."""
    inner = f" through {beginning.inner} steps" if beginning.inner else ""
    softplus = ", softplus" if beginning.output_activation == "softplus" else ""
    return f"{STARTS.get(beginning.start, beginning.start)}{inner}{softplus}"


def _begun(view: RunView) -> Iterator[_Row]:
    for _, item, begun in view.found("adalfl.begin"):
        unusable = sum(not change < 0 for change in begun.change.tolist())
        yield [
            beginning_text(item.beginning), len(begun.change), unusable,
            float(begun.change.mean()),
        ]  # fmt: skip


def _ended(view: RunView, detail: bool) -> _Tried:
    """Return the last validation metrics of trainings that choose rates, or of the paired ones."""
    found: _Tried = {}
    for _, item, measured in view.found("adalfl.train"):
        if item.detail == detail and measured.valid.shape[1]:
            by_factor = found.setdefault(contestant_text(item), {})
            by_factor.setdefault(item.factor, []).extend(measured.valid[:, -1].tolist())
    return found


def _rates(choosing: _Tried) -> Plot:
    series = [
        Series(label, sorted(by), [_mean(by[factor]) for factor in sorted(by)])
        for label, by in choosing.items()
    ]
    return Plot(
        "Rates tried so far", "learning rate, as a factor of the configured one",
        "validation metric after all steps", series, log_x=True,
        log_y=spread_out([value for one in series for value in one.y]),
        note="A best rate is known where a curve rises on both sides of its lowest point.",
    )  # fmt: skip


def _chosen(choosing: _Tried) -> Table:
    rows: list[_Row] = []
    for label, by in choosing.items():
        best = min(sorted(by), key=lambda factor: _or_worst(_mean(by[factor])))
        rows.append([label, len(by), f"{best:.3g}", number(_mean(by[best]))])
    head = ["contestant", "rates tried", "best factor so far", "validation metric"]
    return Table(head, rows, "What would be chosen now for equal steps.")


def _paired(paired: _Tried) -> Table:
    rows: list[_Row] = [
        [label, f"{factor:.3g}", len(values), number(_mean(values))]
        for label, by in paired.items()
        for factor, values in sorted(by.items())
    ]
    head = ["contestant", "factor of the rate", "trainings", "mean validation metric"]
    return Table(head, rows, "Paired trainings that have ended; test rows are told at the end.")


def _phases(view: RunView, begun: int, choosing: _Tried, paired: _Tried) -> str:
    chose, compared = _count(choosing), _count(paired)
    return (
        f"Losses begin ({begun:,} blocks of seeds so far), a rate is chosen for each contestant "
        f"({chose:,} trainings), then paired trainings are compared ({compared:,}). "
        f"{view.count():,} tasks are done; the comparison stands here when all are."
    )


def _count(trainings: _Tried) -> int:
    return sum(len(values) for by in trainings.values() for values in by.values())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _or_worst(value: float) -> float:
    return value if math.isfinite(value) else math.inf
