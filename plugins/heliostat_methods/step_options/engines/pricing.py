"""One entry point: `price(option, market, method=...)` sends a contract to an engine by name."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from heliostat_methods.step_options.closed_form.black_scholes import intrinsic, vanilla
from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.result import Number, Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import averaged, time_plan
from heliostat_methods.step_options.contracts.validation import (
    InvalidInput,
    Unsupported,
    Vector,
    choice,
    flag,
    number,
)
from heliostat_methods.step_options.engines.coverage import MODEL, check_covered, covering
from heliostat_methods.step_options.engines.gate import Bounds, bounds_of, objections
from heliostat_methods.step_options.engines.settings import check_settings

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

VARIANTS = ("rqmc", "mlmc", "metropolis")
"""Engines that sample what mc_bridge samples: they take over from nobody."""


def price(
    option: StepOption,
    market: Market,
    method: str = "laplace",
    greeks: bool = False,
    max_error: float | None = None,
    **settings: Any,
) -> Result:
    """Return the price of a step option.

    Args:
        option: the contract; its strike may be an array.
        market: the model; a Black-Scholes spot may be an array, broadcast against the strike.
        method: an engine of `ENGINES`. Where its price is no number, outside arbitrage bounds or
            too unsure, another one takes over: `details["taken_over"]` says which and why.
        greeks: also all first-order sensitivities and the cross ones (laplace), or delta, gamma,
            vega, d_rate and d_dividend with standard errors (mc_bridge).
        max_error: largest stated error of a price, in its units; by default a hundredth of its
            scale, and half of it for an engine that samples.
        settings: of the engine, such as `n_paths`, `n_steps`, `seed`, `nodes`, `parts`.

    Raises:
        InvalidInput: (a ValueError) names the field, the value, what was expected. Unsupported,
            one of them, where no engine has a price that passes.
    """
    _check_arguments(option, market, max_error)
    flag("greeks", greeks)
    choice("method", method, ENGINES)
    if option.maturity == 0:
        value = intrinsic(option, market)
        plain: Number = float(value) if value.ndim == 0 else value
        return Result(plain, method, 0.0 if value.ndim == 0 else np.zeros_like(value))
    check_covered(method, option, market)
    if settings:
        check_settings(_engine(method), method, settings)
    shape = _shape(option, market)
    if shape != () and method != "laplace":
        return _one_by_one(option, market, method, greeks, max_error, settings, shape)
    bounds = bounds_of(option, market)
    found, wrong = _ask(method, option, market, greeks, settings, bounds, max_error)
    if found is not None and not wrong:
        return _without_greeks(found, option, market) if greeks else found
    if shape == ():
        return _taken_over(option, market, method, greeks, max_error, bounds, wrong, settings)
    return _mended(option, market, greeks, max_error, found, wrong, shape)


def _without_greeks(found: Result, option: StepOption, market: Market) -> Result:
    """Return a result that says who has the sensitivities that were asked for, if it has none."""
    if found.delta is not None:
        return found
    own = isinstance(market, BlackScholesMarket | PiecewiseMarket)
    able = [name for name in covering(option, market)
            if name in ("laplace", "pde") or (name == "mc_bridge" and own)]  # fmt: skip
    others = f"by {' or '.join(able)}" if able else "by no engine"
    said = f"{found.method} has a price alone; sensitivities of this contract {others}"
    return dataclasses.replace(found, details={**found.details, "no_sensitivities": said})


def _check_arguments(option: Any, market: Any, max_error: Any) -> None:
    if not isinstance(option, StepOption):
        raise InvalidInput("option", option, "a StepOption, such as down_step returns")
    if not isinstance(market, Market):
        names = ", ".join(kind.__name__ for kind in MODEL)
        raise InvalidInput("market", market, f"a market: one of {names}")
    if max_error is not None:
        number("max_error", max_error, above=0)


def _shape(option: StepOption, market: Market) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(np.shape(market.spot), np.shape(option.strike))
    except ValueError:
        raise InvalidInput(
            "strike", f"an array of shape {np.shape(option.strike)}",
            f"a shape that goes with that of the spots, {np.shape(market.spot)}",
        ) from None  # fmt: skip


def _engine(method: str) -> Callable[..., Result]:
    module, function = ENGINES[method]
    found: Callable[..., Result] = getattr(
        importlib.import_module(f"heliostat_methods.step_options.{module}"), function
    )
    return found


def _ask(
    method: str, option: StepOption, market: Market, greeks: bool, settings: dict[str, Any],
    bounds: Bounds, max_error: float | None,
) -> tuple[Result | None, dict[int, str]]:  # fmt: skip
    """Return what an engine finds, and what speaks against its prices by their place."""
    out = option if option.knock == "out" else dataclasses.replace(option, knock="out")
    try:
        # what leaves the range of floats is found by the gate
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = _engine(method)(out, market, greeks=greeks, **settings)
            if option.knock == "in":
                found = _complement(found, option, market)
    except InvalidInput:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, MemoryError) as error:
        return None, {0: f"failed ({type(error).__name__}: {error})"}
    if settings.get("parts", "all") != "all":
        return found, {}  # an ablation is no price
    if found.std_error is None and np.any(found.abs_error_estimate < bounds.rounding):
        known = np.maximum(found.abs_error_estimate, bounds.rounding)
        found = dataclasses.replace(
            found, abs_error_estimate=float(known) if known.ndim == 0 else known
        )
    wrong = objections(found, bounds, max_error)
    if not wrong and found.std_error is None and np.min(found.price) < 0 <= np.min(bounds.low):
        # within its error of zero on the wrong side
        value = found.price
        positive = 0.0 if isinstance(value, float) else np.maximum(value, 0.0)
        found = dataclasses.replace(found, price=positive)
    return found, wrong


def _taken_over(
    option: StepOption, market: Market, method: str, greeks: bool, max_error: float | None,
    bounds: Bounds, wrong: dict[int, str], settings: dict[str, Any],
) -> Result:  # fmt: skip
    """Return the price of the first engine that has one, said so, or refuse."""
    reasons = [f"{method} {wrong[0]}"]
    able = covering(option, market)
    # an engine with settings of its own may be right without them
    others = [name for name in able if name != method and name not in VARIANTS]
    if settings and method not in STOCHASTIC:
        others.insert(0, method)
    unbounded = not (np.isfinite(bounds.low) and np.isfinite(bounds.high))
    if unbounded:
        # a weight that grows beyond floats, if a path can get there: only one engine looks
        others = [name for name in others if name == "laplace"]
    for name in sorted(others, key=lambda name: (name in STOCHASTIC, able.index(name))):
        try:
            found, wrong = _ask(name, option, market, greeks, {}, bounds, max_error)
        except InvalidInput as error:
            reasons.append(f"{name} refused ({error})")
            continue
        if found is not None and not wrong:
            said = f"{reasons[0]}; {name} took over"
            if name == method:
                said += " with settings of its own"
            return dataclasses.replace(found, details={**found.details, "taken_over": said})
        reasons.append(f"{name} {wrong[0]}")
    if unbounded:
        raise InvalidInput("rates", option.rates, "rates whose e^{-rate T} is a number", reasons[0])
    hint = "; ".join(reasons[1:]) or "no other engine prices this contract in this model"
    raise Unsupported("method", method, f"an engine whose price passes: {reasons[0]}", hint)


def _mended(
    option: StepOption, market: Market, greeks: bool, max_error: float | None,
    found: Result | None, wrong: dict[int, str], shape: tuple[int, ...],
) -> Result:  # fmt: skip
    """Return a ladder of the closed form whose wrong prices are taken over one by one."""
    if found is None:
        return _one_by_one(option, market, "laplace", greeks, max_error, {}, shape)
    said, spots, strikes = [], *_ladder(option, market, shape)
    fields: dict[str, Any] = {name: np.array(getattr(found, name), dtype=np.float64)
              for name in ("price", "abs_error_estimate", "delta", "gamma")}  # fmt: skip
    more = {name: np.array(values, dtype=np.float64)
            for name, values in found.sensitivities.items()}  # fmt: skip
    for i in wrong:
        one = price(dataclasses.replace(option, strike=float(strikes[i])),
                    _at_spot(market, float(spots[i])), "laplace", greeks, max_error)  # fmt: skip
        said.append(str(one.details.get("taken_over", "")))
        for name, values in fields.items():
            value = getattr(one, name)
            values.reshape(-1)[i] = np.nan if value is None else value
        for name, values in more.items():
            values.reshape(len(spots), -1)[i] = one.sensitivities.get(name, np.nan)
    return dataclasses.replace(found, **fields, sensitivities=more,
                               details={**found.details, "taken_over": said})  # fmt: skip


def _ladder(option: StepOption, market: Market, shape: tuple[int, ...]) -> tuple[Vector, Vector]:
    spots = np.broadcast_to(np.asarray(market.spot, dtype=np.float64), shape).ravel()
    return spots, np.broadcast_to(np.asarray(option.strike, dtype=np.float64), shape).ravel()


def _one_by_one(
    option: StepOption, market: Market, method: str, greeks: bool, max_error: float | None,
    settings: dict[str, Any], shape: tuple[int, ...],
) -> Result:  # fmt: skip
    """Call an engine without ladders once for each spot and strike."""
    rows = [
        price(dataclasses.replace(option, strike=float(k)), _at_spot(market, float(s)), method,
              greeks, max_error, **settings)
        for s, k in zip(*_ladder(option, market, shape), strict=True)
    ]  # fmt: skip

    def gathered(name: str) -> Any:
        values = [getattr(row, name) for row in rows]
        if all(value is None for value in values):
            return None
        return np.array([np.nan if v is None else v for v in values]).reshape(shape)

    def sensitivity(name: str) -> Vector:
        # away from a barrier both sides are one; what another engine lacks is no number
        plain = name.rsplit("_", 1)[0] if name.endswith(("_below", "_above")) else ""
        found = [row.sensitivities.get(name, getattr(row, plain) if plain else np.nan)
                 for row in rows]  # fmt: skip
        width = max((np.shape(value) for value in found), key=len)
        full = [np.broadcast_to(np.nan if v is None else v, width) for v in found]
        return np.array(full, dtype=np.float64).reshape((*shape, *width))

    names = list(dict.fromkeys(name for row in rows for name in row.sensitivities))
    details = {name: row.details[name] for name in ("at_barrier", "no_sensitivities", "split")
               for row in rows if name in row.details}  # fmt: skip
    said = [str(row.details["taken_over"]) for row in rows if "taken_over" in row.details]
    return Result(
        price=gathered("price"),
        method=method,
        abs_error_estimate=gathered("abs_error_estimate"),
        std_error=gathered("std_error"),
        delta=gathered("delta"),
        gamma=gathered("gamma"),
        n_evals=sum(row.n_evals for row in rows),
        wall_s=sum(row.wall_s for row in rows),
        sensitivities={name: sensitivity(name) for name in names},
        details=details | ({"taken_over": said} if said else {}),
    )


def _at_spot(market: Market, spot: float) -> Market:
    if isinstance(market, BlackScholesMarket):
        return dataclasses.replace(market, spot=spot)
    return market  # other models have one spot


def _complement(out: Result, option: StepOption, market: Market) -> Result:
    """in = vanilla - out, also for every sensitivity; standard errors stay."""
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
    # on a barrier both sides of a sensitivity are taken from the one of the free claim
    for name in out.sensitivities:
        if name.endswith(("_below", "_above")):
            free[name] = free[name.rsplit("_", 1)[0]]
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
