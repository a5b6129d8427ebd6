"""The closed form for many contracts: those whose contour is sure of itself are solved together.

A contract is left to its engine, alone, where drift outweighs volatility (the contour would cancel)
or the two numbers of nodes differ by more than they may.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from heliostat_methods.step_options.book.solving import SCALARS, Solved, differentiate, solve
from heliostat_methods.step_options.book.terms import Terms
from heliostat_methods.step_options.book.walls import Order, Seen, seen
from heliostat_methods.step_options.closed_form.black_scholes import normal_cdf
from heliostat_methods.step_options.closed_form.laplace import COARSE_NODES, NODES
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.reduced import Reduced, reduce
from heliostat_methods.step_options.contracts.result import Number, Result
from heliostat_methods.step_options.contracts.validation import Vector

MOST_DRIFT = 3.0
"""Standard deviations that the drift, under either measure, may move ln S by maturity."""
MOST_GROWTH = 20.0
"""The largest exponent by which the contour's weights may grow."""
MOST_ERROR = 1e-9
"""The largest difference of the two numbers of nodes, as a part of spot or strike."""
ROUND_OFF = 4e-15
"""Of the contour sum, relative to the claim's scale."""


def price_together(contracts: Sequence[Terms], greeks: bool) -> list[Result | None]:
    """Return prices, with all sensitivities where `greeks`; None where an engine has to do it."""
    found: list[Result | None] = [None] * len(contracts)
    groups: dict[Order, list[tuple[int, Seen]]] = {}
    for i, terms in enumerate(contracts):
        option, market = terms.option, terms.market
        if not isinstance(market, BlackScholesMarket) or option.maturity == 0:
            continue
        if option.common_gamma is None:
            continue
        problem = reduce(option, market, "laplace")
        if bool(option.knocked_out(market.spot)):
            found[i] = _nothing(problem, greeks)
        elif _is_tame(problem):
            contract = seen(problem)
            groups.setdefault(contract.order, []).append((i, contract))
    for members in groups.values():
        chosen = [contract for _, contract in members]
        solved, errors = _solved(chosen, greeks)
        sure = _are_sure([contracts[i] for i, _ in members], chosen, solved, errors)
        for row, (i, contract) in enumerate(members):
            if sure[row]:
                found[i] = _result(contract, solved, float(errors[row]), row)
    inward = [i for i, terms in enumerate(contracts)
              if terms.option.knock == "in" and found[i] is not None]  # fmt: skip
    if not inward:
        return found
    free = price_together([_without_rates(contracts[i]) for i in inward], greeks)
    for i, whole in zip(inward, free, strict=True):
        found[i] = None if whole is None else _complement(whole, found[i])
    return found


def _is_tame(problem: Reduced) -> bool:
    deviation = problem.vol * math.sqrt(problem.maturity)
    drift = max(abs(problem.nu), abs(problem.nu + problem.vol**2)) * problem.maturity
    finite = problem.rates[np.isfinite(problem.rates)]
    shift = max(0.0, problem.nu + problem.vol**2 / 2) + max(0.0, -float(finite.min(initial=0.0)))
    return drift <= MOST_DRIFT * deviation and shift * problem.maturity <= MOST_GROWTH


def _solved(contracts: Sequence[Seen], greeks: bool) -> tuple[Solved, Vector]:
    """Return what is found of contracts of one order, and the errors of their prices."""
    with np.errstate(all="ignore"):  # what is not finite is left to an engine
        coarse = solve(contracts, COARSE_NODES)[:, 0]
        if greeks:
            found = differentiate(contracts, NODES)
        else:
            none = np.empty((len(contracts), 0))
            columns = solve(contracts, NODES).T
            found = Solved(dict(zip(("price", "delta", "gamma"), columns, strict=True)), none, none)
        scale = np.array([min(c.problem.spot[0], c.problem.strike[0]) for c in contracts])
        price = found.numbers["price"]
        floor = ROUND_OFF * np.maximum(np.abs(price), scale)
        return found, np.asarray(np.abs(price - coarse) + floor)


def _are_sure(terms: Sequence[Terms], contracts: Sequence[Seen], found: Solved,
              errors: Vector) -> Vector:  # fmt: skip
    """Return which prices are sure: finite, of small error, between nothing and the bare claim."""
    scale = np.array([max(c.problem.spot[0], c.problem.strike[0]) for c in contracts])
    rates = np.array([min(0.0, float(c.rates.min())) for c in contracts])
    problems = [c.problem for c in contracts]
    spot, strike = (np.array([getattr(p, x)[0] for p in problems]) for x in ("spot", "strike"))
    r, q, vol, T = (np.array([getattr(p, x) for p in problems])
                    for x in ("rate", "dividend", "vol", "maturity"))  # fmt: skip
    most = _bare([one.option.kind for one in terms], spot, strike, r, q, vol, T)
    most = most * np.exp(-rates * T)
    slack = MOST_ERROR * scale
    price = found.numbers["price"]
    sure = (errors <= slack) & (price >= -slack) & (price <= most + slack)
    for values in (*found.numbers.values(), *found.levels.T, *found.rates.T):
        sure &= np.isfinite(values)
    return np.asarray(sure)


def _bare(kinds: Sequence[str], spot: Vector, strike: Vector, rate: Vector, dividend: Vector,
          vol: Vector, maturity: Vector) -> Vector:  # fmt: skip
    """Return the Black-Scholes prices of the claims without a weight, (contracts,)."""
    discount, forward = np.exp(-rate * maturity), spot * np.exp(-dividend * maturity)
    deviation = vol * np.sqrt(maturity)
    d1 = (np.log(spot / strike) + (rate - dividend) * maturity) / deviation + deviation / 2
    asset, unit = forward * normal_cdf(d1), discount * normal_cdf(d1 - deviation)
    call = asset - strike * unit
    claims = {"call": call, "put": call - forward + strike * discount, "digital": unit,
              "unit": discount, "asset": forward}  # fmt: skip
    return np.array([claims[kind][i] for i, kind in enumerate(kinds)])


def _result(contract: Seen, found: Solved, error: float, row: int) -> Result:
    numbers = {name: float(found.numbers[name][row]) for name in SCALARS if name in found.numbers}
    lists: dict[str, Vector] = {}
    if "vega" in numbers:
        m = len(contract.problem.breaks)
        levels, rates = np.zeros(m), np.zeros(m + 1)
        levels[contract.first : contract.first + len(contract.levels)] = found.levels[row]
        begin = contract.first + contract.left
        rates[begin : begin + len(contract.rates)] = found.rates[row]
        lists = {"d_levels": levels, "d_rates": rates}
    return Result(
        price=numbers.pop("price"), method="laplace", abs_error_estimate=error,
        delta=numbers.pop("delta"), gamma=numbers.pop("gamma"),
        sensitivities={**numbers, **lists}, n_evals=NODES + COARSE_NODES,
    )  # fmt: skip


def _nothing(problem: Reduced, greeks: bool) -> Result:
    """Return the price of what has been knocked out."""
    m = len(problem.breaks)
    none: dict[str, float | Vector] = dict.fromkeys(SCALARS[3:], 0.0)
    none |= {"d_levels": np.zeros(m), "d_rates": np.zeros(m + 1)}
    return Result(0.0, "laplace", 0.0, delta=0.0, gamma=0.0, sensitivities=none if greeks else {})


def _without_rates(terms: Terms) -> Terms:
    option = terms.option
    free = dataclasses.replace(option, rates=(0.0,) * len(option.rates), knock="out")
    return dataclasses.replace(terms, option=free)


def _complement(whole: Result, out: Result | None) -> Result | None:
    """in = vanilla - out, whose charges, levels and growth the vanilla claim does not know."""
    if out is None:
        return None

    def less(name: str, value: float | Vector) -> float | Vector:
        return -value if name in _OF_BARRIERS else whole.sensitivities[name] - value

    return dataclasses.replace(
        out,
        price=_number(whole.price) - _number(out.price),
        abs_error_estimate=_number(whole.abs_error_estimate) + _number(out.abs_error_estimate),
        delta=_number(whole.delta) - _number(out.delta),
        gamma=_number(whole.gamma) - _number(out.gamma),
        sensitivities={name: less(name, value) for name, value in out.sensitivities.items()},
    )


def _number(value: Number | None) -> float:
    return math.nan if value is None else float(value)


_OF_BARRIERS = ("d_charge", "d_rates", "d_levels", "d_gamma", "spot_gamma")
