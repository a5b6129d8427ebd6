"""A comparison that is still going: rates that were tried, trainings that ended."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract import RunView
from heliostat.report import Plot, Section, Table, Text
from heliostat_methods.lutnn.report.wording import CALLED
from heliostat_search.trainings.progress import (
    Tried,
    chosen_so_far,
    count,
    ended,
    paired_so_far,
    rates_so_far,
)


def so_far(view: RunView) -> Sequence[Section]:
    """Return what the journal holds of a comparison."""
    dense = sum(1 for _ in view.found("lutnn.train"))
    choosing, paired = _ended(view, detail=False), _ended(view, detail=True)
    content: list[Plot | Table | Text] = []
    if choosing:
        content += [rates_so_far(choosing), chosen_so_far(choosing, CALLED)]
    if paired:
        content.append(paired_so_far(paired, CALLED))
    content.append(Text(
        f"Dense networks are trained ({dense:,} so far), a rate is "
        f"chosen for each variant made of them ({count(choosing):,} fine-tunings), then paired "
        f"ones are compared ({count(paired):,}). {view.count():,} tasks are done; the comparison "
        "stands here when all are."
    ))  # fmt: skip
    return [Section("Trainings so far", content)]


def _ended(view: RunView, detail: bool) -> Tried:
    """Return the last validation metrics of trainings that choose rates, or of the paired ones."""
    return ended(
        (item.variant.kind, item.factor, tuned.valid[None])
        for _, item, tuned in view.found("lutnn.tune")
        if item.detail == detail and (detail or item.variant.trained)
    )
