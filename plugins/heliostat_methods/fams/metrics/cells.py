"""Rows counted in cells, a subgroup in a score bin: all that a gap knows of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import choice, labels, scores, weights
from heliostat_methods.fams.groups.coding import subgroups
from heliostat_methods.fams.metrics.binning import bin_edges, bin_numbers

WEIGHTS = ("population", "uniform")
_DENSE = 1_000_000


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells that hold a row, by bin, and inside a bin in an order that no name of a group changes.

    `group`, `bin` (cells,): numbers; bins are numbered among those that hold a row. `rows` N_ab and
    `positives` S_ab (cells,): counts, or sums of weights. `group_rows` n_a (groups,), 0 for a group
    without a row. Equal data give equal cells whatever the groups are called, and so equal metrics
    to the last bit.
    """

    group: NDArray[np.int64]
    bin: NDArray[np.int64]
    rows: NDArray[np.float64]
    positives: NDArray[np.float64]
    group_rows: NDArray[np.float64]
    starts: NDArray[np.int64]
    """The first cell of each bin."""

    def masses(self, weights: str) -> NDArray[np.float64]:
        """Return J_ab = w_a N_ab / n_a (cells,), of sum 1.

        w_a is n_a / n for "population", and for "uniform" 1 over the groups that have a row.
        """
        choice("weights", weights, WEIGHTS)
        of_group = self.group_rows.sum()
        if weights == "uniform":
            of_group = self.group_rows[self.group] * np.count_nonzero(self.group_rows)
        masses: NDArray[np.float64] = self.rows / of_group
        return masses

    def of_bins(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return sums over the cells of each bin; the last axis of `values` is that of cells."""
        sums: NDArray[np.float64] = np.add.reduceat(values, self.starts, axis=-1)
        return sums

    def pooled(
        self, masses: NDArray[np.float64], rates: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return t_b = sum_a J_ab t_ab / sum_a J_ab at each cell of bin b."""
        of_bins = self.of_bins(masses * rates) / self.of_bins(masses)
        at_cells: NDArray[np.float64] = of_bins[..., self.bin]
        return at_cells

    def only(self, kept: NDArray[np.bool_]) -> Cells:
        """Return some of the cells; rows of groups stay what they are, bins are numbered anew."""
        _, bins = np.unique(self.bin[kept], return_inverse=True)
        parts = self.group[kept], bins, self.rows[kept], self.positives[kept]
        return Cells(*parts, self.group_rows, _starts(bins))


def count_cells(
    y_true: ArrayLike,
    y_score: ArrayLike,
    sensitive_features: Any,
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
    sample_weight: ArrayLike | None = None,
) -> Cells:
    """Return the cells of rows; raises ValueError naming argument and row that cannot be used."""
    y = labels("y_true", y_true)
    rows = len(y)
    score = scores("y_score", y_score, rows)
    groups = subgroups(sensitive_features, rows)
    bins = _occupied(bin_numbers(score, bin_edges(score, n_bins, edges, strategy)))
    weight = None if sample_weight is None else weights("sample_weight", sample_weight, rows)
    return _counted(y, bins, groups.codes, len(groups), weight)


def _occupied(bins: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number bins among those that hold a row."""
    numbers = np.cumsum(np.bincount(bins) > 0) - 1
    return np.asarray(numbers[bins], np.int64)


def _counted(
    y: NDArray[np.float64],
    bins: NDArray[np.int64],
    codes: NDArray[np.int64],
    groups: int,
    weight: NDArray[np.float64] | None,
) -> Cells:
    places = bins * groups + codes
    known = None
    if (int(bins.max()) + 1) * groups > 4 * len(y) + _DENSE:  # more cells than rows can fill
        known, places = np.unique(places, return_inverse=True)
    counts = np.bincount(2 * places + y.astype(np.int64), weight).astype(np.float64)
    sums = np.append(counts, np.zeros(len(counts) % 2)).reshape(-1, 2)
    filled = np.flatnonzero(sums.sum(axis=1))
    of_bin, group = np.divmod(filled if known is None else known[filled], groups)
    rows, positives = sums[filled].sum(axis=1), sums[filled, 1]
    group_rows = np.bincount(group, rows, groups).astype(np.float64)
    order = np.lexsort((positives, group_rows[group], rows, of_bin))
    _, of_bin = np.unique(of_bin[order], return_inverse=True)  # weights of 0 may empty one
    return Cells(group[order], of_bin, rows[order], positives[order], group_rows, _starts(of_bin))


def _starts(bins: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.flatnonzero(np.diff(bins, prepend=-1))
