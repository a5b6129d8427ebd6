"""What of a contract the price can see: the regions up to the nearest infinite rate on each side.

A region of infinite rate ends the price at its edge, a wall where it is zero; what lies beyond a
wall is never reached and is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from heliostat_methods.step_options.contracts.reduced import Reduced
from heliostat_methods.step_options.contracts.validation import Vector


class Order(NamedTuple):
    """What contracts have to share to be solved as rows of the same arrays."""

    levels: int
    left: bool
    right: bool
    below_strike: int
    """How many levels lie at or below the strike."""
    strike_hidden: bool
    """The strike lies beyond a wall."""
    strike_below_wall: bool
    below_spot: int
    strike_below_spot: bool


@dataclass(frozen=True)
class Seen:
    """One contract at one spot between its walls.

    `levels` (m,): the barriers at t = 0 that are seen, walls among them, from number `first` on;
    `rates` (regions,) of the regions between and beyond them. `left`, `right`: whether the first,
    the last level is a wall.
    """

    problem: Reduced
    levels: Vector
    rates: Vector
    first: int
    left: bool
    right: bool

    @property
    def order(self) -> Order:
        """How levels, strike and spot follow each other."""
        # where the strike stands today if it moved as the barriers do
        k = self.problem.strike[0] * math.exp(-self.problem.gamma * self.problem.maturity)
        spot, levels = self.problem.spot[0], self.levels
        below, beyond = self.left and k <= levels[0], self.right and k >= levels[-1]
        return Order(
            len(levels), self.left, self.right, int((levels <= k).sum()), bool(below or beyond),
            bool(below), int((levels < spot).sum()), bool(k < spot),
        )  # fmt: skip


def seen(problem: Reduced) -> Seen:
    """Return what the spot of a contract sees; it must lie in a region of finite rate."""
    levels = problem.level * np.exp(problem.breaks)
    rates = problem.rates
    at = int((levels < problem.spot[0]).sum())
    infinite = np.flatnonzero(np.isinf(rates))
    below, above = infinite[infinite < at], infinite[infinite > at]
    first = int(below[-1]) if len(below) else 0
    last = int(above[0]) if len(above) else len(levels)
    kept = rates[first + (len(below) > 0) : last + (len(above) == 0)]
    return Seen(problem, levels[first:last], kept, first, len(below) > 0, len(above) > 0)
