"""A comparison that is still going: losses that began, rates that were tried, trainings that ended.

What is told stays true whatever comes: nothing is compared before all trainings have ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from heliostat.contract import RunView
from heliostat.report import Plot, Section, Table, Text
from heliostat_methods.adalfl.report.wording import STARTS
from heliostat_search.trainings.progress import (
    Tried,
    chosen_so_far,
    count,
    ended,
    paired_so_far,
    rates_so_far,
)

_Row = list[str | int | float | None]


def so_far(view: RunView) -> Sequence[Section]:
    """Return what the journal holds of a comparison."""
    begun = list(_begun(view))
    choosing, paired = _ended(view, detail=False), _ended(view, detail=True)
    content: list[Plot | Table | Text] = []
    if choosing:
        content += [rates_so_far(choosing), chosen_so_far(choosing, "contestant")]
    if paired:
        content.append(paired_so_far(paired, "contestant"))
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


def _ended(view: RunView, detail: bool) -> Tried:
    """Return the last validation metrics of trainings that choose rates, or of the paired ones."""
    return ended(
        (contestant_text(item), factor, measured.of_factor(number, len(item.seeds)).valid)
        for _, item, measured in view.found("adalfl.train")
        if item.detail == detail
        for number, factor in enumerate(item.factors)
    )


def _phases(view: RunView, begun: int, choosing: Tried, paired: Tried) -> str:
    chose, compared = count(choosing), count(paired)
    return (
        f"Losses begin ({begun:,} blocks of seeds so far), a rate is chosen for each contestant "
        f"({chose:,} trainings), then paired trainings are compared ({compared:,}). "
        f"{view.count():,} tasks are done; the comparison stands here when all are."
    )
