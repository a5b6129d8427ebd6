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
from heliostat_methods.step_options.contracts.validation import Vector

FEW_HITS = 30
"""Paths that carry a sample, or meet a barrier, below which it says little of the others."""


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


def least_error(claim: Worth, chance: float, paths: int, carriers: float) -> float:
    """Return what paths that were not drawn may add to a standard error.

    carriers: how many of `paths` carry the sample. chance: that a path meets a barrier.
    """
    if carriers < FEW_HITS:
        return claim.of(3 / paths)
    return claim.of(min(chance, 3 / paths)) if chance * paths < FEW_HITS else 0.0


def touching(option: StepOption, market: Market) -> float:
    """Return a bound of the chance that a path from the spot meets a barrier before maturity.

    In the measure in which the claim is bounded; 1 where the volatility is not known beforehand.
    """
    if not isinstance(market, BlackScholesMarket | PiecewiseMarket):
        return 1.0
    T, gamma = option.maturity, float(option.common_gamma or 0.0)
    half = 0.5 if option.kind in ("call", "asset") else -0.5
    spans = (
        market.spans(T) if isinstance(market, PiecewiseMarket)
        else ((T, market.rate, market.dividend, market.vol, 1.0),)
    )  # fmt: skip
    deviation = math.sqrt(sum(years * vol * vol for years, _, _, vol, _ in spans))
    drift = np.cumsum([
        years * (r - q - gamma + half * vol * vol) for years, r, q, vol, _ in spans
    ]) / deviation  # fmt: skip
    total = 0.0
    levels = zip(option.levels_at(0.0), option.rates[:-1], option.rates[1:], strict=True)
    for level, below, above in levels:
        if below != above:
            away = math.log(level / float(market.spot)) / deviation
            total += _passing(abs(away), drift if away > 0 else -drift)
    return min(total, 1.0)


def _passing(away: float, drift: Vector) -> float:
    """Return a bound of the chance that a motion of one deviation passes `away` above its start.

    drift (n,): so far after each interval; exact for one interval.
    """
    from scipy.special import log_ndtr

    if len(drift) == 1:
        m = float(drift[0])
        passed = float(log_ndtr(m - away)), 2 * m * away + float(log_ndtr(-away - m))
        return sum(math.exp(min(p, 0.0)) for p in passed)
    return 2 * math.exp(float(log_ndtr(max(float(drift.max()), 0.0) - away)))
