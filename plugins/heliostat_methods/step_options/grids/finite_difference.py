"""The pricing equation on a grid: Crank-Nicolson with a Rannacher start, all cell-averaged.

y = ln S - ln B_1(t) makes barriers stand still when they share a growth rate; others move through
the cells. The first two barriers lie on edges of cells, payoff and rate are averages over cells,
and four implicit half steps damp what Crank-Nicolson would let ring in gamma. The error is then
smooth in the grid, so that two grids extrapolate. A local volatility is taken at each node and in
the middle of each time step.
"""

from __future__ import annotations

import math
import time

import numpy as np

from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    LocalVolMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.reduced import source_terms
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import InvalidInput, Unsupported, Vector

OneFactor = BlackScholesMarket | PiecewiseMarket | LocalVolMarket


def price_pde(option: StepOption, market: Market, greeks: bool = False, nodes: int = 1000,
              steps: int | None = None) -> Result:  # fmt: skip
    """Return price, delta and gamma on `nodes` grid points and `steps` time steps (nodes / 2)."""
    began = time.perf_counter()
    if nodes < 20:
        raise InvalidInput("nodes", nodes, "at least 20")
    if option.amortisation != "proportional":
        raise Unsupported(
            "amortisation", option.amortisation, 'proportional for method="pde"',
            'use method="occupation" or "mc_naive"',
        )  # fmt: skip
    if not isinstance(market, OneFactor):
        raise Unsupported(
            "market", type(market).__name__, "one asset with known volatility", "use mc_bridge"
        )
    fine = _march(option, market, nodes, steps or nodes // 2)
    coarse = _march(option, market, nodes // 2, max((steps or nodes // 2) // 2, 4))
    spot = float(market.spot)
    u, u1, u2 = ((4 * f - c) / 3 for f, c in zip(fine, coarse, strict=True))
    return Result(
        price=u,
        method="pde",
        # the difference of the grids overstates the error of the extrapolated value
        abs_error_estimate=abs(fine[0] - coarse[0]) / 3 + 1e-6 * spot,
        delta=u1 / spot,
        gamma=(u2 - u1) / spot**2,
        n_evals=nodes * (steps or nodes // 2),
        wall_s=time.perf_counter() - began,
    )


def _spans(
    market: OneFactor, maturity: float
) -> tuple[tuple[float, float, float, float, float], ...]:
    """Return (years, rate, dividend, vol, charge) of intervals; of a local vol its largest value.

    Largest within five deviations of the spot: the wings of a surface would widen the grid for
    prices that are never reached.
    """
    if isinstance(market, PiecewiseMarket):
        return market.spans(maturity)
    if isinstance(market, LocalVolMarket):
        spot = math.log(market.spot)
        away = 5 * float(market.vol_at(spot, 0.0)) * math.sqrt(maturity)
        near = np.linspace(spot - away, spot + away, 101)
        times = np.linspace(0.0, maturity, 11)
        vol = max(float(market.vol_at(near, float(t)).max()) for t in times)
    else:
        vol = market.vol
    return ((maturity, market.rate, market.dividend, vol, 1.0),)


def _march(option: StepOption, market: OneFactor, nodes: int,
           steps: int) -> tuple[float, float, float]:  # fmt: skip
    T, gamma = option.maturity, option.gammas[0]
    spans = _spans(market, T)
    drifts = [r - q - gamma - v * v / 2 for _, r, q, v, _ in spans]
    log_level = math.log(option.levels_at(0.0)[0])
    y0 = math.log(float(market.spot)) - log_level
    reach = 7.5 * max(span[3] for span in spans) * math.sqrt(T)
    reach += max(max(drifts), -min(drifts), 0.0) * T
    h = 2 * reach / nodes
    if len(option.barriers) > 1:
        levels = option.levels_at(0.0)
        gap = math.log(levels[1] / levels[0])
        h = gap / max(2, 2 * round(gap / (2 * h)))
    m = round(y0 / h)
    # half-integer places: the first barrier, at 0, is the edge of a cell
    y = np.asarray(h * (np.arange(m - nodes // 2, m + nodes // 2) + 0.5), dtype=np.float64)
    values = _average_claim(option, y, h)
    still = option.common_gamma is not None and not isinstance(market, LocalVolMarket)
    at = T
    for years, r, q, vol, charge in reversed(spans):
        count = max(2, round(steps * years / T))
        dt = years / count
        # a kink in the payoff or a jump of the coefficients: four implicit half steps
        plan = [(dt / 2, 1.0)] * 4 + [(dt, 0.5)] * (count - 2)

        def operator(t: float, r: float = r, q: float = q, vol: float = vol,
                     charge: float = charge) -> tuple[Vector, Vector, Vector]:  # fmt: skip
            local = np.full(y.shape, vol)
            if isinstance(market, LocalVolMarket):
                local = market.vol_at(y + log_level + gamma * t, t)
            killing = charge * _average_rate(option, y, h, t)
            return _operator(y, h, r, r - q - gamma, local, killing)

        lower, diagonal, upper = operator(at - years / 2)
        factored: dict[tuple[float, float], tuple[Vector, ...]] = {}
        for length, implicit in plan:
            at -= length
            if not still:
                lower, diagonal, upper = operator(at + length / 2)
                factored = {}
            values = _step(values, lower, diagonal, upper, length, implicit, factored)
    return _at(values, y, y0, h)


def _at(values: Vector, y: Vector, y0: float, h: float) -> tuple[float, float, float]:
    """Return value and two derivatives at y0 by the cubic through the four nearest nodes."""
    i = min(max(math.floor((y0 - y[0]) / h), 1), len(y) - 3)
    t = (y0 - y[i]) / h
    cubic = np.polynomial.polynomial.Polynomial.fit(
        [-1.0, 0.0, 1.0, 2.0], values[i - 1 : i + 3], 3, domain=[-1, 1], window=[-1, 1]
    )
    return (
        float(cubic(t)),
        float(cubic.deriv()(t)) / h,
        float(cubic.deriv(2)(t)) / h**2,
    )


def _average_claim(option: StepOption, y: Vector, h: float) -> Vector:
    """Return the claim averaged over cells [y - h/2, y + h/2], exactly."""
    terminal = option.levels_at(option.maturity)[0]
    k = math.log(float(option.strike) / terminal)
    source = source_terms(option.kind, np.asarray(float(option.strike)), terminal)
    lo, hi = y - h / 2, y + h / 2
    middle = np.clip(k, lo, hi)
    total = source[0] * (np.exp(middle) - np.exp(lo)) + source[1] * (middle - lo)
    total += source[2] * (np.exp(hi) - np.exp(middle)) + source[3] * (hi - middle)
    return np.asarray(total / h)


def _average_rate(option: StepOption, y: Vector, h: float, t: float) -> Vector:
    """Return the rate averaged over cells at time t."""
    levels = np.log(np.array(option.levels_at(t)))
    breaks = levels - levels[0]
    rate = np.full(y.shape, option.rates[0])
    for b, below, above in zip(breaks, option.rates[:-1], option.rates[1:], strict=True):
        rate = rate + (above - below) * np.clip((y + h / 2 - b) / h, 0.0, 1.0)
    return rate


def _operator(y: Vector, h: float, r: float, carry: float, vol: Vector,
              killing: Vector) -> tuple[Vector, Vector, Vector]:  # fmt: skip
    """Return the three diagonals of vol^2/2 d2 + nu d1 - (r + V); linear in S at both ends.

    carry: growth of S over the barrier, so that nu = carry - vol^2 / 2. vol, killing: (nodes,).
    """
    nu = carry - vol * vol / 2
    a = vol * vol / (2 * h * h)
    lower, upper = a - nu / (2 * h), a + nu / (2 * h)
    diagonal = -2 * a - r - killing
    # far out the claim is linear in S: U'' = U', taken one-sided
    upper[0], lower[-1] = carry / h, -carry / h
    diagonal[0] += 2 * a[0] - carry / h
    diagonal[-1] += 2 * a[-1] + carry / h
    return lower, diagonal, upper


def _step(values: Vector, lower: Vector, diagonal: Vector, upper: Vector, dt: float,
          implicit: float,
          factored: dict[tuple[float, float], tuple[Vector, ...]]) -> Vector:  # fmt: skip
    from scipy.linalg import lapack

    right = values
    if implicit < 1:
        explicit = dt * (1 - implicit)
        right = values * (1 + explicit * diagonal)
        right[1:] += explicit * lower[1:] * values[:-1]
        right[:-1] += explicit * upper[:-1] * values[1:]
    key = (dt, implicit)
    if key not in factored:
        c = dt * implicit
        dl, d, du, du2, pivots, _ = lapack.dgttrf(-c * lower[1:], 1 - c * diagonal, -c * upper[:-1])
        factored[key] = (dl, d, du, du2, pivots)
    solved, _ = lapack.dgttrs(*factored[key], right)
    return np.asarray(solved)
