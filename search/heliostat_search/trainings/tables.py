"""Tables of trainings compared: means by way, paired differences, the columns of a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heliostat.report import Table
from heliostat.terminal import printable
from heliostat_search.trainings.numbers import Plain, interval, signed
from heliostat_search.trainings.wording import (
    HEADS,
    VERDICTS,
    WHEN,
    chosen_rates,
    exploded_text,
    line_of,
    metric_text,
    ways_of,
)

WIDTH = 79
LEAST_NAME = 12
"""Columns of a name that are always left to it."""


def means_table(
    outcome: Plain, some: Sequence[Plain], ways: Mapping[str, str], called: str
) -> Table:
    """Return the mean of each contestant in each of the ways (name: what it is) that it has."""
    present = ways_of(some, tuple(ways))
    rows = [
        [
            one["label"], *(interval(line_of(one, way)) for way in present), chosen_rates(one),
            exploded_text(one),
        ]
        for one in some
    ]  # fmt: skip
    meant = "; ".join(f"{HEADS[way]}: {ways[way]}" for way in present)
    caption = f"Mean test {metric_text(outcome)}. {meant[:1].upper()}{meant[1:]}."
    return Table([called, *(HEADS[way] for way in present), "rate", "exploded"], rows, caption)


def chosen_text(outcome: Plain) -> str:
    """Return how rates were chosen and what an explosion is, as it stands under the means."""
    return (
        f"Rates were chosen on validation rows, for each way apart, by {outcome['rate_seeds']} "
        "trainings of other seeds; * marks one at the edge of those tried. A training explodes "
        "when it ends a hundred times as wrong as what knows nothing of the inputs."
    )


def differences_tables(some: Sequence[Plain], ways: Sequence[str], called: str) -> list[Table]:
    """Return a table of differences from the first contestant for each way that has any."""
    first = some[0]["label"]
    return [table for way in ways if (table := _paired(some, way, first, called)) is not None]


def _paired(some: Sequence[Plain], way: str, first: str, called: str) -> Table | None:
    rows = [
        [
            one["label"],
            VERDICTS.get(said["verdict"], said["verdict"]),
            signed(said["mean"]),
            _bounds(said),
            _p(said["p"]),
            _p(said["p_rank"]),
        ]
        for one in some
        for said in one["differences"]
        if said["way"] == way
    ]
    if not rows:
        return None
    head = [called, "verdict", "difference", "95 % interval", "p (Holm)", "p by rank"]
    told = f"Minus {first} {WHEN[way]}, paired by seed: below 0 favours the {called}."
    return Table(head, rows, told)


def _bounds(said: Plain) -> str:
    if said["low"] is None or said["high"] is None:
        return "-"
    # spaces that do not break: on a phone an interval stays on one line
    return f"{signed(said['low'])}\u00a0to\u00a0{signed(said['high'])}"


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def terminal_table(
    some: Sequence[Plain], ways: Sequence[str], called: str, width: int = WIDTH
) -> list[str]:
    """Return lines of at most ``width`` columns: the metric with its interval, by way."""
    names = [called, *(printable(one["label"]) for one in some)]
    rows = [[HEADS[way] for way in ways]]
    rows += [[interval(line_of(one, way)) for way in ways] for one in some]
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    wide = max(LEAST_NAME, min(max(map(len, names)), width - sum(widths)))
    return [
        f"{_cut(name, wide):<{wide}}"
        + "".join(f"{cell:>{columns}}" for cell, columns in zip(row, widths, strict=True))
        for name, row in zip(names, rows, strict=True)
    ]


def _cut(name: str, wide: int) -> str:
    """Return a name that fits; those of a sweep differ at their ends."""
    if len(name) <= wide:
        return name
    head = (wide - 1) // 2
    return f"{name[:head]}\u2026{name[len(name) - (wide - 1 - head) :]}"
