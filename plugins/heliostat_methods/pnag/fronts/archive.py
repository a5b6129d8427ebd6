"""The archive of a search: the best trade-offs among what was evaluated.

Accuracy is maximised, cost minimised.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_search.pareto import front


def archive(accuracy: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the places of what nothing evaluated dominates, by rising cost; equals all stay.

    accuracy: (n,) in [0, 1], cost: (n,) above 0. Raises DataError for values that are not.
    """
    check_measured(accuracy, cost)
    order = np.lexsort((-accuracy, cost))
    # What is worse than something cheaper is out; this leaves few for the exact comparison.
    left = order[accuracy[order] >= np.maximum.accumulate(accuracy[order])]
    kept = front(np.stack([cost[left], -accuracy[left]], axis=1))
    return left[kept]


def check_measured(accuracy: NDArray[np.float64], cost: NDArray[np.float64]) -> None:
    """Raise DataError for accuracy outside [0, 1], cost not above 0, or other lengths."""
    if accuracy.ndim != 1 or accuracy.shape != cost.shape:
        raise DataError(f"accuracy {accuracy.shape} and cost {cost.shape}: (n,) each is needed")
    wrong = np.flatnonzero(~((accuracy >= 0) & (accuracy <= 1)))
    if len(wrong):
        value = float(accuracy[wrong[0]])
        percent = "; given in percent? divide by 100" if 1 < value <= 100 else ""
        raise DataError(f"accuracy {value:g} of row {wrong[0]} is not in [0, 1]{percent}")
    wrong = np.flatnonzero(~((cost > 0) & np.isfinite(cost)))
    if len(wrong):
        raise DataError(f"cost {float(cost[wrong[0]]):g} of row {wrong[0]} is not above 0, finite")
