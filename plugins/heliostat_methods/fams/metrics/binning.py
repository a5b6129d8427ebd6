"""Score bins: right-open, so that a score on an inner edge is in the upper one; 1 is in the last.

Whoever compares outcomes "among rows of one score" needs scores to be shared. Bins make them so, at
a price: inside a bin scores differ, and a group whose scores lie higher in it has a higher rate
though the score may be right. Many rows bear more bins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import ArgumentError, choice, whole

MOST_BINS = 10_000
STRATEGIES = ("uniform", "quantile")


def bin_edges(
    scores: NDArray[np.float64],
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
) -> NDArray[np.float64]:
    """Return edges of bins from 0 to 1, increasing, (bins + 1,).

    `strategy` "uniform": `n_bins` of equal width. "quantile": of equally many of these scores;
    scores that occur often leave fewer bins. `edges` are taken as they are, whatever the rest says.
    Raises ArgumentError naming the argument.
    """
    choice("strategy", strategy, STRATEGIES)
    n_bins = whole("n_bins", n_bins, 1, MOST_BINS)
    if edges is not None:
        return _given(edges)
    if strategy == "uniform":
        # i / n is the float64 nearest to it: a score of 0.3 is on the edge 3/10
        return np.arange(n_bins + 1) / n_bins
    inner = np.unique(np.quantile(scores, np.arange(1, n_bins) / n_bins))
    return np.concatenate(([0.0], inner[(inner > 0) & (inner < 1)], [1.0]))


def bin_numbers(scores: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of each score's bin, from 0."""
    return np.searchsorted(edges[1:-1], scores, side="right").astype(np.int64)


def _given(edges: ArrayLike) -> NDArray[np.float64]:
    expected = "increasing numbers, the first 0 and the last 1"
    try:
        found = np.asarray(edges, np.float64)
    except (TypeError, ValueError):
        raise ArgumentError("edges", edges, expected) from None
    if found.ndim != 1 or len(found) < 2:
        raise ArgumentError("edges", edges, expected)
    if found[0] != 0 or found[-1] != 1 or not np.all(np.diff(found) > 0):
        raise ArgumentError("edges", found.tolist(), expected)
    return found
