"""Which engine can price which contract in which market, asked before anything is computed."""

from __future__ import annotations

import math

from heliostat_methods.step_options.contracts.market import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    LocalVolMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.reduced import equivalent
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import averaged
from heliostat_methods.step_options.contracts.validation import InvalidInput, Unsupported

ORDER = ("laplace", "spectral", "occupation", "path_integral_grid", "pde", "mc_bridge", "rqmc",
         "mlmc", "mc_naive", "metropolis")  # fmt: skip
"""Engines, the one to be preferred first."""
PATHS = ("mc_bridge", "mc_naive")
CLOSED = ("laplace", "spectral", "occupation")
BY_MARKET: dict[type, tuple[str, ...]] = {
    BlackScholesMarket: ORDER,
    PiecewiseMarket: tuple(name for name in ORDER if name != "metropolis"),
    LocalVolMarket: (*PATHS, "rqmc", "mlmc", "pde"),
    HestonMarket: PATHS,
    BasketMarket: PATHS,
}
FINITE = ("spectral",)
"""Engines that know no walls."""
ON_GRIDS = ("path_integral_grid", "pde")
WIDEST = 1000.0
"""Standard deviations that a grid can span."""
MODEL = {
    BlackScholesMarket: "Black-Scholes",
    PiecewiseMarket: "parameters by intervals",
    LocalVolMarket: "local volatility",
    HestonMarket: "Heston",
    BasketMarket: "a basket",
}


def check_covered(engine: str, option: StepOption, market: Market) -> None:
    """Raise Unsupported when the engine cannot price the contract, naming engines that can."""
    found = obstacle(engine, option, market)
    if found is None:
        return
    able = covering(option, market)
    hint = "no engine prices this contract in this model"
    if able:
        hint = f"use method={able[0]!r}" + (f", or {', '.join(able[1:])}" if able[1:] else "")
    raise Unsupported(found.field, found.got, found.expected, hint)


def covering(option: StepOption, market: Market) -> list[str]:
    """Return the engines that can price the contract, the one to be preferred first."""
    return [name for name in ORDER if obstacle(name, option, market) is None]


def deviations(option: StepOption, market: BlackScholesMarket | PiecewiseMarket) -> float:
    """Return how far drift and spread lead until maturity, in standard deviations of ln S."""
    T = option.maturity
    mean = averaged(market, T)
    drift = abs(mean.rate - mean.dividend - mean.vol**2 / 2) + max(map(abs, option.gammas))
    return drift * math.sqrt(T) / mean.vol + mean.vol * math.sqrt(T)


def obstacle(engine: str, option: StepOption, market: Market) -> InvalidInput | None:
    """Return what keeps an engine from pricing the contract, or None."""
    if option.maturity == 0:
        return None  # the price is the payoff
    for_engine = f"for method={engine!r}"
    if engine not in BY_MARKET[type(market)]:
        model = MODEL[type(market)]
        return Unsupported("method", engine, f"an engine that knows {model}")
    if option.amortisation != "proportional" and engine not in ("occupation", "mc_naive"):
        return Unsupported("amortisation", option.amortisation, f"proportional {for_engine}")
    if option.common_gamma is None and engine != "pde":
        return Unsupported("gamma", option.gamma, f"one growth rate of all barriers {for_engine}")
    if math.inf in option.rates and engine in FINITE:
        return Unsupported("rates", option.rates, f"finite rates {for_engine}")
    if engine in ON_GRIDS and isinstance(market, BlackScholesMarket | PiecewiseMarket):
        span = deviations(option, market)
        if span > WIDEST:
            expected = f"a way of at most {WIDEST:g} standard deviations {for_engine}"
            return Unsupported("vol", market.vol, f"{expected}, which the drift makes {span:.4g}")
    several = len(option.barriers) > 1
    if several and engine == "occupation" and option.amortisation == "proportional":
        return Unsupported("barriers", option.barriers, f"one barrier {for_engine}")
    if engine == "metropolis" and option.kind not in ("call", "put"):
        return Unsupported("kind", option.kind, f"call or put {for_engine}")
    if isinstance(market, HestonMarket | LocalVolMarket | BasketMarket):
        if engine != "pde" and (several or option.amortisation != "proportional"):
            model = MODEL[type(market)]
            return Unsupported(
                "barriers", option.barriers, f"one barrier, proportional, {for_engine} in {model}"
            )
        if option.knock == "in" and not isinstance(market, HestonMarket):
            return Unsupported(
                "knock", "in", "out: the vanilla claim of this model, which in + out is, has no "
                "formula"
            )  # fmt: skip
    if isinstance(market, PiecewiseMarket) and engine in CLOSED:
        try:
            equivalent(option, market, engine)
        except Unsupported as error:
            return error
    return None
