"""How losses began, which of them could be used, and how Algorithm 1 went."""

from __future__ import annotations

from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.adalfl.report.wording import STARTS, unusable_text
from heliostat_search.trainings.numbers import Plain, drawable, signed, spread_out


def beginnings(outcome: Plain) -> list[Section]:
    """Return the table of beginnings and the course of Algorithm 1; nothing without a network."""
    begun = [one for one in outcome["contestants"] if one["beginning"] is not None]
    if not begun:
        return []
    return [Section("How losses began", [*_algorithm(begun), *_usable(begun), _table(begun)])]


def _algorithm(begun: list[Plain]) -> list[Plot]:
    series = [
        Series(
            one["label"], drawable(one["beginning"]["at"]), drawable(one["beginning"]["history"])
        )
        for one in begun
        if one["beginning"]["history"]
    ]
    if not series:
        return []
    return [
        Plot(
            "Algorithm 1: the task's loss of fresh models after their inner steps", "meta step",
            "task's loss on validation rows, median", series,
            log_y=spread_out([value for one in series for value in one.y]),
            note="Every meta step has a fresh model. A curve that has settled will not gain by "
            "more meta steps; it says how well the first steps go, not the last ones.",
        )
    ]  # fmt: skip


def _usable(begun: list[Plain]) -> list[Text]:
    bad = [one for one in begun if one["beginning"]["unusable"]]
    if not bad:
        count = sum(one["beginning"]["count"] for one in begun)
        return [Text(f"All {count} losses could be used from the beginning.", strong=True)]
    return [Text(unusable_text(one["label"], one["beginning"]), strong=True) for one in bad]


def _table(begun: list[Plain]) -> Table:
    rows = [
        [
            one["label"],
            STARTS.get(one["beginning"]["start"], one["beginning"]["start"]),
            one["beginning"]["count"],
            one["beginning"]["unusable"],
            one["beginning"]["replaced"],
            signed(one["beginning"]["change"]),
        ]
        for one in begun
    ]
    head = ["contestant", "begun", "losses", "unusable", "replaced", "change of the task's loss"]
    return Table(
        head, rows,
        "The last column is the mean change by one step along the loss, over ten fresh models of "
        "each; below 0 it teaches what it should. That a loss is usable does not say that it is "
        "good to the end.",
    )  # fmt: skip
