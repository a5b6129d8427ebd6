"""The pricing equation on three grids: observed order, extrapolated value, and an error from them.

Grids of 2, 3 and 4 times as many cells and steps (`cells`, `marching`) give the order of
convergence that is observed, a value extrapolated from the finer two, and an error: what the
coarser two would have said instead.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat_methods.step_options.closed_form.laplace import AT_BARRIER
from heliostat_methods.step_options.contracts.market import Market
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import (
    Unsupported,
    Vector,
    whole_number,
)
from heliostat_methods.step_options.grids.marching import march
from heliostat_methods.step_options.grids.problem import OneFactor, Problem
from heliostat_methods.step_options.paths.unseen import worth

LEVELS = (2, 3, 4)
ORDERS = 1.9, 2.15
"""Observed orders with which values are extrapolated."""
CHANCE = 0.05
"""Of what the finest two grids differ by: the order may look right while cells are too large."""
DIGITS = 1e-9
"""Of the claim: what the ends of the grid and round-off cost."""
MOST_NODES, MOST_STEPS = 20_000, 20_000


def price_pde(option: StepOption, market: Market, greeks: bool = False, nodes: int = 1000,
              steps: int | None = None) -> Result:  # fmt: skip
    """Return price, delta and gamma on about `nodes` cells and `steps` time steps (nodes / 2).

    Errors of delta and gamma are among the sensitivities; on a barrier also gamma_below and
    gamma_above (delta_below and delta_above, where a rate is infinite), whose mean is the headline.
    """
    began = time.perf_counter()
    nodes = whole_number("nodes", nodes, least=20, most=MOST_NODES)
    steps = max(nodes // 2, 8) if steps is None else whole_number(
        "steps", steps, least=8, most=MOST_STEPS
    )  # fmt: skip
    if option.amortisation != "proportional":
        raise Unsupported(
            "amortisation", option.amortisation, 'proportional for method="pde"',
            'use method="occupation" or "mc_naive"',
        )  # fmt: skip
    if not isinstance(market, OneFactor):
        raise Unsupported(
            "market", type(market).__name__, "one asset with known volatility", "use mc_bridge"
        )
    problem = Problem.of(option, market)
    sides = [side for side in problem.sides if not problem.dead(side)]
    found = {side: _extrapolated(problem, side, nodes, steps) for side in sides}
    found = found or {"none": Extrapolated(np.zeros(3), np.zeros(3), None)}
    spot = float(market.spot)
    values = {side: found[side].values if side in found else np.zeros(3) for side in problem.sides}
    u, u1, u2 = sum(values.values(), np.zeros(3)) / len(values)
    more: dict[str, Any] = {}
    details: dict[str, Any] = {"nodes": nodes, "steps": steps}
    if len(values) > 1:
        details["at_barrier"] = AT_BARRIER
        for side, (_, d1, d2) in values.items():
            more[f"gamma_{side}"] = float(d2 - d1) / spot**2
            if math.inf in option.rates:
                more[f"delta_{side}"] = float(d1) / spot
    orders = [f.order for f in found.values() if f.order is not None]
    if orders:
        details["observed_order"] = min(orders)
    claim, errors = worth(option, market), np.max([f.errors for f in found.values()], axis=0)
    if len(found) < len(values):  # on a wall, or behind one
        u = errors[0] = 0.0
    more |= {"delta_error": float(errors[1]) / spot}
    more |= {"gamma_error": float(errors[1] + errors[2]) / spot**2}
    error = float(errors[0]) + DIGITS * claim.of(1.0)
    return Result(
        price=float(u),
        method="pde",
        # a price outside of its bounds is wrong by as much at least
        abs_error_estimate=error + max(0.0, -float(u), float(u) - claim.all),
        delta=float(u1) / spot,
        gamma=float(u2 - u1) / spot**2,
        sensitivities=more,
        n_evals=sum(level**2 for level in LEVELS) * nodes * steps // 16,
        wall_s=time.perf_counter() - began,
        details=details,
    )


@dataclass(frozen=True)
class Extrapolated:
    """Value and two derivatives in y, their errors, both (3,), and the order that is observed."""

    values: Vector
    errors: Vector
    order: float | None


def _extrapolated(problem: Problem, side: str, nodes: int, steps: int) -> Extrapolated:
    """Return what grids of 2, 3 and 4 times as many cells say together."""
    two, three, four = (march(problem, side, nodes, steps, level) for level in LEVELS)
    fine, coarse = (16 * four - 9 * three) / 7, (9 * three - 4 * two) / 5
    first, second = two - three, three - four
    apart = np.abs(fine - coarse)
    small = 1e-10 * max(abs(float(four[0])), problem.scale)
    if max(abs(float(first[0])), abs(float(second[0]))) < small:
        return Extrapolated(fine, apart + small, None)
    order = _order(float(first[0] / second[0])) if second[0] else None
    if order is not None and ORDERS[0] <= order <= ORDERS[1]:
        return Extrapolated(fine, apart + CHANCE * np.abs(second), order)
    # not yet where errors have an order: the finest value, and how far the others are from it
    return Extrapolated(four, 2 * (np.abs(first) + np.abs(second)) + apart, order)


def _order(ratio: float) -> float | None:
    """Return p with (2^-p - 3^-p) / (3^-p - 4^-p) = ratio, or None where there is none."""
    low, high = 0.01, 12.0
    if not _ratio(low) < ratio < _ratio(high):
        return None
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _ratio(middle) < ratio else (low, middle)
    return (low + high) / 2


def _ratio(p: float) -> float:
    return float((2.0**-p - 3.0**-p) / (3.0**-p - 4.0**-p))
