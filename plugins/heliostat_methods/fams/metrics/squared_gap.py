"""The squared sufficiency gap without the bias of small subgroups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import ArrayError
from heliostat_methods.fams.metrics.cells import Cells, count_cells


@dataclass(frozen=True)
class GapEstimate:
    """An unbiased estimate of the squared gap; where the gap is small it may be negative.

    `coverage`: part of the mass, 0 to 1, in cells of two rows or more, of which it speaks.
    """

    value: float
    coverage: float

    @property
    def root(self) -> float:
        """The gap itself, as a root mean square; 0 for a negative value."""
        return math.sqrt(max(0.0, self.value))


def sufficiency_gap_squared(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    sensitive_features: Any,
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
    weights: str = "population",
) -> GapEstimate:
    """Return an unbiased estimate of E (E[Y | score] - E[Y | score, subgroup])^2.

    Arguments as for `sufficiency_gap`, without sample weights: pairs of rows in a cell are counted,
    and a weighted pair has no count. Cells of one row hold no pair and are left out; the others are
    weighted to sum 1. Raises ArrayError where no cell holds two rows.

    For labels that are independent given their cells: of S positives among N rows,
    (S^2 - S) / (N (N - 1)) has the mean theta_ab^2, and rates of two cells multiply to the product
    of their thetas. Both are put where sum_ab J_ab theta_ab^2 - sum_b J_b theta_b^2 has them, with
    theta_b = sum_a J_ab theta_ab / J_b.
    """
    cells = count_cells(y_true, y_score, sensitive_features, n_bins, edges, strategy)
    cells, masses, coverage = paired_cells(cells, weights)
    return GapEstimate(float(squared_gap(cells, masses, cells.positives)), coverage)


def paired_cells(cells: Cells, weights: str) -> tuple[Cells, NDArray[np.float64], float]:
    """Return cells of two rows or more, their masses of sum 1, and what their masses were."""
    masses = cells.masses(weights)
    kept = cells.rows >= 2
    if not kept.any():
        raise ArrayError(
            "sensitive_features: no subgroup has two rows in one score bin, so what is chance "
            "cannot be told from what is not; take fewer bins or larger subgroups"
        )
    coverage = min(1.0, float(masses[kept].sum()))
    return cells.only(kept), masses[kept] / masses[kept].sum(), coverage


def squared_gap(
    cells: Cells, masses: NDArray[np.float64], positives: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the estimate for positives (..., cells) in cells of two rows or more."""
    rates = positives / cells.rows
    squares = positives * (positives - 1) / (cells.rows * (cells.rows - 1))
    first = cells.of_bins(masses * rates) ** 2
    corrected = first + cells.of_bins(masses**2 * (squares - rates**2))
    between = corrected / cells.of_bins(masses)
    value: NDArray[np.float64] = (masses * squares).sum(axis=-1) - between.sum(axis=-1)
    return value
