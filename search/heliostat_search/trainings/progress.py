"""Trainings of a comparison that is still going: rates that were tried, trainings that ended.

What is told stays true whatever comes: nothing is compared before all trainings have ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from heliostat.report import Plot, Series, Table
from heliostat_search.trainings.numbers import number, spread_out

Tried = dict[str, dict[float, list[float]]]
"""Last validation metrics by contestant and factor of the rate."""


def ended(trainings: Iterable[tuple[str, float, npt.NDArray[np.floating]]]) -> Tried:
    """Return what trainings (contestant, factor, validation curves (R, K)) have come to."""
    found: Tried = {}
    for label, factor, valid in trainings:
        if valid.shape[1]:
            by_factor = found.setdefault(label, {})
            by_factor.setdefault(factor, []).extend(valid[:, -1].tolist())
    return found


def rates_so_far(choosing: Tried) -> Plot:
    """Return the picture of the rates tried up to now."""
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


def chosen_so_far(choosing: Tried, called: str) -> Table:
    """Return which rate would be chosen now for each contestant."""
    rows: list[list[str | int | float | None]] = []
    for label, by in choosing.items():
        best = min(sorted(by), key=lambda factor: _or_worst(_mean(by[factor])))
        rows.append([label, len(by), f"{best:.3g}", number(_mean(by[best]))])
    head = [called, "rates tried", "best factor so far", "validation metric"]
    return Table(head, rows, "What would be chosen now for equal steps.")


def paired_so_far(paired: Tried, called: str) -> Table:
    """Return which paired trainings have ended."""
    rows: list[list[str | int | float | None]] = [
        [label, f"{factor:.3g}", len(values), number(_mean(values))]
        for label, by in paired.items()
        for factor, values in sorted(by.items())
    ]
    head = [called, "factor of the rate", "trainings", "mean validation metric"]
    return Table(head, rows, "Paired trainings that have ended; test rows are told at the end.")


def count(trainings: Tried) -> int:
    """Return how many trainings that are."""
    return sum(len(values) for by in trainings.values() for values in by.values())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _or_worst(value: float) -> float:
    return value if math.isfinite(value) else math.inf
