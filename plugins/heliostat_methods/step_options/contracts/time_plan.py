"""The steps of a path in time: parameters constant in each, the ends of intervals among them."""

from __future__ import annotations

import math
from typing import NamedTuple

from heliostat_methods.step_options.contracts.market import BlackScholesMarket, PiecewiseMarket


class TimeStep(NamedTuple):
    """One step: its length in years and what holds in it."""

    length: float
    rate: float
    dividend: float
    vol: float
    charge: float
    """Factor on the contract's rates."""

    @property
    def deviation(self) -> float:
        """Standard deviation of ln S over the step."""
        return self.vol * math.sqrt(self.length)


def time_plan(
    market: BlackScholesMarket | PiecewiseMarket, maturity: float, steps: int, halvings: int = 0
) -> tuple[TimeStep, ...]:
    """Return about `steps` steps, equal in each interval of the market, then halved so often.

    No step crosses the end of an interval, so an interval has one step at least.
    """
    spans: tuple[tuple[float, float, float, float, float], ...]
    if isinstance(market, BlackScholesMarket):
        spans = ((maturity, market.rate, market.dividend, market.vol, 1.0),)
    else:
        spans = market.spans(maturity)
    plan: list[TimeStep] = []
    for years, *values in spans:
        count = max(1, round(steps * years / maturity)) << halvings
        plan += [TimeStep(years / count, *values)] * count
    return tuple(plan)


def averaged(market: BlackScholesMarket | PiecewiseMarket, maturity: float) -> BlackScholesMarket:
    """Return the constant market in which S_T has the same law: for claims without a barrier."""
    return market if isinstance(market, BlackScholesMarket) else market.averaged(maturity)
