"""Who beats whom under a budget: constraint-domination, as labels of pairs.

Guo et al. 2022 (arXiv 2210.07634), in the released code; Deb 2000 for one constraint.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.measures import accuracies, costs, finite_budget, same_length

Ties = Literal[0, "minus_one"]


def dominance_ranks(accuracy: ArrayLike, cost: ArrayLike, budget: float) -> NDArray[np.int64]:
    """Return the place of each architecture under a budget, (n,): more is better, equal is a tie.

    Those with cost at most the budget stand above all others, in order of accuracy; of the others
    the cheaper stands higher. Raises DataError naming an accuracy that is no fraction or a cost
    that is not above 0, ConfigError for such a budget.
    """
    worth, price = accuracies(accuracy), costs(cost)
    same_length(accuracy=worth, cost=price)
    feasible = price <= finite_budget(budget)
    value = np.where(feasible, worth, -price)
    order = np.lexsort((value, feasible))
    differs = (np.diff(value[order]) != 0) | (np.diff(feasible[order].astype(np.int8)) != 0)
    ranks = np.zeros(len(order), dtype=np.int64)
    ranks[order[1:]] = np.cumsum(differs)
    return ranks


def labels_of_ranks(ranks: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return (n, n) labels: 1 where the row's is above the column's, -1 below, 0 level."""
    above: NDArray[np.int8] = (ranks[:, None] > ranks).view(np.int8)
    return above - above.T


def pareto_labels(
    accuracy: ArrayLike, cost: ArrayLike, budget: float, ties: Ties = 0
) -> NDArray[np.int8]:
    """Return who beats whom under a budget, (n, n): 1 where the row's architecture wins, else -1.

    Both feasible (cost at most the budget): the more accurate wins. Otherwise the cheaper wins.
    A tie is 0 and no pair to learn from; with ties = "minus_one" it is -1 in both orders, as in the
    authors' code. The diagonal is 0. Raises as `dominance_ranks`.
    """
    if ties not in (0, "minus_one"):
        raise ConfigError("ties", ties, '0 or "minus_one"')
    labels = labels_of_ranks(dominance_ranks(accuracy, cost, budget))
    if ties == "minus_one":
        labels[(labels == 0) & ~np.eye(len(labels), dtype=bool)] = -1
    return labels
