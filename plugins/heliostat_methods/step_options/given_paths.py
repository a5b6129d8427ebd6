"""Weighted payoffs of given normals: what quasi-random points, levels and chains share.

x has one row for each normal: `steps` for Black-Scholes and local volatility.
"""

from __future__ import annotations

import math

import numpy as np

from heliostat_methods.step_options import path_kernels as pk
from heliostat_methods.step_options.bridge_weight import BridgeWeightTable
from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.market import BlackScholesMarket, LocalVolMarket, Market
from heliostat_methods.step_options.paths import Barrier, step_parameters
from heliostat_methods.step_options.staircase_weight import StaircaseWeightTable, step_stairs
from heliostat_methods.step_options.validation import Unsupported, Vector


def weighted_payoffs(option: StepOption, market: Market, x: Vector) -> Vector:
    """Return discounted weight * payoff (n,) of standard normals x (steps, n)."""
    if isinstance(market, LocalVolMarket):
        from heliostat_methods.step_options.volatility_paths import local_vol_columns

        return np.asarray(local_vol_columns(option, market, x, naive=False)[0])
    weight, payoff = weights_and_payoffs(option, market, x)
    return np.asarray(weight * payoff)


def weights_and_payoffs(option: StepOption, market: Market, x: Vector) -> tuple[Vector, Vector]:
    """Return weights (n,) and discounted payoffs (n,) under Black-Scholes."""
    if not isinstance(market, BlackScholesMarket) or option.common_gamma is None:
        raise Unsupported(
            "market", type(market).__name__, "Black-Scholes, barriers with one growth rate",
            "use mc_bridge or pde",
        )  # fmt: skip
    if option.amortisation != "proportional":
        raise Unsupported(
            "amortisation", option.amortisation, "proportional", 'use method="occupation"'
        )
    steps, n = x.shape
    dt = option.maturity / steps
    nu = market.rate - market.dividend - option.common_gamma - market.vol**2 / 2
    x = np.ascontiguousarray(x)
    single = len(option.barriers) == 1
    barrier = Barrier.of(option) if single else Barrier(1.0, 0.0, 0.0)
    p = step_parameters(option, float(market.spot), nu, market.vol, steps, market.rate,
                        barrier.mirror)  # fmt: skip
    z, w = np.full(n, p[pk.Z0]), np.ones(n)
    if single:
        table = BridgeWeightTable.build(barrier.rate * dt)
        before, cross = np.empty(n), np.empty(n + 1, np.int64)
        for j in range(steps):
            pk.step_bridge(z, x[j], p[pk.DRIFT], 1.0, w, before, cross, table.line, table.plane,
                           table.numbers)  # fmt: skip
        w *= math.exp(-barrier.common * option.maturity)
    else:
        scale = market.vol * math.sqrt(dt)
        levels = np.log(np.array(option.levels_at(0.0)))
        positions = tuple(float(b) for b in (levels - levels[0]) / scale)
        stairs = StaircaseWeightTable.build(positions, tuple(r * dt for r in option.rates))
        for j in range(steps):
            step_stairs(z, x[j], p[pk.DRIFT], 1.0, w, stairs.edges, stairs.plane)
    terminal = p[pk.LEVEL] * np.exp(p[pk.SCALE] * barrier.mirror * z)
    return w, p[pk.DISCOUNT] * option.payoff(terminal)
