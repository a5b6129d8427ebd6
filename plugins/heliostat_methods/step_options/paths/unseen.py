"""What paths that nobody has drawn could add to a price: the claim's scale, the chance to matter.

A sample without a hit bounds its chance to about 3 / n, not its size; the size is the claim's.
"""

from __future__ import annotations

import math

from heliostat_methods.step_options.closed_form.black_scholes import vanilla
from heliostat_methods.step_options.contracts.market import (
    BasketMarket,
    BlackScholesMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import averaged


def claim_scale(option: StepOption, market: Market) -> float:
    """Return a bound of what one path is worth today: of the claim, or of the asset it grows with.

    Never more than the claim's price without barriers where that has a formula: no set of paths
    is worth more.
    """
    T = option.maturity
    if isinstance(market, PiecewiseMarket):
        spans = market.spans(T)
        most = max(s[4] for s in spans)
    else:
        most = 1.0
    gain = math.exp(min(max(0.0, -min(option.rates) * most * T), 700.0))
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
        bound = min(bound, float(vanilla(option, market)))
    return gain * bound


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
