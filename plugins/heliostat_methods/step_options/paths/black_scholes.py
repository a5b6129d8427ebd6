"""Paths under Black-Scholes: any number of barriers, all steps in one compiled pass."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heliostat_methods.step_options.arithmetic.philox import keys
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.reduced import source_terms
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.paths import kernels as pk
from heliostat_methods.step_options.paths.brownian_bridge import bridge_order
from heliostat_methods.step_options.paths.given_normals import riemann_rates
from heliostat_methods.step_options.paths.settings import PathSettings
from heliostat_methods.step_options.paths.step_plan import path_plan
from heliostat_methods.step_options.weights.barrier import Barrier, step_rates
from heliostat_methods.step_options.weights.bridge import BridgeWeightTable
from heliostat_methods.step_options.weights.staircase import StaircaseWeightTable

_NO_ORDER: tuple[Any, Any] = (np.empty((0, 3), np.int64), np.empty((0, 3)))
"""No order: normals are taken as they come."""


def _parameters(option: StepOption, spot: float, nu: float, vol: float, steps: int,
                rate: float, mirror: float) -> Vector:  # fmt: skip
    """Return the kernel's parameters for steps of T / steps; positions from the lowest barrier."""
    T = option.maturity
    scale = vol * math.sqrt(T / steps)
    level = option.levels_at(0.0)[0]
    terminal = option.levels_at(T)[0]
    p = np.zeros(pk.PARAMETERS)
    p[pk.Z0] = mirror * math.log(spot / level) / scale
    p[pk.DRIFT] = mirror * nu * T / steps / scale
    p[pk.SCALE], p[pk.LEVEL] = scale, terminal
    p[pk.LOG_STRIKE] = math.log(float(option.strike) / terminal)
    source = source_terms(option.kind, np.asarray(float(option.strike)), terminal)
    p[pk.C1_LOW], p[pk.C0_LOW], p[pk.C1_HIGH], p[pk.C0_HIGH] = source
    p[pk.DISCOUNT] = math.exp(-rate * T)
    return p


def sample_black_scholes(option: StepOption, market: BlackScholesMarket, settings: PathSettings,
                         seed: int, first: int, count: int) -> Vector:  # fmt: skip
    """Return weighted payoff, payoff and asset, discounted, (3, count / strata)."""
    naive = settings.weights == "naive"
    steps = len(path_plan(option, market, settings.steps, tilt=settings.tilt, naive=naive))
    dt = option.maturity / steps
    gamma = float(option.common_gamma or 0.0)
    nu = market.rate - market.dividend - gamma - market.vol**2 / 2
    scale = market.vol * math.sqrt(dt)
    mirror, factor, naive_kind, window = 1.0, 1.0, 0, 0.0
    breaks, rates = np.zeros(1), np.zeros(2)
    table = BridgeWeightTable.build(math.inf)
    plane = table.plane
    levels = np.array(option.levels_at(0.0))
    if naive:
        mode = pk.NAIVE
        breaks = np.log(levels / levels[0]) / scale
        unit = option.rates if option.amortisation != "delayed" else tuple(
            1.0 if c else 0.0 for c in option.charged
        )  # fmt: skip
        rates = riemann_rates(unit, dt)
        naive_kind = ("proportional", "simple", "delayed").index(option.amortisation)
        window = float(option.window or 0.0)
    elif len(option.barriers) == 1:
        barrier = Barrier.of(option)
        mirror = barrier.mirror
        if settings.weights == "knock_out" or barrier.rate == math.inf:
            mode, factor = pk.KNOCK, math.exp(-barrier.common * option.maturity)
        else:
            mode, table = pk.BRIDGE, BridgeWeightTable.build(barrier.rate * dt)
            plane = table.plane
            factor = math.exp(-barrier.common * option.maturity)
    else:
        mode = pk.STAIRS
        positions = tuple(float(b) for b in np.log(levels / levels[0]) / scale)
        stairs = StaircaseWeightTable.build(positions, step_rates(option.rates, dt))
        breaks, plane = stairs.edges, stairs.plane
    p = _parameters(option, float(market.spot), nu, market.vol, steps, market.rate, mirror)
    p[pk.TILT] = mirror * settings.tilt
    order, weights = bridge_order(steps) if settings.strata > 1 and steps > 1 else _NO_ORDER
    out = np.zeros((3, count // settings.strata))
    pk.simulate(
        first, count, steps, *keys(seed), 0, mode, int(settings.antithetic),
        settings.strata, mirror, p, np.ascontiguousarray(breaks), rates, table.line, plane,
        table.numbers, order, weights, naive_kind, window, out,
    )  # fmt: skip
    out[0] *= factor
    return out
