"""Where the knots of a budget embedding sit: on the costs of the front, or of all that is known.

On the front's range by default: a run spends its budgets where the trade-off is, and not where
random architectures happen to lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.budget_embedding import log_spaced, one_of
from heliostat_methods.pnag.spaces.measures import accuracies, costs, same_length

Spacing = Literal["front", "quantiles"]
NARROWEST = 1.01
"""Largest cost over smallest below which a range is widened."""
WIDENING = 1.1
"""Factor by which both ends of a narrow range are moved."""


@dataclass(frozen=True, eq=False)
class Knots:
    """Budgets, increasing, in the unit of the cost; `note` tells what was done to a narrow range.

    It is empty where nothing had to be done.
    """

    values: NDArray[np.float64]
    note: str = ""


def place_knots(
    accuracy: ArrayLike, cost: ArrayLike, count: int, spacing: Spacing = "front"
) -> Knots:
    """Return knots for what is known of architectures, accuracy and cost (n,).

    "front": evenly spaced in log cost from the cheapest to the most accurate (the cheapest of
    these), the ends of the nondominated front. "quantiles": at even quantiles of all costs; where
    two of them coincide, evenly spaced in log cost over all. A range of less than 1 % is widened by
    10 % at both ends. Raises ConfigError for fewer than 2 knots, DataError for no architectures.
    """
    if count < 2:
        raise ConfigError("knots", count, "an integer, at least 2")
    one_of("spacing", spacing, ("front", "quantiles"))
    worth, price = accuracies(accuracy), costs(cost)
    same_length(accuracy=worth, cost=price)
    if len(price) == 0:
        raise DataError("cost: no architecture known, expected one at least to place knots by")
    if spacing == "front":
        return _spread(price.min(), price[worth == worth.max()].min(), count, "the front")
    values = np.exp(np.quantile(np.log(price), np.linspace(0, 1, count)))
    if np.all(np.diff(values) > 0) and values[-1] >= NARROWEST * values[0]:
        values[0], values[-1] = price.min(), price.max()
        return Knots(values)
    even = _spread(price.min(), price.max(), count, "all architectures")
    note = "quantiles of the costs coincide: knots evenly spaced in log cost"
    return Knots(even.values, "; ".join(filter(None, (note, even.note))))


def _spread(cheapest: np.float64, dearest: np.float64, count: int, what: str) -> Knots:
    lowest, highest = float(cheapest), float(dearest)
    if highest >= NARROWEST * lowest:
        return Knots(log_spaced(lowest, highest, count))
    limits = np.finfo(np.float64)
    low = max(lowest / WIDENING, float(limits.tiny))
    high = min(highest * WIDENING, float(limits.max))
    if high < NARROWEST * low:
        raise DataError(f"cost = {highest:g}: expected a number that knots can be placed around")
    note = f"{what} has costs from {lowest:g} to {highest:g} only: widened to {low:g}..{high:g}"
    return Knots(log_spaced(low, high, count), note)
