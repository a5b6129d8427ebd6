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

    `strategy` "uniform": `n_bins` of equal width. "quantile": of equally many of these scores, as
    far as equal scores allow; an edge is a score, and no more than `n_bins` different scores have
    a bin each. `edges` are taken as they are, whatever the rest says.
    Raises ArgumentError naming the argument.
    """
    choice("strategy", strategy, STRATEGIES)
    n_bins = whole("n_bins", n_bins, 1, MOST_BINS)
    if edges is not None:
        return _given(edges)
    if strategy == "uniform":
        # i / n is the float64 nearest to it: a score of 0.3 is on the edge 3/10
        return np.arange(n_bins + 1) / n_bins
    return np.concatenate(([0.0], _least_of_bins(scores, n_bins), [1.0]))


def _least_of_bins(scores: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Return the least score of each bin but the first.

    A bin takes whole values until it holds its part of the rows that are left, the nearest way:
    half of the next value's rows decide. As many values as bins are left for the others.
    """
    values, counts = np.unique(scores, return_counts=True)
    values[-1] = min(values[-1], np.nextafter(1.0, 0.0))  # 1 is in the last bin as it is
    upto = np.concatenate(([0], np.cumsum(counts)))
    halves = (upto[:-1] + upto[1:]) / 2
    begin, starts = 0, []
    for left in range(min(n_bins, len(values)) - 1, 0, -1):
        wanted = upto[begin] + (upto[-1] - upto[begin]) / (left + 1)
        begin = int(np.clip(np.searchsorted(halves, wanted), begin + 1, len(values) - left))
        starts.append(begin)
    return np.unique(values[starts])


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
