"""The path integral as it stands: a few time slices, each an integral over one grid.

V <- K_dt V with K_dt = phi * W, exact for any length of the slice, on Gauss-Legendre panels that
end at barriers and (at maturity) at the strike. Nodes have to resolve sqrt(dt), so panels shrink
with it.
"""

from __future__ import annotations

import itertools
import math
import time

import numpy as np

from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.reduced import source_terms
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import InvalidInput, Unsupported, Vector
from heliostat_methods.step_options.weights.barrier import Barrier
from heliostat_methods.step_options.weights.bridge import BridgeWeightTable
from heliostat_methods.step_options.weights.staircase import StaircaseWeightTable


def price_grid(option: StepOption, market: Market, greeks: bool = False, slices: int = 4,
               panel_nodes: int = 8) -> Result:  # fmt: skip
    """Return the price by `slices` deterministic integrals; `panel_nodes` nodes in each panel."""
    began = time.perf_counter()
    if slices < 1:
        raise InvalidInput("slices", slices, "at least 1")
    if option.amortisation != "proportional" or option.common_gamma is None:
        raise Unsupported(
            "contract", (option.amortisation, option.gamma),
            'proportional, barriers with one growth rate, for method="path_integral_grid"',
            'use "occupation" for other weights, "pde" for other barriers',
        )  # fmt: skip
    if not isinstance(market, BlackScholesMarket | PiecewiseMarket):
        raise Unsupported(
            "market", type(market).__name__, "one asset with known volatility", "use mc_bridge"
        )
    value, size = _integrate(option, market, slices, panel_nodes)
    coarse, _ = _integrate(option, market, slices, max(3, panel_nodes - 2))
    return Result(
        price=value,
        method="path_integral_grid",
        # tables of several barriers are good to about 1e-8 of the price's scale
        abs_error_estimate=abs(value - coarse)
        + (5e-8 if len(option.barriers) > 1 else 1e-9) * float(market.spot),
        n_evals=slices * size,
        wall_s=time.perf_counter() - began,
        details={"slices": slices, "nodes": size},
    )


def _integrate(option: StepOption, market: BlackScholesMarket | PiecewiseMarket, slices: int,
               panel_nodes: int) -> tuple[float, int]:  # fmt: skip
    T, gamma = option.maturity, float(option.common_gamma or 0.0)
    if isinstance(market, PiecewiseMarket):
        spans = market.spans(T)
    else:
        spans = ((T, market.rate, market.dividend, market.vol, 1.0),)
    plan = []
    for length, r, q, vol, charge in spans:
        count = max(1, round(slices * length / T))
        plan += [(length / count, r, q, vol, charge)] * count
    deviation = math.sqrt(sum(dt * v * v for dt, _, _, v, _ in plan))
    drift = sum(dt * (r - q - gamma - v * v / 2) for dt, r, q, v, _ in plan)
    levels = np.log(np.array(option.levels_at(0.0)))
    breaks = levels - levels[0]
    y0 = math.log(float(market.spot)) - levels[0]
    terminal = option.levels_at(T)[0]
    k = math.log(float(option.strike) / terminal)
    lo = y0 + min(drift, 0.0) - 8.0 * deviation
    hi = y0 + max(drift, 0.0) + deviation**2 + 8.0 * deviation
    shortest = min(v * math.sqrt(dt) for dt, _, _, v, _ in plan)
    fixed = sorted({lo, hi, *(float(b) for b in (*breaks, k) if lo < b < hi)})
    edges = [fixed[0]]
    for a, b in itertools.pairwise(fixed):
        n = max(1, math.ceil((b - a) / (0.9 * shortest)))
        edges += [a + (b - a) * (i + 1) / n for i in range(n)]
    x, w = np.polynomial.legendre.leggauss(panel_nodes)
    left, width = np.array(edges[:-1])[:, None], np.diff(edges)[:, None]
    y, dy = (left + width * (x + 1) / 2).ravel(), (width * w / 2).ravel()
    source = source_terms(option.kind, np.asarray(float(option.strike)), terminal)
    values = np.where(y > k, source[2] * np.exp(y) + source[3], source[0] * np.exp(y) + source[1])
    matrix, made = np.empty(0), None
    for i, step in enumerate(reversed(plan)):
        last = i == len(plan) - 1
        if last:
            return float(_kernel(option, np.array([y0]), y, breaks, gamma, *step)[0] @ (
                dy * values
            )), len(y)  # fmt: skip
        if made != step:
            matrix, made = _kernel(option, y, y, breaks, gamma, *step), step
        values = matrix @ (dy * values)
    raise AssertionError("a plan has at least one slice")


def _kernel(option: StepOption, y: Vector, y_next: Vector, breaks: Vector, gamma: float,
            dt: float, r: float, q: float, vol: float, charge: float) -> Vector:  # fmt: skip
    """Return the discounted one-slice kernel (n, m) in y."""
    scale = vol * math.sqrt(dt)
    z, z_next = np.broadcast_arrays(y[:, None] / scale, y_next[None, :] / scale)
    if len(breaks) == 1:
        barrier = Barrier.of(option)
        table = BridgeWeightTable.build(barrier.rate * charge * dt)
        weight = table.weight(barrier.mirror * z, barrier.mirror * z_next)
        weight = weight * math.exp(-barrier.common * charge * dt)
    else:
        positions = tuple(float(b) for b in breaks / scale)
        stairs = StaircaseWeightTable.build(positions, tuple(v * charge * dt for v in option.rates))
        weight = stairs.weight(z, z_next)
    mean = (r - q - gamma - vol * vol / 2) * dt / scale
    density = np.exp(-((z_next - z - mean) ** 2) / 2) / (math.sqrt(2 * math.pi) * scale)
    return np.asarray(math.exp(-r * dt) * density * weight)
