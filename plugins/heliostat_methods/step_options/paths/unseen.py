"""What paths that nobody has drawn could add to a price: the claim's scale, the chance to matter.

A sample without a hit bounds its chance to about 3 / n, not its size; the size is the claim's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heliostat_methods.step_options.closed_form.black_scholes import vanilla
from heliostat_methods.step_options.contracts.market import (
    BasketMarket,
    BlackScholesMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import averaged


@dataclass(frozen=True)
class Worth:
    """What one path is worth today at most, and what all paths are together (inf: unknown)."""

    path: float
    all: float = math.inf

    def of(self, chance: float) -> float:
        """Return what paths of a chance could add."""
        return min(self.path * chance, self.all)


def worth(option: StepOption, market: Market) -> Worth:
    """Return what paths are worth: of the claim, or of the asset that it grows with.

    All of them together are worth no more than the claim without barriers, where that has a
    formula, after the lowest rate.
    """
    T = option.maturity
    years, alive = T, not bool(np.any(option.knocked_out(market.spot)))
    if isinstance(market, PiecewiseMarket):
        spans = market.spans(T)
        years = sum(span[0] * span[4] for span in spans)
        alive = alive or spans[0][4] == 0
    lowest = min(option.rates) if option.amortisation == "proportional" else 0.0
    charge = lowest * years if years > 0 else 0.0
    left = math.exp(min(max(-charge, -700.0), 700.0)) if alive and charge < math.inf else 0.0
    if isinstance(market, BasketMarket):
        forward = sum(
            w * s * math.exp(-q * T)
            for w, s, q in zip(market.weights, market.spots, market.dividends, strict=True)
        )
        discount = math.exp(-market.rate * T)
    else:
        one = averaged(market, T) if isinstance(market, PiecewiseMarket) else market
        forward = float(one.spot) * math.exp(-one.dividend * T)
        discount = math.exp(-one.rate * T)
    strike = float(option.strike)
    bound = {"call": forward, "asset": forward, "put": strike * discount}.get(option.kind, discount)
    if isinstance(market, BlackScholesMarket | PiecewiseMarket):
        return Worth(left * bound, left * float(vanilla(option, market)))
    return Worth(left * bound)


def touching(option: StepOption, market: BlackScholesMarket) -> float:
    """Return a bound of the chance that a path from the spot meets a barrier before maturity.

    In the measure in which the claim is bounded.
    """
    from scipy.special import log_ndtr

    T, gamma = option.maturity, float(option.common_gamma or 0.0)
    grows = option.kind in ("call", "asset")
    drift = market.rate - market.dividend - gamma + (0.5 if grows else -0.5) * market.vol**2
    mean = drift * math.sqrt(T) / market.vol
    total = 0.0
    levels = zip(option.levels_at(0.0), option.rates[:-1], option.rates[1:], strict=True)
    for level, below, above in levels:
        if below == above:
            continue
        away = math.log(level / float(market.spot)) / market.vol / math.sqrt(T)
        up, m = abs(away), mean if away > 0 else -mean
        passed = float(log_ndtr(m - up)), 2 * m * up + float(log_ndtr(-up - m))
        total += sum(math.exp(min(p, 0.0)) for p in passed)
    return min(total, 1.0)
