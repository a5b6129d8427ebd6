"""The gate that every price passes, a single one as a row of a book.

A price is let through when it is finite, lies within its arbitrage bounds and states an error below
a limit. The bounds: a path's weight lies between e^{-highest rate * T} and e^{-lowest rate * T}, so
the price lies between those times the claim without barriers, where that has a formula.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.step_options.closed_form.black_scholes import normal_cdf, vanilla
from heliostat_methods.step_options.contracts.market import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    LocalVolMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.reduced import Reduced
from heliostat_methods.step_options.contracts.result import Number, Result
from heliostat_methods.step_options.contracts.step_option import LARGEST_LOG, StepOption
from heliostat_methods.step_options.contracts.validation import InvalidInput, Vector

DETERMINISTIC_SHARE, STOCHASTIC_SHARE = 0.01, 0.5
"""Largest stated error by default, in units of the price's scale: an engine that samples may be
asked for few paths, one that integrates has failed if it is so far off."""
PASSES, NO_NUMBER, TOO_LOW, TOO_HIGH, TOO_UNSURE = range(5)
"""Verdicts."""
ROUND_OFF = 1e-12
"""Of all that is paid and received: how far a right price may be beyond its bounds."""

NARROWEST, WIDEST = 1e-9, 22.0
"""Standard deviations of ln S_T between which logarithms have digits and e^{x (x + 9)} is a number.
"""
LARGEST_PRICE_LOG = 100 * math.log(10.0)
LAST_DIGITS = 5e-16
"""Of a logarithm."""
TRIFLE = 1e-9
"""Of both legs of an option: errors of a hundredth of it are small, however little it is worth."""
NARROW = 1e-3
"""Standard deviations of ln S_T below which rounding of the strike shows in a digital claim."""


class Bounds(NamedTuple):
    """Arbitrage bounds of prices, their scale, and how well any price can be known, (n,) each."""

    low: Vector
    high: Vector
    scale: Vector
    """The claim without barriers, or what an option at the money is worth, if that is more."""
    legs: Vector
    """What is paid and received, discounted."""
    rounding: Vector
    """What the last digits of ln S, hence of the places of strike and barriers, do to a price."""


def judge(price: Vector, error: Vector, bounds: Bounds, limit: Vector) -> NDArray[np.int8]:
    """Return a verdict for each price; `error` is what it may be wrong by, `limit` its largest."""
    price, error = np.asarray(price), np.asarray(error)
    verdict = np.full(price.shape, PASSES, dtype=np.int8)
    with np.errstate(invalid="ignore"):
        # where the error is not known bounds say nothing
        slack = np.where(np.isfinite(error), error, np.inf) + ROUND_OFF * bounds.legs
        verdict[~(error <= limit)] = TOO_UNSURE
        verdict[price < bounds.low - slack] = TOO_LOW
        verdict[price > bounds.high + slack] = TOO_HIGH
        verdict[~np.isfinite(price)] = NO_NUMBER
    return verdict


def row_bounds(problems: Sequence[Reduced]) -> Bounds:
    """Return the bounds of knock-out contracts under Black-Scholes, one row for each of them."""
    n = [len(p.spot) for p in problems]
    kinds = np.repeat([p.kind for p in problems], n)

    def column(values: Sequence[float]) -> Vector:
        return np.repeat(np.array(values, dtype=np.float64), n)

    s, k = (np.concatenate([getattr(p, name) for p in problems]) for name in ("spot", "strike"))
    r, q, v, T = (column([getattr(p, name) for p in problems])
                  for name in ("rate", "dividend", "vol", "maturity"))  # fmt: skip
    lowest, highest = (column([f(p.rates) for p in problems]) for f in (np.min, np.max))
    with np.errstate(all="ignore"):
        cash, share, deviation = np.exp(-r * T), s * np.exp(-q * T), v * np.sqrt(T)
        d2 = (np.log(s / k) + (r - q) * T) / deviation - deviation / 2
        d1 = d2 + deviation
        free = np.select(
            [kinds == "call", kinds == "put", kinds == "digital", kinds == "unit"],
            [share * normal_cdf(d1) - k * cash * normal_cdf(d2),
             k * cash * normal_cdf(-d2) - share * normal_cdf(-d1), cash * normal_cdf(d2), cash],
            share,
        )  # fmt: skip
        bond = np.isin(kinds, ("digital", "unit"))
        legs = np.where(bond, cash, np.where(kinds == "asset", share, share + k * cash))
        option = np.isin(kinds, ("call", "put"))
        money = np.minimum(share, k * cash) * np.minimum(deviation, 1.0)
        scale = np.where(option, np.maximum(np.maximum(free, money), TRIFLE * legs), legs)
        free = np.maximum(free, 0.0)
        # where nothing can be paid, no weight makes it more
        low, high = (
            np.where(free > 0, free * np.exp(-rate * T), 0.0) for rate in (highest, lowest)
        )
        legs = np.where(kinds == "digital", legs * (1 + NARROW / deviation), legs)
    return Bounds(low, high, scale, legs, LAST_DIGITS * scale / np.minimum(deviation, 1.0))


def default_limit(bounds: Bounds, stochastic: bool = False, price: Vector | float = 0.0) -> Vector:
    """Return the largest error that a price is allowed to state when nobody says."""
    # a weight that grows makes a price larger than its scale, and nothing else does
    scale = np.maximum(bounds.scale, np.where(np.isfinite(price), np.abs(price), 0.0))
    return np.asarray((STOCHASTIC_SHARE if stochastic else DETERMINISTIC_SHARE) * scale)


def bounds_of(option: StepOption, market: Market) -> Bounds:
    """Return the bounds of a contract in any market, broadcast over spots and strikes.

    Raises InvalidInput where discounting alone leaves the range of floats.
    """
    T = option.maturity
    if isinstance(market, PiecewiseMarket):
        mean = market.averaged(T)
        rate, dividend = mean.rate, mean.dividend
        clock = sum(span[0] * span[4] for span in market.spans(T))
        spread = mean.vol * math.sqrt(T)
    else:
        rate, clock = market.rate, T
        dividend = min(market.dividends) if isinstance(market, BasketMarket) else market.dividend
        spread = market.vol * math.sqrt(T) if isinstance(market, BlackScholesMarket) else 0.1
    for name, value in (("rate", rate), ("dividend", dividend)):
        if not abs(value) * T < LARGEST_LOG:
            raise InvalidInput(
                name, value, f"a rate below {LARGEST_LOG / T:.3g} in absolute value for "
                f"T = {T:g}: its discount factor is no number"
            )  # fmt: skip
    _check_range(option, market, spread)
    bond = math.exp(-rate * T)
    cash = np.asarray(option.strike, dtype=np.float64) * bond
    if isinstance(market, BasketMarket):
        legs = zip(market.weights, market.spots, market.dividends, strict=True)
        share = np.asarray(sum(w * s * math.exp(-q * T) for w, s, q in legs))
    else:
        share = np.asarray(market.spot, dtype=np.float64) * math.exp(-dividend * T)
    both = share if option.kind == "asset" else np.asarray(bond)
    scale = both
    if option.kind in ("call", "put"):
        both = share + cash
        scale = np.maximum(np.minimum(share, cash) * min(spread, 1.0), TRIFLE * both)
    if option.kind == "digital":
        both = both * (1 + NARROW / spread)
    with np.errstate(all="ignore"):
        if isinstance(market, LocalVolMarket | BasketMarket):
            least, most = _without_model(option.kind, share, cash, bond)
        else:
            least = most = np.maximum(vanilla(option, market), 0.0)
            if isinstance(market, HestonMarket):
                # its inversion is good to about 1e-9
                both = 1e3 * both
        low, high = _weights(option, clock)
        scale = np.maximum(most, scale)
        if option.knock == "in":
            low, high = 1.0 - high, 1.0 - low
        # the complement of a weight that grows is negative
        lower = np.where(most > 0, np.minimum(least * low, most * low), 0.0)
        upper = np.where(most > 0, np.maximum(least * high, most * high), 0.0)
    parts = np.broadcast_arrays(lower, upper, scale, both, LAST_DIGITS * scale / min(spread, 1.0))
    return Bounds(*(np.array(part, dtype=np.float64) for part in parts))


def _check_range(option: StepOption, market: Market, spread: float) -> None:
    """Refuse what leaves the range or the digits of floats on the way to a price."""
    if not NARROWEST <= spread <= WIDEST:
        root = math.sqrt(option.maturity)
        raise InvalidInput(
            "vol", getattr(market, "vol", spread / root),
            f"a vol between {NARROWEST / root:.3g} and {WIDEST / root:.3g} for "
            f"T = {option.maturity:g}",
        )  # fmt: skip
    for name, value in (("spot", market.spot), ("strike", option.strike),
                        ("barriers", option.barriers)):  # fmt: skip
        logs = np.abs(np.log(np.asarray(value, dtype=np.float64)))
        if not np.all(logs <= LARGEST_PRICE_LOG):
            raise InvalidInput(name, value, "prices between 1e-100 and 1e100")


def _without_model(kind: str, share: Vector, cash: Vector, bond: float) -> tuple[Vector, Vector]:
    """Return what a claim is worth at least and at most, whatever the model."""
    zero = np.zeros(np.broadcast_shapes(share.shape, cash.shape))
    if kind == "call":
        return np.maximum(share - cash, 0.0), share + zero
    if kind == "put":
        return np.maximum(cash - share, 0.0), cash + zero
    if kind == "digital":
        return zero, bond + zero
    return (bond + zero, bond + zero) if kind == "unit" else (share + zero, share + zero)


def _weights(option: StepOption, clock: float) -> tuple[float, float]:
    """Return the least and the largest weight of a path that is charged for `clock` years."""
    if option.amortisation == "delayed":
        # the window is longer than the contract: nothing ends it
        return (1.0 if float(option.window or 0.0) > option.maturity else 0.0), 1.0
    highest, lowest = max(option.rates), min(option.rates)
    if option.amortisation == "simple":
        return max(1.0 - highest * clock, 0.0), max(1.0 - lowest * clock, 0.0)
    if clock == 0:
        return 1.0, 1.0
    return float(np.exp(-highest * clock)), float(np.exp(-lowest * clock))


def objections(found: Result, bounds: Bounds, max_error: float | None) -> dict[int, str]:
    """Return what speaks against prices of a result, by their place in the flattened array."""
    stochastic = found.std_error is not None
    price, error = _array(found.price), _array(found.abs_error_estimate)
    limit = default_limit(bounds, stochastic, price)
    if max_error is not None:
        limit = np.full(limit.shape, max_error)
    slack = error
    if found.std_error is not None:
        # by chance a sample misses bounds by more than two standard errors
        slack = np.maximum(error, 4.5 * _array(found.std_error))
    verdict = judge(price, slack, bounds, np.full(limit.shape, np.inf))
    verdict[(verdict == PASSES) & ~(error <= limit)] = TOO_UNSURE
    flat = [np.ravel(x) for x in (price, error, limit, bounds.low, bounds.high)]
    return {
        int(i): _explain(int(np.ravel(verdict)[i]), *(float(x[i]) for x in flat))
        for i in np.flatnonzero(verdict)
    }


def _explain(verdict: int, price: float, error: float, limit: float, low: float,
             high: float) -> str:  # fmt: skip
    """Return a verdict as words that follow the name of the engine."""
    if verdict == NO_NUMBER:
        return f"found {price:g}, which is no price"
    if verdict == TOO_UNSURE:
        return f"found {price:.6g} with a stated error of {error:.3g}, above {limit:.3g}"
    return f"found {price:.6g}, outside its bounds {low:.6g} to {high:.6g}"


def _array(value: Number) -> Vector:
    return np.asarray(value, dtype=np.float64)
