"""The pricing equation on a grid: Crank-Nicolson with a Rannacher start, all cell-averaged.

y = ln S - ln B_1(t) makes barriers stand still when they share a growth rate; others move through
the cells. The first two barriers lie on edges of cells, payoff and rate are averages over cells,
and four implicit half steps damp what Crank-Nicolson would let ring in gamma. The error is then
smooth in the grid, so that two grids extrapolate.
"""

from __future__ import annotations

import itertools
import math
import time

import numpy as np

from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.market import BlackScholesMarket, Market, PiecewiseMarket
from heliostat_methods.step_options.reduced import source_terms
from heliostat_methods.step_options.result import Result
from heliostat_methods.step_options.validation import InvalidInput, Unsupported, Vector


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
    if not isinstance(market, BlackScholesMarket | PiecewiseMarket):
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


def _parameters(market: BlackScholesMarket | PiecewiseMarket, t: float) -> tuple[float, ...]:
    if isinstance(market, PiecewiseMarket):
        return market.at(t)
    return market.rate, market.dividend, market.vol


def _march(option: StepOption, market: BlackScholesMarket | PiecewiseMarket, nodes: int,
           steps: int) -> tuple[float, float, float]:  # fmt: skip
    T, gamma = option.maturity, option.gammas[0]
    cuts = [t for t in getattr(market, "times", ()) if t < T]
    vols = [_parameters(market, t)[2] for t in (0.0, *cuts)]
    drifts = [r - q - gamma - v * v / 2
              for r, q, v in (_parameters(market, t) for t in (0.0, *cuts))]  # fmt: skip
    y0 = math.log(float(market.spot) / option.levels_at(0.0)[0])
    reach = 7.5 * max(vols) * math.sqrt(T) + max(max(drifts), -min(drifts), 0.0) * T
    h = 2 * reach / nodes
    if len(option.barriers) > 1:
        levels = option.levels_at(0.0)
        gap = math.log(levels[1] / levels[0])
        h = gap / max(2, 2 * round(gap / (2 * h)))
    m = round(y0 / h)
    # half-integer places: the first barrier, at 0, is the edge of a cell
    y = np.asarray(h * (np.arange(m - nodes // 2, m + nodes // 2) + 0.5), dtype=np.float64)
    values = _average_claim(option, y, h)
    edges = [0.0, *cuts, T]
    for start, end in reversed(list(itertools.pairwise(edges))):
        r, q, vol = _parameters(market, start)
        count = max(2, round(steps * (end - start) / T))
        dt = (end - start) / count
        # a kink in the payoff or a jump of the coefficients: four implicit half steps
        plan = [(dt / 2, 1.0)] * 4 + [(dt, 0.5)] * (count - 2)
        at = end
        still = option.common_gamma is not None
        lower, diagonal, upper = _operator(option, y, h, r, q, vol, gamma, (start + end) / 2)
        factored: dict[tuple[float, float], tuple[Vector, ...]] = {}
        for length, implicit in plan:
            at -= length
            if not still:
                lower, diagonal, upper = _operator(option, y, h, r, q, vol, gamma, at + length / 2)
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


def _operator(option: StepOption, y: Vector, h: float, r: float, q: float, vol: float,
              gamma: float, t: float) -> tuple[Vector, Vector, Vector]:  # fmt: skip
    """Return the three diagonals of vol^2/2 d2 + nu d1 - (r + V); linear in S at both ends."""
    nu = r - q - gamma - vol * vol / 2
    a = vol * vol / (2 * h * h)
    lower, upper = np.full(y.shape, a - nu / (2 * h)), np.full(y.shape, a + nu / (2 * h))
    diagonal = -2 * a - r - _average_rate(option, y, h, t)
    # far out the claim is linear in S: U'' = U', taken one-sided
    slope = nu + vol * vol / 2
    upper[0], lower[-1] = slope / h, -slope / h
    diagonal[0] += 2 * a - slope / h
    diagonal[-1] += 2 * a + slope / h
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
