"""Intervals of the sufficiency gap, by inverting a test with labels drawn by the computer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import between, whole
from heliostat_methods.fams.metrics.cells import Cells, count_cells
from heliostat_methods.fams.metrics.gap import absolute_gap
from heliostat_methods.fams.metrics.inversion import (
    lower_end,
    rays,
    redrawn,
    upper_end,
)
from heliostat_methods.fams.metrics.permutation import MOST_DRAWS, MOST_SEED
from heliostat_methods.fams.metrics.squared_gap import paired_cells, squared_gap


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GapInterval:
    """Intervals of one gap, each of the chance `confidence`.

    `squared`: unbiased squared gap; where the lower end is not above 0 it is 0, or the value if
    that is negative. `root`: the same as a root mean square, negative values as 0. `plug_in`: the
    plug-in gap, and between which ends such gaps lie when labels are drawn anew for these rows by
    rates of a gap inside `squared`; bias and all, so no interval of the true gap.
    `coverage`: as in `GapEstimate`, the part of the mass of which `squared` and `root` speak.
    """

    squared: Interval
    root: Interval
    plug_in: Interval
    coverage: float
    confidence: float


def sufficiency_interval(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    sensitive_features: Any,
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
    weights: str = "population",
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> GapInterval:
    """Return intervals of the squared gap, of its root, and where plug-in gaps of such data lie.

    Arguments as for `sufficiency_gap_squared`, and errors; raises ArrayError, too, where no bin
    holds two subgroups of two rows, so that nothing is compared. The intervals cover the chance of
    the labels, given which rows have which scores and subgroups. They do not cover the choice of
    subgroups, of bins, or the training of the model.

    Resampling rows would not do: in a cell of three rows, drawn with replacement, pairs are often
    one row twice, and the resampled gap is that of chance. Instead labels are drawn, S_ab binomial,
    by rates that have a given squared gap v. An end is the v under which estimates as far out as
    the one at hand have the chance (1 - confidence) / 2 (inversion of a test). Such rates are
    those of the cells, drawn towards their bin's or away from it, and others, see `rays`; the ends
    farthest out count. An estimate below the median of chance gets the upper end of that median.
    Own construction; its coverage was simulated, not proved. Where rows of a cell differ in their
    rates, S_ab varies less than binomially and the interval is wider than need be.
    """
    confidence = between("confidence", confidence, 0, 1)
    draws = whole("resamples", resamples, 1, MOST_DRAWS)
    seed = whole("seed", seed, 0, MOST_SEED)
    cells = count_cells(y_true, y_score, sensitive_features, n_bins, edges, strategy)
    pairs, masses, coverage = paired_cells(cells, weights)
    value = float(squared_gap(pairs, masses, pairs.positives))
    low, high = _ends(pairs, masses, value, confidence, draws, seed)
    squared = Interval(value, low, high)
    ends = _plug_in(cells, cells.masses(weights), squared, confidence, draws, seed)
    return GapInterval(squared, _root(squared), ends, coverage, confidence)


def _ends(
    cells: Cells,
    masses: NDArray[np.float64],
    value: float,
    confidence: float,
    draws: int,
    seed: int,
) -> tuple[float, float]:
    """Return both ends, with the value between them."""
    level = (1 - confidence) / 2
    tried = rays(cells, masses, confidence)
    lows = [lower_end(ray, value, level, draws, seed) for ray in tried]
    highs = [upper_end(ray, value, level, draws, seed) for ray in tried]
    return min([value, *lows]), max([value, *highs])


def _root(squared: Interval) -> Interval:
    ends = squared.value, squared.low, squared.high
    return Interval(*(math.sqrt(max(0.0, end)) for end in ends))


def _plug_in(
    cells: Cells,
    masses: NDArray[np.float64],
    squared: Interval,
    confidence: float,
    draws: int,
    seed: int,
) -> Interval:
    """Return the plug-in gap; from its low quantile for the least gap to its high one."""
    gap = float(absolute_gap(cells, masses, cells.positives))
    ray = rays(cells, masses, confidence)[0]
    ends = []
    for end, level in (squared.low, (1 - confidence) / 2), (squared.high, (1 + confidence) / 2):
        drawn = redrawn(cells, masses, ray.rates(ray.distance(end)), draws, seed, absolute_gap)
        ends.append(float(np.quantile(drawn, level)))
    return Interval(gap, min(gap, ends[0]), max(gap, ends[1]))
