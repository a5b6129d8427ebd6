"""Prices of step options with as many digits as it takes: an mpmath reference for the tests.

Fixed Talbot inversion (Abate and Valko 2004) of the price in Laplace space, which is solved by
carrying the solution that decays on either side, and a particular one, to the spot. Nodes and
digits grow until two sums agree; both have to grow with |nu| sqrt(T) / vol.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from heliostat_methods.step_options import BlackScholesMarket, StepOption


def black_scholes_reference(option: StepOption, market: BlackScholesMarket) -> Any:
    """Return the price of f(S_T) without barriers."""
    with mp.workdps(60):
        s, k, T = mp.mpf(float(market.spot)), mp.mpf(float(option.strike)), mp.mpf(option.maturity)
        r, q, v = map(mp.mpf, (market.rate, market.dividend, market.vol))
        bond, share = mp.exp(-r * T), s * mp.exp(-q * T)
        d1 = (mp.log(s / k) + (r - q + v * v / 2) * T) / (v * mp.sqrt(T))
        d2 = d1 - v * mp.sqrt(T)
        value = {
            "call": lambda: share * mp.ncdf(d1) - k * bond * mp.ncdf(d2),
            "put": lambda: k * bond * mp.ncdf(-d2) - share * mp.ncdf(-d1),
            "digital": lambda: bond * mp.ncdf(d2),
            "unit": lambda: bond,
            "asset": lambda: share,
        }[option.kind]()
        return float(value)


def reference(option: StepOption, market: BlackScholesMarket, digits: float = 1e-13) -> Any:
    """Return price, delta and gamma to `digits` of the spot (or of 1), and whether they settled.

    A spot on a barrier is seen from below. Rates are finite, barriers share their growth rate.
    """
    before = None
    scale = 1.0 if option.kind in ("unit", "digital") else max(1.0, float(market.spot))
    for nodes in (40, 70, 120, 200, 320):
        found = _talbot(option, market, nodes)
        if before is not None and abs(found[0] - before[0]) < digits * scale:
            return tuple(map(float, found)), True
        before = found
    return tuple(map(float, before or ())), False


def _talbot(option: StepOption, market: BlackScholesMarket, nodes: int) -> Any:
    with mp.workdps(40 + 2 * nodes):
        problem = _problem(option, market)
        T = mp.mpf(option.maturity)
        r, q = mp.mpf(market.rate), mp.mpf(market.dividend)
        gamma = mp.mpf(option.common_gamma or 0.0)
        shift = max(mp.mpf(0), r - q - gamma) + max(mp.mpf(0), -min(map(mp.mpf, option.rates)))
        radius = mp.mpf(2 * nodes) / (5 * T)
        total = [mp.mpf(0)] * 3
        for k in range(nodes):
            if k == 0:
                s, w = mp.mpc(radius), mp.mpc(mp.exp(radius * T) / 2)
            else:
                angle = k * mp.pi / nodes
                cot = mp.cot(angle)
                s = radius * angle * mp.mpc(cot, 1)
                w = mp.exp(T * s) * mp.mpc(1, angle + (angle * cot - 1) * cot)
            values = _solve(s + shift, *problem)
            total = [t + (w * u).real for t, u in zip(total, values, strict=True)]
        factor = radius / nodes * mp.exp((shift - r) * T)
        u, u1, u2 = (factor * t for t in total)
        spot = mp.mpf(float(market.spot))
        return u, u1 / spot, (u2 - u1) / spot**2


def _problem(option: StepOption, market: BlackScholesMarket) -> Any:
    """Return nu, vol, spot, breakpoints (strike among them), rates and source of each region."""
    gamma = mp.mpf(option.common_gamma or 0.0)
    T = mp.mpf(option.maturity)
    first = 0 if option.anchor == "start" else -gamma * T
    levels = [mp.mpf(b) * mp.exp(first) for b in option.barriers]
    origin, strike = levels[0], mp.mpf(float(option.strike))
    k = mp.log(strike / origin) - gamma * T
    breaks = [mp.log(b / origin) for b in levels]
    terminal = origin * mp.exp(gamma * T)
    c = {"call": (0, 0, terminal, -strike), "put": (-terminal, strike, 0, 0),
         "digital": (0, 0, 0, 1), "unit": (0, 1, 0, 1),
         "asset": (terminal, 0, terminal, 0)}[option.kind]  # fmt: skip
    at = sum(1 for b in breaks if b <= k)
    rates = list(map(mp.mpf, option.rates))
    points = [*breaks[:at], k, *breaks[at:]]
    values = [*rates[: at + 1], rates[at], *rates[at + 1 :]]
    sides = [tuple(map(mp.mpf, c[:2]))] * (at + 1)
    sides += [tuple(map(mp.mpf, c[2:]))] * (len(breaks) + 1 - at)
    vol = mp.mpf(market.vol)
    nu = mp.mpf(market.rate) - mp.mpf(market.dividend) - gamma - vol * vol / 2
    return nu, vol, mp.log(mp.mpf(float(market.spot)) / origin), points, values, sides


def _solve(s: Any, nu: Any, vol: Any, y: Any, points: Any, values: Any, sides: Any) -> Any:
    s2 = vol * vol

    def region(i: int) -> Any:
        sv = s + values[i]
        root = mp.sqrt(nu * nu + 2 * s2 * sv)
        c1, c0 = sides[i]
        return (root - nu) / s2, (-nu - root) / s2, c1 / (sv - nu - s2 / 2), c0 / sv

    place = sum(1 for p in points if p < y)

    def carried(order: list[int], ends: list[Any], decaying: int) -> Any:
        """The decaying solution and a particular one as (U, U') at the spot."""
        here = region(order[0])
        h = (mp.mpc(1), here[decaying])
        p = _particular(here, ends[0])
        for i, start, end in zip(order[1:], ends, ends[1:], strict=False):
            here = region(i)
            d = end - start
            at_start, at_end = _particular(here, start), _particular(here, end)
            rest = (p[0] - at_start[0], p[1] - at_start[1])
            rest, h = _move(rest, here, d), _move(h, here, d)
            p = (at_end[0] + rest[0], at_end[1] + rest[1])
            size = abs(h[0]) + abs(h[1])
            h = (h[0] / size, h[1] / size)
        return h, p

    (a, da), (p, dp) = carried(list(range(place + 1)), [*points[:place], y], 0)
    above = list(range(len(points), place - 1, -1))
    (b, db), (g, dg) = carried(above, [*reversed(points[place:]), y], 1)
    # p + x a = g + z b, and the same for the slopes
    x = ((g - p) * db - (dg - dp) * b) / (a * db - da * b)
    u, du = p + x * a, dp + x * da
    c1, c0 = sides[place]
    return u, du, 2 / s2 * ((s + values[place]) * u - nu * du - c1 * mp.exp(y) - c0)


def _particular(here: Any, y: Any) -> Any:
    share = here[2] * mp.exp(y)
    return share + here[3], share


def _move(start: Any, here: Any, d: Any) -> Any:
    lp, lm = here[0], here[1]
    up = (start[1] - lm * start[0]) / (lp - lm)
    down = start[0] - up
    up, down = up * mp.exp(lp * d), down * mp.exp(lm * d)
    return up + down, lp * up + lm * down


def draw(rng: np.random.Generator) -> tuple[StepOption, BlackScholesMarket]:
    """Return a contract and a market from the whole box that closed forms are for.

    vol 1e-3 to 3 and T 1e-4 to 50 (both logarithmic), r, q and gamma within .5 of zero, 1 to 12
    barriers around where the price can go, rates of any size.
    """
    vol = float(np.exp(rng.uniform(np.log(1e-3), np.log(3.0))))
    maturity = float(np.exp(rng.uniform(np.log(1e-4), np.log(50.0))))
    rate, dividend, gamma = (float(x) for x in rng.uniform(-0.5, 0.5, 3))
    deviation = vol * np.sqrt(maturity)
    drift = (rate - dividend - vol * vol / 2) * maturity
    count = int(rng.integers(1, 13))
    # around the way from the spot to where drift leads, as wide as the price spreads
    width = deviation * float(np.exp(rng.uniform(np.log(0.05), np.log(3.0))))
    way = rng.uniform(0.0, 1.0, count) * (drift - gamma * maturity)
    logs = np.clip(np.sort(way + width * rng.normal(size=count)), -200.0, 200.0)
    levels = 100.0 * np.exp(logs)
    if rng.random() < 0.1:
        levels[int(rng.integers(count))] = 100.0
    levels = np.unique(levels)
    # half of the regions are free: where all are charged there is little to be seen
    size = 10.0 ** (rng.uniform(-1.0, 1.5) if rng.random() < 0.7 else rng.uniform(1.5, 8.0))
    rates = size / maturity * rng.choice([0.0, 0.0, 0.0, 0.3, 1.0, 2.0], len(levels) + 1)
    strike = float(100.0 * np.exp(np.clip(drift * rng.choice([0.0, 1.0]) + deviation * rng.normal(),
                                          -200.0, 200.0)))  # fmt: skip
    kind = str(rng.choice(["call", "put", "digital", "unit", "asset"]))
    option = StepOption(kind, strike, maturity, tuple(map(float, levels)),
                        tuple(map(float, rates)), gamma=gamma)  # fmt: skip
    return option, BlackScholesMarket(100.0, rate, dividend, vol)
