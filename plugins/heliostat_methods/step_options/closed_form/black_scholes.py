"""Closed forms without a barrier: Black-Scholes claims, the geometric basket, Heston vanillas."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.step_options.contracts.market import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import InvalidInput, Vector


def normal_cdf(x: ArrayLike) -> Vector:
    """Return the standard normal distribution function, accurate in both tails."""
    from scipy.special import ndtr

    return np.asarray(ndtr(np.asarray(x, dtype=np.float64)), dtype=np.float64)


def black_scholes(
    kind: str, spot: ArrayLike, strike: ArrayLike, rate: float, dividend: float, vol: float,
    maturity: float,
) -> Vector:  # fmt: skip
    """Return the discounted price of a claim f(S_T) under Black-Scholes."""
    s, k = np.asarray(spot, dtype=np.float64), np.asarray(strike, dtype=np.float64)
    discount, forward = math.exp(-rate * maturity), s * math.exp(-dividend * maturity)
    deviation = vol * math.sqrt(maturity)
    d2 = np.log(s / k) / deviation + (rate - dividend - 0.5 * vol**2) * maturity / deviation
    d1 = d2 + deviation
    if kind == "call":
        return forward * normal_cdf(d1) - k * discount * normal_cdf(d2)
    if kind == "put":
        return k * discount * normal_cdf(-d2) - forward * normal_cdf(-d1)
    if kind == "digital":
        return discount * normal_cdf(d2)
    ones = np.ones(np.broadcast_shapes(s.shape, k.shape))
    return discount * ones if kind == "unit" else forward * ones


def heston_vanilla(kind: str, strike: float, maturity: float, market: HestonMarket) -> float:
    """Return a Heston call, put, digital, unit or asset claim by Gil-Pelaez inversion.

    Characteristic function in the form of Albrecher et al. 2007 (no branch crossing).
    """
    m = market
    if kind == "unit":
        return math.exp(-m.rate * maturity)
    if kind == "asset":
        return m.spot * math.exp(-m.dividend * maturity)
    nodes, weights = np.polynomial.legendre.leggauss(64)
    edges = np.concatenate([[0.0], np.geomspace(1.0, 512.0, 10)])
    u = np.concatenate([a + (b - a) * (nodes + 1) / 2 for a, b in itertools.pairwise(edges)])
    du = np.concatenate([(b - a) / 2 * weights for a, b in itertools.pairwise(edges)])
    log_forward = math.log(m.spot) + (m.rate - m.dividend) * maturity

    def characteristic(v: NDArray[Any]) -> NDArray[np.complex128]:
        iv = 1j * v
        b = m.kappa - m.corr * m.xi * iv
        d = np.sqrt(b * b + m.xi**2 * (iv + v * v))
        g = (b - d) / (b + d)
        e = np.exp(-d * maturity)
        big_c = m.kappa * m.theta / m.xi**2 * (
            (b - d) * maturity - 2 * np.log((1 - g * e) / (1 - g))
        )  # fmt: skip
        big_d = (b - d) / m.xi**2 * (1 - e) / (1 - g * e)
        return np.asarray(np.exp(iv * log_forward + big_c + big_d * m.v0))

    k = math.log(strike)
    below = characteristic(u)
    share = characteristic(u - 1j) / math.exp(log_forward)
    p2 = 0.5 + float(np.sum(du * np.real(np.exp(-1j * u * k) * below / (1j * u)))) / math.pi
    p1 = 0.5 + float(np.sum(du * np.real(np.exp(-1j * u * k) * share / (1j * u)))) / math.pi
    discount = math.exp(-m.rate * maturity)
    forward = m.spot * math.exp(-m.dividend * maturity)
    if kind == "digital":
        return discount * p2
    call = forward * p1 - strike * discount * p2
    return call if kind == "call" else call - forward + strike * discount


def geometric_basket(market: BasketMarket, kind: str, strike: float, maturity: float) -> float:
    """Return the claim on prod S_i^(w_i / sum w) times sum w: lognormal, hence Black-Scholes."""
    total = sum(market.weights)
    share = np.array(market.weights) / total
    vols = np.array(market.vols)
    vol = math.sqrt(float(share @ (np.outer(vols, vols) * np.array(market.correlation)) @ share))
    drift = float(share @ (market.rate - np.array(market.dividends) - 0.5 * vols**2))
    level = total * math.exp(float(share @ np.log(np.array(market.spots))))
    # a lognormal with this drift is a stock that pays the dividend below
    dividend = market.rate - drift - 0.5 * vol**2
    return float(black_scholes(kind, level, strike, market.rate, dividend, vol, maturity))


def vanilla(option: StepOption, market: Market) -> Vector:
    """Return the price of f(S_T) without a weight; InvalidInput where there is no formula."""
    T = option.maturity
    if T == 0:
        return payoff(option, market)
    if isinstance(market, BlackScholesMarket):
        return black_scholes(option.kind, market.spot, option.strike, market.rate,
                             market.dividend, market.vol, T)  # fmt: skip
    if isinstance(market, HestonMarket):
        return np.asarray(heston_vanilla(option.kind, float(option.strike), T, market))
    if isinstance(market, PiecewiseMarket):
        mean = market.averaged(T)
        return black_scholes(option.kind, market.spot, option.strike, mean.rate, mean.dividend,
                             mean.vol, T)  # fmt: skip
    raise InvalidInput(
        "market", type(market).__name__, "a market with a closed form for the vanilla claim"
    )


def intrinsic(option: StepOption, market: Market) -> Vector:
    """Return the price at maturity zero: no time has been spent, but a touch has knocked out."""
    out = np.where(option.knocked_out(market.spot), 0.0, payoff(option, market))
    return np.asarray(payoff(option, market) - out if option.knock == "in" else out)


def payoff(option: StepOption, market: Market) -> Vector:
    """Return f at today's price, without a weight."""
    if isinstance(market, BasketMarket):
        return option.payoff(float(np.dot(market.weights, market.spots)))
    return option.payoff(market.spot)
