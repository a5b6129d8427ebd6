"""Intervals of the sufficiency gap, by a parametric bootstrap whose law has the estimated gap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import between, whole
from heliostat_methods.fams.metrics.cells import Cells, count_cells
from heliostat_methods.fams.metrics.gap import absolute_gap
from heliostat_methods.fams.metrics.permutation import MOST_DRAWS, MOST_SEED
from heliostat_methods.fams.metrics.squared_gap import paired_cells, squared_gap

_AT_ONCE = 2_000_000


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
    one row twice, and the resampled gap is that of chance. Instead the rates are drawn towards
    those of their bin, t_b + c (t_ab - t_b), with c in [0, 1] so that the squared gap of these
    rates is the unbiased estimate (0 for a negative one). Labels are drawn by them, S_ab binomial,
    and estimates V* of what is drawn lie about that gap V0 as the estimate V lies about the true
    one: V - (V* - V0) between its quantiles is the interval (basic bootstrap).
    Own construction. Where rows of a cell differ in their rate, S_ab varies less than binomially
    and the interval is wider than need be.
    """
    confidence = between("confidence", confidence, 0, 1)
    draws = whole("resamples", resamples, 1, MOST_DRAWS)
    seed = whole("seed", seed, 0, MOST_SEED)
    cells = count_cells(y_true, y_score, sensitive_features, n_bins, edges, strategy)
    pairs, masses, coverage = paired_cells(cells, weights)
    value = float(squared_gap(pairs, masses, pairs.positives))
    shrinkage = _shrinkage(pairs, masses, value)
    levels = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(
        _redrawn(pairs, masses, shrinkage, draws, seed, squared_gap), levels
    ) - max(0.0, value)
    squared = Interval(value, value - float(high), value - float(low))
    whole_mass = cells.masses(weights)
    plug_in = np.quantile(_redrawn(cells, whole_mass, shrinkage, draws, seed, absolute_gap), levels)
    gap = float(absolute_gap(cells, whole_mass, cells.positives))
    return GapInterval(
        squared,
        Interval(*(math.sqrt(max(0.0, one)) for one in (squared.value, squared.low, squared.high))),
        Interval(gap, *map(float, plug_in)),
        coverage,
        confidence,
    )


def _shrinkage(cells: Cells, masses: NDArray[np.float64], value: float) -> float:
    """Return c with c^2 sum_ab J_ab (t_ab - t_b)^2 = value; that sum is never below it."""
    rates = cells.positives / cells.rows
    spread = float((masses * (rates - cells.pooled(masses, rates)) ** 2).sum())
    return math.sqrt(min(1.0, max(0.0, value) / spread)) if spread > 0 else 0.0


def _redrawn(
    cells: Cells,
    masses: NDArray[np.float64],
    shrinkage: float,
    draws: int,
    seed: int,
    statistic: Any,
    at_once: int = _AT_ONCE,
) -> NDArray[np.float64]:
    """Return a statistic of labels drawn by rates that are shrunken towards their bin's."""
    rates = cells.positives / cells.rows
    pooled = cells.pooled(masses, rates)
    chances = np.clip(pooled + shrinkage * (rates - pooled), 0, 1)
    generator = np.random.default_rng(seed)
    rows, chunk = cells.rows.astype(np.int64), max(1, at_once // len(rates))
    found = []
    for begin in range(0, draws, chunk):
        size = (min(chunk, draws - begin), len(rows))
        found.append(
            statistic(cells, masses, generator.binomial(rows, chances, size).astype(float))
        )
    return np.concatenate(found)
