"""What a group's rate misses by chance alone."""

from __future__ import annotations

import math

from heliostat_methods.fams.groups.arguments import whole, within

MOST_ROWS = 10**12


def noise_floor(rows: int, rate: float) -> float:
    """Return E |mean of `rows` labels - `rate`|, each label 1 with probability `rate`.

    The plug-in gap of one bin shows this much for a group of that size where nothing is unfair.
    De Moivre's formula 2 (1-p)^(n-k+1) p^k k C(n,k) / n, k = floor(np) + 1, is written as
    2 p (1-p) times the probability of k - 1 among n - 1. Raises ArgumentError.
    """
    rows = whole("rows", rows, 1, MOST_ROWS)
    rate = within("rate", rate, 0, 1)
    if rate == 1:
        return 0.0
    # at whole np, where rounding may choose either k, both give the same value
    at = min(math.floor(rows * rate), rows - 1)
    if at == 0:  # no library's overflow for the smallest rates
        return 2 * rate * math.exp(rows * math.log1p(-rate))
    from scipy.stats import binom

    return float(2 * rate * (1 - rate) * binom.pmf(at, rows - 1, rate))
