"""What is simulated: a contract, a model and the settings of its paths, as one plain value.

Column 0 of a sample is the weighted payoff, the others are control variates of known means. Chunks
of paths can be drawn anywhere, in any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.black_scholes import geometric_basket, vanilla
from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.market import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    LocalVolMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.reduced import source_terms
from heliostat_methods.step_options.time_plan import averaged
from heliostat_methods.step_options.validation import InvalidInput, Unsupported, Vector, choice

WEIGHTS = ("bridge", "naive", "knock_out")


@stored("step_options.path_settings")
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


@stored("step_options.path_sampler")
@dataclass(frozen=True)
class PathSampler:
    """A contract, a model, settings and a seed: all that decides a path's sample.

    `sample(first, count)` draws paths first .. first + count - 1 and depends on nothing else.
    """

    option: StepOption
    market: Market
    settings: PathSettings
    seed: int

    def __post_init__(self) -> None:
        o, s, market = self.option, self.settings, self.market
        if np.ndim(o.strike) or np.ndim(market.spot):
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
        if s.weights == "knock_out":
            if len(o.barriers) != 1 or sum(o.charged) != 1:
                raise Unsupported("barriers", o.barriers, "one barrier, charged on one side")
            if not isinstance(market, BlackScholesMarket):
                raise Unsupported("weights", s.weights, "bridge or naive for this model")
        if not isinstance(market, BlackScholesMarket | PiecewiseMarket):
            if len(o.barriers) != 1 or o.amortisation != "proportional":
                raise Unsupported(
                    "barriers", o.barriers, "one barrier, proportional, for this model"
                )
            if s.strata > 1 or s.tilt:
                raise Unsupported("settings", s, "no strata and no tilt for this model")

    @property
    def group(self) -> int:
        """Consecutive paths that make one sample; `first` and `count` are multiples of it."""
        return self.settings.strata

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the leading columns, which are to be estimated."""
        return ("price",)

    @property
    def control_names(self) -> tuple[str, ...]:
        """Names of the columns after the targets.

        Heston and local volatility use the discounted asset only: their schemes keep its mean,
        while their own vanilla price has a bias that a vanilla control would carry into the answer.
        """
        market = self.market
        if not self.settings.controls:
            return ()
        if isinstance(market, BasketMarket):
            return ("geometric", *(f"asset {i + 1}" for i in range(len(market.spots))))
        if isinstance(market, LocalVolMarket | HestonMarket):
            return ("asset",)
        return ("vanilla", "asset")

    @property
    def control_means(self) -> tuple[float, ...]:
        """Exact means of the control columns."""
        option, market, T = self.option, self.market, self.option.maturity
        if not self.settings.controls:
            return ()
        if isinstance(market, BasketMarket):
            geometric = geometric_basket(market, option.kind, float(option.strike), T)
            carried = zip(market.spots, market.dividends, strict=True)
            return (geometric, *(s * math.exp(-q * T) for s, q in carried))
        if isinstance(market, LocalVolMarket | HestonMarket):
            return (market.spot * math.exp(-market.dividend * T),)
        mean = averaged(market, T)
        asset = float(mean.spot) * math.exp(-mean.dividend * T)
        return (float(vanilla(option, market)), asset)

    def sample(self, first: int, count: int) -> Vector:
        """Return columns (targets and controls, count / group) of `count` paths from `first`."""
        if count % self.group or first % self.group:
            raise InvalidInput("count", count, f"a multiple of strata = {self.group}")
        market = self.market
        if isinstance(market, BlackScholesMarket):
            columns = _black_scholes(self, market, first, count)
        elif isinstance(market, PiecewiseMarket):
            from heliostat_methods.step_options.given_paths import sample_piecewise

            columns = sample_piecewise(self, market, first, count)
        elif isinstance(market, BasketMarket):
            from heliostat_methods.step_options.basket_paths import sample_basket

            columns = sample_basket(self, market, first, count)
        else:
            from heliostat_methods.step_options.volatility_paths import sample_volatility

            columns = sample_volatility(self, market, first, count)
        return columns[: 1 + len(self.control_names)]


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


def _black_scholes(sampler: PathSampler, market: BlackScholesMarket, first: int,
                   count: int) -> Vector:  # fmt: skip
    from heliostat_methods.step_options import path_kernels as pk
    from heliostat_methods.step_options.bridge_weight import BridgeWeightTable
    from heliostat_methods.step_options.philox import keys
    from heliostat_methods.step_options.staircase_weight import StaircaseWeightTable

    option, settings = sampler.option, sampler.settings
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
        first, count, steps, *keys(sampler.seed), 0, mode, int(settings.antithetic),
        settings.strata, mirror, p, np.ascontiguousarray(breaks), rates, table.line, plane,
        table.numbers, order, weights, naive_kind, window, out,
    )  # fmt: skip
    out[0] *= factor
    return out


_NO_ORDER: tuple[Any, Any] = (np.empty((0, 3), np.int64), np.empty((0, 3)))


@lru_cache(maxsize=16)
def bridge_order(steps: int, clock: tuple[float, ...] | None = None) -> tuple[Any, Any]:
    """Return which point each normal sets, end first, then midpoints; and with what weights.

    clock (steps + 1,): the variance so far at every point; steps of variance 1 without it.
    """
    clock = clock or tuple(float(i) for i in range(steps + 1))
    order, factor = [(steps, 0, 0)], [(0.0, 0.0, math.sqrt(clock[steps]))]
    pending = [(0, steps)]
    while pending:
        left, right = pending.pop(0)
        if right - left < 2:
            continue
        at = (left + right) // 2
        a, b, width = clock[at] - clock[left], clock[right] - clock[at], clock[right] - clock[left]
        order.append((at, left, right))
        factor.append((b / width, a / width, math.sqrt(a * b / width)))
        pending += [(left, at), (at, right)]
    return np.array(order, np.int64), np.array(factor)
