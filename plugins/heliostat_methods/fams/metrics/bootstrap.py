"""Intervals of the sufficiency gap, by a parametric bootstrap whose law has the estimated gap."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import between, whole
from heliostat_methods.fams.metrics.cells import Cells, count_cells
from heliostat_methods.fams.metrics.gap import absolute_gap
from heliostat_methods.fams.metrics.permutation import MOST_DRAWS, MOST_SEED
from heliostat_methods.fams.metrics.squared_gap import paired_cells, squared_gap

ROUNDS = 2
_AT_ONCE = 2_000_000
Statistic = Callable[[Cells, NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GapInterval:
    """Intervals of one gap, each of the chance `confidence`.

    `squared`: unbiased squared gap; its ends may be negative. `root`: the same as a root mean
    square, negative ends as 0. `plug_in`: the plug-in gap, and between which ends such gaps lie
    when labels are drawn anew for these rows; bias and all, so no interval of the true gap.
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

    Arguments as for `sufficiency_gap_squared`, and errors. The intervals cover the chance of the
    labels, given which rows have which scores and subgroups. They do not cover the choice of
    subgroups, of bins, or the training of the model.

    Resampling rows would not do: in a cell of three rows, drawn with replacement, pairs are often
    one row twice, and the resampled gap is that of chance. Instead labels are drawn, S_ab binomial,
    by rates t_b + c (t_ab - t_b): those of the cells, drawn towards their bin's until they have a
    given squared gap v. Estimates V*(v) of such labels lie about v as the estimate V lies about the
    true gap, so V - (V*(v) - v) between its quantiles is an interval (basic bootstrap). Since V*
    spreads more for larger v, each end is found twice: with v = V, then with v = that end.
    Own construction. Where rows of a cell differ in their rates, S_ab varies less than binomially
    and the interval is wider than need be.
    """
    confidence = between("confidence", confidence, 0, 1)
    draws = whole("resamples", resamples, 1, MOST_DRAWS)
    seed = whole("seed", seed, 0, MOST_SEED)
    cells = count_cells(y_true, y_score, sensitive_features, n_bins, edges, strategy)
    pairs, masses, coverage = paired_cells(cells, weights)
    value = float(squared_gap(pairs, masses, pairs.positives))
    levels = (1 - confidence) / 2, (1 + confidence) / 2
    high, low = (_end(pairs, masses, value, level, draws, seed) for level in levels)
    squared = Interval(value, min(low, value), max(high, value))
    plug_in = _plug_in(cells, cells.masses(weights), _shrinkage(pairs, masses, value), draws, seed)
    gap = float(absolute_gap(cells, cells.masses(weights), cells.positives))
    ends = map(float, np.quantile(plug_in, levels))
    return GapInterval(squared, _root(squared), Interval(gap, *ends), coverage, confidence)


def _root(squared: Interval) -> Interval:
    ends = squared.value, squared.low, squared.high
    return Interval(*(math.sqrt(max(0.0, end)) for end in ends))


def _end(
    cells: Cells, masses: NDArray[np.float64], value: float, level: float, draws: int, seed: int
) -> float:
    """Return value less the quantile, at `level`, of what estimates miss their gap by."""
    end = value
    for _ in range(ROUNDS):
        chances = shrunken(cells, masses, _shrinkage(cells, masses, end))
        missed = redrawn(cells, masses, chances, draws, seed, squared_gap)
        end = value - float(np.quantile(missed, level)) + _squared_of(cells, masses, chances)
    return end


def _plug_in(
    cells: Cells, masses: NDArray[np.float64], shrinkage: float, draws: int, seed: int
) -> NDArray[np.float64]:
    chances = shrunken(cells, masses, shrinkage)
    return redrawn(cells, masses, chances, draws, seed, absolute_gap)


def _squared_of(cells: Cells, masses: NDArray[np.float64], rates: NDArray[np.float64]) -> float:
    return float((masses * (rates - cells.pooled(masses, rates)) ** 2).sum())


def _shrinkage(cells: Cells, masses: NDArray[np.float64], squared: float) -> float:
    """Return c with which rates have the squared gap, before they are cut to 0 and 1."""
    spread = _squared_of(cells, masses, cells.positives / cells.rows)
    return math.sqrt(max(0.0, squared) / spread) if spread > 0 else 0.0


def shrunken(cells: Cells, masses: NDArray[np.float64], shrinkage: float) -> NDArray[np.float64]:
    """Return t_b + c (t_ab - t_b), cut to 0 and 1."""
    rates = cells.positives / cells.rows
    pooled = cells.pooled(masses, rates)
    return np.clip(pooled + shrinkage * (rates - pooled), 0, 1)


def redrawn(
    cells: Cells,
    masses: NDArray[np.float64],
    chances: NDArray[np.float64],
    draws: int,
    seed: int,
    statistic: Statistic,
    at_once: int = _AT_ONCE,
) -> NDArray[np.float64]:
    """Return a statistic of labels drawn with these chances; `at_once` bounds the memory."""
    generator = np.random.default_rng(seed)
    rows, chunk = cells.rows.astype(np.int64), max(1, at_once // len(chances))
    found = []
    for begin in range(0, draws, chunk):
        size = (min(chunk, draws - begin), len(rows))
        positives = generator.binomial(rows, chances, size).astype(np.float64)
        found.append(statistic(cells, masses, positives))
    return np.concatenate(found)
