"""The closed form for many contracts at once, through the gate that every price passes.

Left to its engine, alone, is what needs the integral over S_T for its sensitivities (drift that
outweighs volatility, a spot on a barrier) and what the gate does not let through.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from heliostat_methods.step_options.book.solving import SCALARS, Solved, differentiate
from heliostat_methods.step_options.book.terms import Terms
from heliostat_methods.step_options.book.walls import Order, Seen, seen
from heliostat_methods.step_options.closed_form.laplace import NODES, Solution, solve
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.reduced import Reduced, reduce
from heliostat_methods.step_options.contracts.result import Number, Result
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.engines.gate import PASSES, default_limit, judge, row_bounds

AGREEMENT = 1e-8
"""What the differentiated price may differ by from the one it belongs to, as a part of spot or
strike: it is the same sum, in another order."""


TOGETHER = 1000
"""Contracts that are differentiated at once, which takes about 40 kB for each."""


def price_together(contracts: Sequence[Terms], greeks: bool) -> list[Result | None]:
    """Return prices, with all sensitivities where `greeks`; None where an engine has to do it."""
    blocks = (contracts[i : i + TOGETHER] for i in range(0, len(contracts), TOGETHER))
    return [one for block in blocks for one in _price_block(block, greeks)]


def _price_block(contracts: Sequence[Terms], greeks: bool) -> list[Result | None]:
    found: list[Result | None] = [None] * len(contracts)
    places = [i for i, terms in enumerate(contracts) if is_closed(terms)]
    problems = [reduce(contracts[i].option, contracts[i].market, "laplace") for i in places]
    if not problems:
        return found
    with np.errstate(all="ignore"):  # what is no number is seen by the gate
        solution = solve(problems)
    bounds = row_bounds(problems)
    verdict = judge(solution.values[:, 0], solution.error, bounds, default_limit(bounds))
    lowest = np.where(bounds.low >= 0, 0.0, -np.inf)
    out = [_is_out(contracts[i]) for i in places]
    slopes = _slopes(problems, solution, out, verdict == PASSES) if greeks else None
    for row, i in enumerate(places):
        if verdict[row] == PASSES and (slopes is None or row in slopes):
            more = {} if slopes is None else slopes[row]
            found[i] = _result(problems[row], solution, row, float(lowest[row]), more)
    inward = [i for i, terms in enumerate(contracts)
              if terms.option.knock == "in" and found[i] is not None]  # fmt: skip
    if inward:
        free = _price_block([without_rates(contracts[i]) for i in inward], greeks)
        for i, whole in zip(inward, free, strict=True):
            found[i] = None if whole is None else _complement(whole, found[i])
    return found


def is_closed(terms: Terms) -> bool:
    """Return whether the closed form can price a contract."""
    constant = isinstance(terms.market, BlackScholesMarket)
    option = terms.option
    still = option.common_gamma is not None and option.amortisation == "proportional"
    return constant and still and option.maturity > 0


def _is_out(terms: Terms) -> bool:
    if math.inf not in terms.option.rates:
        return False
    return bool(terms.option.knocked_out(terms.market.spot))


def _slopes(problems: Sequence[Reduced], solution: Solution, out: Sequence[bool],
            passed: Vector) -> dict[int, dict[str, float | Vector]]:  # fmt: skip
    """Return the further sensitivities by row, for those that the contour gives."""
    found: dict[int, dict[str, float | Vector]] = {}
    groups: dict[Order, list[tuple[int, Seen]]] = {}
    for row in np.flatnonzero(passed).tolist():
        if out[row]:
            found[row] = _nothing(len(problems[row].breaks))
        elif not solution.by_quadrature[row]:
            contract = seen(problems[row])
            groups.setdefault(contract.order, []).append((row, contract))
    for members in groups.values():
        rows = [row for row, _ in members]
        contracts = [contract for _, contract in members]
        with np.errstate(all="ignore"):
            solved = differentiate(contracts, NODES)
            scale = np.array([max(p.spot[0], p.strike[0]) for p in (problems[r] for r in rows)])
            apart = np.abs(solved.numbers["price"] - solution.values[rows, 0])
            sure = apart <= AGREEMENT * scale
        for values in (*solved.numbers.values(), *solved.levels.T, *solved.rates.T):
            sure &= np.isfinite(values)
        for at, (row, contract) in enumerate(members):
            if sure[at]:
                found[row] = _of_row(contract, solved, at)
    return found


def _of_row(contract: Seen, solved: Solved, at: int) -> dict[str, float | Vector]:
    m = len(contract.problem.breaks)
    levels, rates = np.zeros(m), np.zeros(m + 1)
    levels[contract.first : contract.first + len(contract.levels)] = solved.levels[at]
    begin = contract.first + contract.left
    rates[begin : begin + len(contract.rates)] = solved.rates[at]
    numbers: dict[str, float | Vector] = {name: float(solved.numbers[name][at]) for name in SCALARS}
    return {**numbers, "d_levels": levels, "d_rates": rates}


def _nothing(barriers: int) -> dict[str, float | Vector]:
    """Return the sensitivities of what has been knocked out."""
    none: dict[str, float | Vector] = dict.fromkeys(SCALARS, 0.0)
    return {**none, "d_levels": np.zeros(barriers), "d_rates": np.zeros(barriers + 1)}


def _result(problem: Reduced, solution: Solution, row: int, lowest: float,
            more: dict[str, float | Vector]) -> Result:  # fmt: skip
    u, u1, u2 = (float(x) for x in solution.values[row])
    spot = float(problem.spot[0])
    return Result(
        price=max(u, lowest), method="laplace", abs_error_estimate=float(solution.error[row]),
        delta=u1 / spot, gamma=(u2 - u1) / spot**2, sensitivities=more,
    )  # fmt: skip


def without_rates(terms: Terms) -> Terms:
    """Return the claim without a weight, which in + out is."""
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
