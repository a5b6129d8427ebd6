"""Whether a sufficiency gap is more than chance: labels permuted inside score bins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import whole
from heliostat_methods.fams.metrics.cells import Cells, count_cells
from heliostat_methods.fams.metrics.gap import absolute_gap

MOST_DRAWS = 1_000_000
MOST_SEED = 2**63 - 1
_AT_ONCE = 2_000_000
_PICKS = 10
"""Picks of a single row that take as long as the draw of one cell's count."""
_PICKED_AT_ONCE = 64
_ROUNDING = 1e-12
"""Gaps nearer than this are equal: sums of the same terms may differ in their last bits."""


@dataclass(frozen=True, eq=False)
class SufficiencyTest:
    """A plug-in gap beside the gaps that chance alone gives, `null` (permutations,).

    `p_value` = (1 + how many are at least as large) / (1 + permutations), and so never 0.
    """

    gap: float
    p_value: float
    null: NDArray[np.float64]

    @property
    def excess(self) -> float:
        """The gap less the mean of chance: below the true gap, so no estimate of it."""
        return self.gap - float(self.null.mean())


def sufficiency_test(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    sensitive_features: Any,
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
    weights: str = "population",
    permutations: int = 1000,
    seed: int = 0,
) -> SufficiencyTest:
    """Return the permutation test of "in each score bin, labels do not depend on the subgroup".

    Arguments as for `sufficiency_gap`. It tests the binned score: where scores of subgroups differ
    inside bins, many rows show a difference though the score itself is sufficient; take more bins.

    No row is permuted. Let bin b hold N rows, K of them positive, and N_a of subgroup a. A random
    permutation of its labels gives every choice of K rows the same chance 1 / C(N, K). There are
    prod_a C(N_a, s_a) choices with s_a positives in subgroup a, so the counts (S_a) have the
    chance prod_a C(N_a, s_a) / C(N, K): multivariate hypergeometric, independent from bin to bin.
    The gap depends on labels through these counts alone, so drawing them is exact in law. Bins have
    random streams of their own. Raises ValueError naming argument and row.
    """
    draws = whole("permutations", permutations, 1, MOST_DRAWS)
    seed = whole("seed", seed, 0, MOST_SEED)
    cells = count_cells(y_true, y_score, sensitive_features, n_bins, edges, strategy)
    masses = cells.masses(weights)
    gap = float(absolute_gap(cells, masses, cells.positives))
    null = permuted_gaps(cells, masses, draws, seed)
    reached = int(np.count_nonzero(null >= gap - _ROUNDING))
    return SufficiencyTest(gap, (1 + reached) / (1 + draws), null)


def permuted_gaps(
    cells: Cells, masses: NDArray[np.float64], draws: int, seed: int, at_once: int = _AT_ONCE
) -> NDArray[np.float64]:
    """Return the gaps of `draws` permutations; `at_once` counts at a time bound the memory."""
    null = np.zeros(draws)
    streams = np.random.SeedSequence(seed).spawn(len(cells.starts))
    for number, stream in enumerate(streams):
        one = cells.only(cells.bin == number)
        mass = masses[cells.bin == number]
        for begin, positives in _permuted(one, draws, np.random.default_rng(stream), at_once):
            null[begin : begin + len(positives)] += absolute_gap(one, mass, positives)
    return null


def _permuted(
    cells: Cells, draws: int, generator: np.random.Generator, at_once: int
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield counts of positives (some draws, cells) of one bin, and the first one's number."""
    rows = cells.rows.astype(np.int64)
    positives = int(cells.positives.sum())
    few = min(positives, int(rows.sum()) - positives) < _PICKS * len(rows)
    # picking one by one begins anew with each call: always as many, whatever `at_once` is
    chunk = _PICKED_AT_ONCE if few else max(1, at_once // len(rows))
    method: Literal["count", "marginals"] = "count" if few else "marginals"
    for begin in range(0, draws, chunk):
        size = min(chunk, draws - begin)
        drawn = generator.multivariate_hypergeometric(rows, positives, size, method=method)
        yield begin, drawn.astype(np.float64)
