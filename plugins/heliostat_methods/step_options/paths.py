"""What is simulated: a contract, a model and the settings of its paths, as one plain value.

`sample(simulation, first, count)` returns columns of samples of paths first .. first + count - 1;
they depend on nothing else, so any chunk can be drawn anywhere. Column 0 is the weighted payoff,
the others are control variates with the means of `control_means`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from heliostat_methods.step_options.black_scholes import geometric_basket, vanilla
from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.market import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    LocalVolMarket,
    Market,
)
from heliostat_methods.step_options.reduced import source_terms
from heliostat_methods.step_options.validation import InvalidInput, Unsupported, Vector, choice

WEIGHTS = ("bridge", "naive", "knock_out")


@dataclass(frozen=True)
class PathSettings:
    """How paths are drawn.

    weights: "bridge" exact given the ends of each step, "naive" a Riemann sum of the rate,
    "knock_out" the limit of an infinite rate. steps: in time. antithetic: pairs of mirrored paths.
    controls: vanilla payoff and discounted S_T as control variates. strata: equal strata of the
    final value (with the steps in Brownian-bridge order). tilt: shift of the final value, in
    standard deviations, with its likelihood ratio.
    """

    weights: str = "bridge"
    steps: int = 1
    antithetic: bool = False
    controls: bool = True
    strata: int = 1
    tilt: float = 0.0

    def __post_init__(self) -> None:
        choice("weights", self.weights, WEIGHTS)
        for name in ("steps", "strata"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvalidInput(name, value, "an integer >= 1")
        if not math.isfinite(self.tilt):
            raise InvalidInput("tilt", self.tilt, "a finite number")


@dataclass(frozen=True)
class Simulation:
    """Everything that decides a path's sample: two equal ones give equal bits."""

    option: StepOption
    market: Market
    settings: PathSettings
    seed: int

    def __post_init__(self) -> None:
        o, s = self.option, self.settings
        if np.ndim(o.strike) or np.ndim(self.market.spot):
            raise InvalidInput("strike", o.strike, "one spot and one strike for Monte Carlo")
        if o.knock != "out":
            raise InvalidInput("knock", o.knock, "out (in = vanilla - out is taken outside)")
        if o.common_gamma is None:
            raise Unsupported("gamma", o.gamma, "one growth rate for Monte Carlo", 'use "pde"')
        if s.weights != "naive" and o.amortisation != "proportional":
            raise Unsupported(
                "amortisation", o.amortisation, "proportional for weights by steps",
                "use method=occupation, or mc_naive with many steps",
            )  # fmt: skip
        if s.weights == "knock_out" and (len(o.barriers) != 1 or sum(o.charged) != 1):
            raise Unsupported("barriers", o.barriers, "one barrier, charged on one side")
        several = not isinstance(self.market, BlackScholesMarket)
        if several and (len(o.barriers) != 1 or o.amortisation != "proportional"):
            raise Unsupported("barriers", o.barriers, "one barrier, proportional, for this model")
        if several and (s.strata > 1 or s.tilt or s.weights == "knock_out"):
            raise Unsupported("settings", s, "no strata, tilt or knock_out for this model")


@dataclass(frozen=True)
class Barrier:
    """One barrier seen from its charged side: mirrored for an up barrier, common rate taken out."""

    mirror: float
    rate: float
    common: float

    @classmethod
    def of(cls, option: StepOption) -> Barrier:
        """Return the form that the weight tables know: rate >= 0 below 0, nothing above."""
        below, above = option.rates
        common = min(below, above)
        return cls(-1.0 if above > below else 1.0, abs(below - above), common)


def column_names(simulation: Simulation) -> tuple[str, ...]:
    """Return the names of the columns of `sample`."""
    if not simulation.settings.controls:
        return ("price",)
    market = simulation.market
    if isinstance(market, BasketMarket):
        return ("price", "geometric", *(f"asset {i + 1}" for i in range(len(market.spots))))
    if isinstance(market, LocalVolMarket | HestonMarket):
        return ("price", "asset")
    return ("price", "vanilla", "asset")


def control_means(simulation: Simulation) -> tuple[float, ...]:
    """Return the exact means of the control columns.

    Heston and local volatility use the discounted asset only: their schemes keep its mean, while
    their own vanilla price has a bias that a vanilla control would carry into the answer.
    """
    names = column_names(simulation)[1:]
    option, market = simulation.option, simulation.market
    T = option.maturity
    means = []
    for name in names:
        if name == "vanilla":
            means.append(float(vanilla(option, market)))
        elif name == "geometric":
            assert isinstance(market, BasketMarket)
            means.append(geometric_basket(market, option.kind, float(option.strike), T))
        elif isinstance(market, BasketMarket):
            i = int(name.split()[1]) - 1
            means.append(market.spots[i] * math.exp(-market.dividends[i] * T))
        else:
            dividend = market.dividend
            assert isinstance(dividend, float)
            means.append(float(market.spot) * math.exp(-dividend * T))
    return tuple(means)


def sample(simulation: Simulation, first: int, count: int) -> Vector:
    """Return columns (k, count / strata) of paths first .. first + count - 1."""
    strata = simulation.settings.strata
    if count % strata or first % strata:
        raise InvalidInput("count", count, f"a multiple of strata = {strata}")
    market = simulation.market
    if isinstance(market, BlackScholesMarket):
        columns = _black_scholes(simulation, market, first, count)
    elif isinstance(market, BasketMarket):
        from heliostat_methods.step_options.basket_paths import sample_basket

        columns = sample_basket(simulation, market, first, count)
    elif isinstance(market, HestonMarket | LocalVolMarket):
        from heliostat_methods.step_options.volatility_paths import sample_volatility

        columns = sample_volatility(simulation, market, first, count)
    else:
        raise Unsupported("market", type(market).__name__, "constant parameters", 'use "pde"')
    return columns[: len(column_names(simulation))]


def step_parameters(option: StepOption, spot: float, nu: float, vol: float, steps: int,
                    rate: float, mirror: float, anchor: int = 0) -> Vector:  # fmt: skip
    """Return the kernel's parameters for steps of T / steps; positions from barrier `anchor`."""
    from heliostat_methods.step_options import path_kernels as pk

    T = option.maturity
    scale = vol * math.sqrt(T / steps)
    level = option.levels_at(0.0)[anchor]
    terminal = option.levels_at(T)[anchor]
    p = np.zeros(pk.PARAMETERS)
    p[pk.Z0] = mirror * math.log(spot / level) / scale
    p[pk.DRIFT] = mirror * nu * T / steps / scale
    p[pk.SCALE], p[pk.LEVEL] = scale, terminal
    p[pk.LOG_STRIKE] = math.log(float(option.strike) / terminal)
    source = source_terms(option.kind, np.asarray(float(option.strike)), terminal)
    p[pk.C1_LOW], p[pk.C0_LOW], p[pk.C1_HIGH], p[pk.C0_HIGH] = source
    p[pk.DISCOUNT] = math.exp(-rate * T)
    return p


def _black_scholes(simulation: Simulation, market: BlackScholesMarket, first: int,
                   count: int) -> Vector:  # fmt: skip
    from heliostat_methods.step_options import path_kernels as pk
    from heliostat_methods.step_options.bridge_weight import BridgeWeightTable
    from heliostat_methods.step_options.philox import keys
    from heliostat_methods.step_options.staircase_weight import StaircaseWeightTable

    option, settings = simulation.option, simulation.settings
    steps, dt = settings.steps, option.maturity / settings.steps
    gamma = float(option.common_gamma or 0.0)
    nu = market.rate - market.dividend - gamma - market.vol**2 / 2
    scale = market.vol * math.sqrt(dt)
    mirror, factor, naive_kind, window = 1.0, 1.0, 0, 0.0
    breaks, rates = np.zeros(1), np.zeros(2)
    table = BridgeWeightTable.build(math.inf)
    plane = table.plane
    theta = 0.0
    levels = np.array(option.levels_at(0.0))
    if settings.weights == "naive":
        mode = pk.NAIVE
        breaks = np.log(levels / levels[0]) / scale
        unit = option.rates if option.amortisation != "delayed" else tuple(
            1.0 if c else 0.0 for c in option.charged
        )  # fmt: skip
        rates = np.array(unit) * dt
        naive_kind = ("proportional", "simple", "delayed").index(option.amortisation)
        window = float(option.window or 0.0)
    elif len(option.barriers) == 1:
        barrier = Barrier.of(option)
        mirror, theta = barrier.mirror, barrier.rate * dt
        if settings.weights == "knock_out":
            mode = pk.KNOCK
        else:
            mode, table = pk.BRIDGE, BridgeWeightTable.build(theta)
            plane = table.plane
            factor = math.exp(-barrier.common * option.maturity)
    else:
        mode = pk.STAIRS
        positions = tuple(float(b) for b in np.log(levels / levels[0]) / scale)
        stairs = StaircaseWeightTable.build(positions, tuple(r * dt for r in option.rates))
        breaks, plane = stairs.edges, stairs.plane
    p = step_parameters(option, float(market.spot), nu, market.vol, steps, market.rate, mirror)
    p[pk.THETA], p[pk.TILT] = theta, mirror * settings.tilt
    order, weights = bridge_order(steps) if settings.strata > 1 and steps > 1 else _NO_ORDER
    out = np.zeros((3, count // settings.strata))
    pk.simulate(
        first, count, steps, *keys(simulation.seed), 0, mode, int(settings.antithetic),
        settings.strata, mirror, p, np.ascontiguousarray(breaks), rates, table.line, plane,
        table.numbers, order, weights, naive_kind, window, out,
    )  # fmt: skip
    out[0] *= factor
    return out


_NO_ORDER: tuple[Any, Any] = (np.empty((0, 3), np.int64), np.empty((0, 3)))


@lru_cache(maxsize=16)
def bridge_order(steps: int) -> tuple[Any, Any]:
    """Return which point each normal sets, end first, then midpoints; and with what weights."""
    order, factor = [(steps, 0, 0)], [(0.0, 0.0, math.sqrt(steps))]
    pending = [(0, steps)]
    while pending:
        left, right = pending.pop(0)
        if right - left < 2:
            continue
        at = (left + right) // 2
        a, b, width = at - left, right - at, right - left
        order.append((at, left, right))
        factor.append((b / width, a / width, math.sqrt(a * b / width)))
        pending += [(left, at), (at, right)]
    return np.array(order, np.int64), np.array(factor)
