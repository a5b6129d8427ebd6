"""Weights and payoffs of given normals: what quasi-random points, levels and chains share.

x has one row for each step. With parameters by intervals the scale of z changes where an interval
ends; the weight of every step stays exact, since none crosses an end.
"""

from __future__ import annotations

import math

import numpy as np

from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    LocalVolMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import TimeStep
from heliostat_methods.step_options.contracts.validation import Unsupported, Vector
from heliostat_methods.step_options.paths import kernels as pk
from heliostat_methods.step_options.paths.step_plan import own_tilt, path_plan, surface_steps
from heliostat_methods.step_options.weights.barrier import Barrier, step_rates
from heliostat_methods.step_options.weights.bridge import BridgeWeightTable
from heliostat_methods.step_options.weights.staircase import StaircaseWeightTable, step_stairs

WHOLE = 1e5
"""A charge that leaves nothing, e^-WHOLE = 0."""


def dimensions(option: StepOption, market: Market, steps: int, halvings: int = 0) -> int:
    """Return how many rows of normals `weighted_payoffs` takes."""
    if isinstance(market, LocalVolMarket):
        return surface_steps(option, market, steps) << halvings
    return len(given_plan(option, market, steps, halvings))


def given_plan(
    option: StepOption, market: Market, steps: int, halvings: int = 0
) -> tuple[TimeStep, ...]:
    """Return the steps that rows of normals belong to."""
    one = _one_asset(option, market)
    return path_plan(option, one, steps, halvings, own_tilt(option, one))


def weighted_payoffs(
    option: StepOption, market: Market, x: Vector, steps: int, halvings: int = 0
) -> Vector:
    """Return discounted weight * payoff (n,) of standard normals x (dimensions, n)."""
    if isinstance(market, LocalVolMarket):
        # compiled when it is first imported
        from heliostat_methods.step_options.paths.volatility import local_vol_columns

        return np.asarray(local_vol_columns(option, market, x, naive=False)[0])
    if option.amortisation != "proportional":
        raise Unsupported(
            "amortisation", option.amortisation, "proportional", 'use method="occupation"'
        )
    market = _one_asset(option, market)
    plan = given_plan(option, market, steps, halvings)
    if own_tilt(option, market) == 0.0:
        weight, terminal = path_weights(option, market, plan, x)
        return np.asarray(weight * discount(plan) * option.payoff(terminal))
    weight, terminal = path_weights(
        option, market, plan, x + np.array([step.deviation for step in plan])[:, None]
    )
    forward = float(market.spot) * math.exp(-sum(step.dividend * step.length for step in plan))
    return np.asarray(weight * forward * option.payoff(terminal) / terminal)


def discount(plan: tuple[TimeStep, ...]) -> float:
    """Return the discount factor over all steps."""
    return math.exp(-sum(step.rate * step.length for step in plan))


def path_weights(
    option: StepOption, market: BlackScholesMarket | PiecewiseMarket, plan: tuple[TimeStep, ...],
    x: Vector, naive: bool = False,
) -> tuple[Vector, Vector]:  # fmt: skip
    """Return weights (n,) and S_T (n,); naive: by a Riemann sum instead of exact weights."""
    n, gamma = x.shape[1], float(option.common_gamma or 0.0)
    x = np.ascontiguousarray(x)
    levels = np.log(np.array(option.levels_at(0.0)))
    breaks = levels - levels[0]
    single = len(breaks) == 1 and not naive
    barrier = Barrier.of(option) if single else Barrier(1.0, 0.0, 0.0)
    mirror = barrier.mirror
    y0 = math.log(float(market.spot)) - float(levels[0])
    scale = plan[0].deviation
    z, w = np.full(n, mirror * y0 / scale), np.zeros(n) if naive else np.ones(n)
    before, cross = np.empty(n), np.empty(n + 1, np.int64)
    delayed = option.amortisation == "delayed"  # counts time wherever there is a rate
    unit = np.array(option.charged if delayed else option.rates, float)
    common = 0.0
    for j, step in enumerate(plan):
        if step.deviation != scale:
            z *= scale / step.deviation
            scale = step.deviation
        dt = step.length
        charge = dt * (float(step.charge > 0) if delayed else step.charge)
        drift = (step.rate - step.dividend - gamma - step.vol**2 / 2) * dt / scale
        if naive:
            rates = riemann_rates(tuple(unit), charge)
            pk.step_naive(z, x[j], drift, 1.0, w, breaks / scale, rates)
        elif single:
            rate, shared = step_rates((barrier.rate, barrier.common), charge)
            table = BridgeWeightTable.build(rate)
            common += shared
            pk.step_bridge(z, x[j], mirror * drift, mirror, w, before, cross, table.line,
                           table.plane, table.numbers)  # fmt: skip
        else:
            positions = tuple(float(b) for b in breaks / scale)
            stairs = StaircaseWeightTable.build(positions, step_rates(option.rates, charge))
            step_stairs(z, x[j], drift, 1.0, w, stairs.edges, stairs.plane)
    if naive:
        w = charged(option, w)
    else:
        w *= math.exp(-common)
    return w, option.levels_at(option.maturity)[0] * np.exp(scale * mirror * z)


def riemann_rates(unit: tuple[float, ...], length: float) -> Vector:
    """Return the charges of a step of a Riemann sum; one that leaves nothing stays finite."""
    return np.asarray(np.minimum(step_rates(unit, length), WHOLE), dtype=np.float64)


def charged(option: StepOption, total: Vector) -> Vector:
    """Return the weights of charges (or, for delayed contracts, times) summed along paths."""
    if option.amortisation == "proportional":
        return np.asarray(np.exp(-total))
    if option.amortisation == "simple":
        return np.asarray(np.maximum(1.0 - total, 0.0))
    return np.asarray((total < float(option.window or 0.0)) * 1.0)


def _one_asset(option: StepOption, market: Market) -> BlackScholesMarket | PiecewiseMarket:
    if isinstance(market, BlackScholesMarket | PiecewiseMarket) and (
        option.common_gamma is not None
    ):
        return market
    raise Unsupported(
        "market", type(market).__name__,
        "Black-Scholes, also by intervals, or local volatility; barriers with one growth rate",
        "use mc_bridge or pde",
    )  # fmt: skip
