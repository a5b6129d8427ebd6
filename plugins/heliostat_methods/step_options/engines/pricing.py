"""One entry point: `price(option, market, method=...)` sends a contract to an engine by name."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import numpy as np

from heliostat_methods.step_options.closed_form.black_scholes import intrinsic, vanilla
from heliostat_methods.step_options.contracts.market import (
    BasketMarket,
    BlackScholesMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.result import Number, Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import averaged, time_plan
from heliostat_methods.step_options.contracts.validation import InvalidInput, choice
from heliostat_methods.step_options.engines.coverage import check_covered

ENGINES: dict[str, tuple[str, str]] = {
    "laplace": ("closed_form.laplace", "price_laplace"),
    "spectral": ("closed_form.spectral", "price_spectral"),
    "occupation": ("closed_form.occupation", "price_occupation"),
    "pde": ("grids.finite_difference", "price_pde"),
    "path_integral_grid": ("grids.path_grid", "price_grid"),
    "mc_naive": ("monte_carlo.independent_paths", "price_naive"),
    "mc_bridge": ("monte_carlo.independent_paths", "price_bridge"),
    "rqmc": ("monte_carlo.quasi_monte_carlo", "price_rqmc"),
    "mlmc": ("monte_carlo.multilevel", "price_multilevel"),
    "metropolis": ("monte_carlo.metropolis", "price_metropolis"),
}
"""Engine name -> module of this package and its function."""

STOCHASTIC = ("mc_naive", "mc_bridge", "rqmc", "mlmc", "metropolis")


def price(
    option: StepOption,
    market: Market,
    method: str = "laplace",
    greeks: bool = False,
    **settings: Any,
) -> Result:
    """Return the price of a step option.

    Args:
        option: the contract; its strike may be an array.
        market: the model; a Black-Scholes spot may be an array, broadcast against the strike.
        method: an engine of `ENGINES`.
        greeks: also all first-order sensitivities and the cross ones (laplace), or delta, gamma,
            vega, d_rate and d_dividend with standard errors (mc_bridge).
        settings: of the engine, such as `n_paths`, `n_steps`, `seed`, `nodes`, `parts`.

    Raises:
        InvalidInput: (a ValueError) names the field, the value, what was expected.
    """
    choice("method", method, ENGINES)
    if option.maturity == 0:
        value = intrinsic(option, market)
        plain: Number = float(value) if value.ndim == 0 else value
        return Result(plain, method, 0.0 if value.ndim == 0 else np.zeros_like(value))
    check_covered(method, option, market)
    module, function = ENGINES[method]
    engine = getattr(importlib.import_module(f"heliostat_methods.step_options.{module}"), function)
    if option.knock == "out":
        return _scalar(engine, option, market, method, greeks, settings)
    out_option = dataclasses.replace(option, knock="out")
    out = _scalar(engine, out_option, market, method, greeks, settings)
    return _complement(out, option, market)


def _scalar(
    engine: Any, option: StepOption, market: Market, method: str, greeks: bool, settings: Any
) -> Result:
    """Call the engine; engines without ladders are called once for each spot and strike."""
    shape = np.broadcast_shapes(np.shape(market.spot), np.shape(option.strike))
    if method == "laplace" or shape == ():
        try:
            result: Result = engine(option, market, greeks=greeks, **settings)
        except TypeError as error:
            raise _unknown_setting(error, method) from error
        return result
    spots = np.broadcast_to(np.asarray(market.spot), shape).ravel()
    strikes = np.broadcast_to(np.asarray(option.strike), shape).ravel()
    rows = [
        _scalar(engine, dataclasses.replace(option, strike=float(k)),
                _at_spot(market, float(s)), method, greeks, settings)
        for s, k in zip(spots, strikes, strict=True)
    ]  # fmt: skip

    def gathered(name: str) -> Any:
        values = [getattr(row, name) for row in rows]
        return None if values[0] is None else np.array(values).reshape(shape)

    return Result(
        price=gathered("price"),
        method=method,
        abs_error_estimate=gathered("abs_error_estimate"),
        std_error=gathered("std_error"),
        delta=gathered("delta"),
        gamma=gathered("gamma"),
        n_evals=sum(row.n_evals for row in rows),
        wall_s=sum(row.wall_s for row in rows),
    )


def _at_spot(market: Market, spot: float) -> Market:
    if isinstance(market, BlackScholesMarket):
        return dataclasses.replace(market, spot=spot)
    return market  # other models have one spot


def _unknown_setting(error: TypeError, method: str) -> Exception:
    text = str(error)
    if "unexpected keyword argument" in text:
        name = text.rsplit("'", 2)[1]
        return InvalidInput("settings", name, f"a setting of method={method!r}", text)
    return error


def _complement(out: Result, option: StepOption, market: Market) -> Result:
    """in = vanilla - out, also for every sensitivity; standard errors stay."""
    if isinstance(market, BasketMarket):
        raise InvalidInput("knock", "in", 'knock="out" for a basket, whose vanilla has no formula')
    exact = vanilla(option, market)
    value = np.asarray(exact) - np.asarray(out.price)
    found = dataclasses.replace(out, price=float(value) if value.ndim == 0 else value)
    if out.delta is None or not isinstance(market, BlackScholesMarket | PiecewiseMarket):
        return dataclasses.replace(found, delta=None, gamma=None)
    from heliostat_methods.step_options.closed_form.laplace import price_laplace

    plain = dataclasses.replace(
        option, knock="out", amortisation="proportional", window=None, gamma=0.0,
        rates=(0.0,) * len(option.rates),
    )  # fmt: skip
    mean = averaged(market, option.maturity)
    base = price_laplace(plain, mean, greeks=bool(out.sensitivities))
    free = dict(base.sensitivities) | {"delta": base.delta, "gamma": base.gamma}
    if "d_rates" in free:  # the vanilla claim knows no charge
        free["d_rates"] = np.zeros_like(free["d_rates"])
    if isinstance(market, PiecewiseMarket) and "vega" in free:
        # vols move in parallel, and with them their mean
        steps = time_plan(market, option.maturity, 1)
        moved = sum(s.vol * s.length for s in steps) / (mean.vol * option.maturity)
        free["vega"] = free["vega"] * moved
    details = dict(out.details)
    if "estimators" in details:
        details["estimators"] = {
            name: {**row, "value": free[name.split("_")[0]] - row["value"]}
            for name, row in details["estimators"].items()
        }
    return dataclasses.replace(
        found,
        delta=free["delta"] - out.delta,
        gamma=None if out.gamma is None else free["gamma"] - out.gamma,
        sensitivities={
            name: number if name.endswith("_error") else free[name] - number
            for name, number in out.sensitivities.items()
            if name in free or name.endswith("_error")
        },
        details=details,
    )
