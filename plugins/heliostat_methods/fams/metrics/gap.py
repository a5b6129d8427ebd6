"""The sufficiency gap: how far outcomes of one score differ between subgroups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.metrics.cells import Cells, count_cells


def sufficiency_gap(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    sensitive_features: Any,
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
    weights: str = "population",
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the plug-in estimate of E |E[Y | score] - E[Y | score, subgroup]|, from 0 to 1.

    `y_true` (rows,): 0 or 1; `y_score` (rows,): 0 to 1; `sensitive_features`: columns whose
    combinations are the subgroups. Scores are shared by bins: `n_bins` by `strategy` "uniform" or
    "quantile", or between `edges` from 0 to 1. `weights` "population": every row counts the same;
    "uniform": every subgroup does. `sample_weight` (rows,): rows count as much more; quantiles do
    not ask for it. Subgroups of weight 0 are left out. Raises ValueError naming argument and row.

    It is biased upward: rates of few rows differ by chance, and the gap counts that as unfair.
    Many small subgroups show a large gap where there is none; `sufficiency_gap_squared` is free of
    that, `sufficiency_test` says what chance alone gives.

    Liu, Simchowitz and Hardt 2019 (arXiv 1808.10013), sufficiency gap; binned here.
    """
    cells = count_cells(y_true, y_score, sensitive_features, n_bins, edges, strategy, sample_weight)
    return float(absolute_gap(cells, cells.masses(weights), cells.positives))


def absolute_gap(
    cells: Cells, masses: NDArray[np.float64], positives: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return sum_ab J_ab |t_ab - t_b| of positives (..., cells), t_ab = positives / rows."""
    rates = positives / cells.rows
    apart = np.abs(rates - cells.pooled(masses, rates))
    gaps: NDArray[np.float64] = (masses * apart).sum(axis=-1)
    return gaps
