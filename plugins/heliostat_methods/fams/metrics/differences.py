"""Which subgroups a score is wrong for, and in which direction."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import between
from heliostat_methods.fams.groups.coding import subgroups
from heliostat_methods.fams.metrics.cells import Cells, count_cells
from heliostat_methods.fams.metrics.wilson import normal_quantile

FEW = 5.0
"""Fewer expected outcomes of one kind than this, and the normal interval is rough."""


@dataclass(frozen=True)
class SubgroupDifference:
    """How much more often a subgroup has label 1 than all rows of the same scores have.

    `difference` is above 0 where the score understates the subgroup. `low`, `high`: its interval,
    for this one subgroup; of many, some miss by chance. `p_value` is two-sided, of no difference.
    `few`: it rests on few rows, fewer than 5 of one label where the subgroup is as its bins are;
    interval and p-value are then rough.
    """

    group: str
    rows: int
    difference: float
    low: float
    high: float
    p_value: float
    few: bool


def subgroup_differences(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    sensitive_features: Any,
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
    weights: str = "population",
    confidence: float = 0.95,
) -> tuple[SubgroupDifference, ...]:
    """Return d_a = sum_b (N_ab / n_a) (t_ab - t_b) of every subgroup that has a row.

    Arguments as for `sufficiency_gap`; the absolute value of each term is what the gap adds up.
    The standard error is that of labels that have one rate in each bin (a score test, so a group of
    one row has one): with r_ab = J_ab / J_b, t_ab has variance v_b / N_ab, and
    t_ab - t_b = (1 - r_ab) t_ab - sum of r t over the others has
    v_b ((1 - 2 r_ab) / N_ab + Q_b), Q_b = sum_a' r_a'b^2 / N_a'b. Since t_b has variance v_b Q_b,
    t_b (1 - t_b) / (1 - Q_b) estimates v_b without bias.
    """
    confidence = between("confidence", confidence, 0, 1)
    cells = count_cells(y_true, y_score, sensitive_features, n_bins, edges, strategy)
    masses = cells.masses(weights)
    rates = cells.positives / cells.rows
    pooled = cells.pooled(masses, rates)
    part = cells.rows / cells.group_rows[cells.group]
    groups = len(cells.group_rows)
    apart = np.bincount(cells.group, part * (rates - pooled), groups)
    error = np.sqrt(np.bincount(cells.group, part**2 * _variances(cells, masses, pooled), groups))
    expected = np.bincount(cells.group, cells.rows * pooled, groups)
    names = subgroups(sensitive_features).names
    z = normal_quantile(confidence)
    return tuple(
        SubgroupDifference(
            names[a],
            int(cells.group_rows[a]),
            float(apart[a]),
            float(max(-1.0, apart[a] - z * error[a])),
            float(min(1.0, apart[a] + z * error[a])),
            _p_value(float(apart[a]), float(error[a])),
            bool(min(expected[a], cells.group_rows[a] - expected[a]) < FEW),
        )
        for a in np.flatnonzero(cells.group_rows)
    )


def _variances(
    cells: Cells, masses: NDArray[np.float64], pooled: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the variance of t_ab - t_b under the rates of the bins."""
    ratio = masses / cells.of_bins(masses)[cells.bin]
    shared = cells.of_bins(ratio**2 / cells.rows)[cells.bin]
    alone = ratio >= 1
    of_label = np.maximum(0.0, pooled * (1 - pooled)) / np.where(alone, 1.0, 1 - shared)
    inner = np.maximum(0.0, (1 - 2 * ratio) / cells.rows + shared)
    variances: NDArray[np.float64] = np.where(alone, 0.0, of_label * inner)
    return variances


def _p_value(difference: float, error: float) -> float:
    if error == 0:  # one label, or one group, in each of its bins: no difference to test
        return 1.0
    return 2 * NormalDist().cdf(-abs(difference) / error)
