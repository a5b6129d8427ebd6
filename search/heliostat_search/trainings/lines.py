"""Lines of a comparison: a contestant in one way over paired seeds, and its differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_search.statistics import holm, mean_interval
from heliostat_search.trainings.paired_seeds import OverSeeds, PairedTest
from heliostat_search.trainings.verdict import Trainings, judge

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Line:
    """A contestant in one way: the metric on test rows of each paired training.

    ``rate`` is the one chosen; ``edge``: a better one may lie beyond those tried. ``kept``: the
    steps after which each was measured. ``exploded``: trainings far more wrong than what knows
    nothing. ``low``, ``high``: 95 % over seeds, None below two finite values. ``others``: further
    measures by name.
    """

    way: str
    rate: float
    edge: bool
    kept: list[int]
    values: list[float]
    exploded: int
    mean: float | None
    low: float | None
    high: float | None
    others: Mapping[str, list[float]]


@dataclass(frozen=True)
class Difference:
    """A contestant against the first one in one way, paired by seed; lower is better.

    ``p`` of the t-test, corrected by Holm over the contestants of that way; ``p_rank`` of the
    signed-rank test. ``verdict`` is a kind of `verdict.judge`.
    """

    way: str
    mean: float | None
    low: float | None
    high: float | None
    p: float | None
    p_rank: float | None
    verdict: str


def line_of(
    way: str,
    rate: float,
    edge: bool,
    measures: Array,
    names: Sequence[str],
    metric: str,
    kept: Sequence[int],
    limit: float,
) -> Line:
    """Return the line of ``measures`` (R, M) called ``names``; above ``limit`` one exploded."""
    column = list(names).index(metric)
    said = OverSeeds.of(measures[:, column])
    others = {
        name: [float(v) for v in measures[:, k]] for k, name in enumerate(names) if k != column
    }
    exploded = int((~(measures[:, column] <= limit)).sum())
    return Line(
        way, rate, edge, list(kept), list(said.values), exploded, said.mean, said.low, said.high,
        others,
    )  # fmt: skip


def differences(lines: Sequence[Mapping[str, Line]], ways: Sequence[str]) -> list[list[Difference]]:
    """Return each contestant's differences from the first, way by way; none for that itself.

    A way that either lacks has none. Holm corrects over the contestants of a way.
    """
    made: list[list[Difference]] = [[] for _ in lines]
    for way in ways:
        if not lines or way not in lines[0]:
            continue
        usual = lines[0][way]
        others = [i for i in range(1, len(lines)) if way in lines[i]]
        tests = [PairedTest.between(lines[i][way].values, usual.values) for i in others]
        corrected = iter(holm([test.t_p for test in tests if test is not None]))
        for i, test in zip(others, tests, strict=True):
            p = None if test is None else next(corrected)
            made[i].append(_difference(way, lines[i][way], usual, test, p))
    return made


def _difference(
    way: str, mine: Line, usual: Line, test: PairedTest | None, p: float | None
) -> Difference:
    ours, theirs = (Trainings(len(one.values), one.exploded, one.edge) for one in (mine, usual))
    kind = judge(ours, theirs, test, p)
    if test is None:
        return Difference(way, None, None, None, None, None, kind)
    between = test.difference
    return Difference(way, between.mean, between.low, between.high, p, test.wilcoxon_p, kind)


def mean_curve(curves: Array) -> tuple[list[float], list[float], list[float]]:
    """Return mean, low and high of curves (R, K) over the runs that are finite throughout.

    95 % intervals, of no width below two of them; empty without any.
    """
    finite = np.asarray(curves, np.float64)
    finite = finite[np.isfinite(finite).all(axis=1)]
    if not len(finite):
        return [], [], []
    mean, half = finite.mean(axis=0), np.zeros(finite.shape[1])
    if len(finite) >= 2:
        half = np.array([mean_interval(column).half_width for column in finite.T])
    mean_, low, high = ([float(v) for v in row] for row in (mean, mean - half, mean + half))
    return mean_, low, high


def area(curves: Array, steps: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return the mean of curves (R, K) over their steps, (R,), by trapezoids."""
    at = np.asarray(steps, np.float64)
    found: npt.NDArray[np.float64] = np.trapezoid(curves, at, axis=1) / (at[-1] - at[0])
    return found
