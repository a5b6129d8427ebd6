"""The closed form: price, delta and gamma of any piecewise-constant occupation contract.

Two forms of one solution. The contour in s is quick: 16 nodes give about 1e-12 of the price's
scale, a ladder of spots solves each contract once, and the difference to 12 nodes is reported as
the error. Where drift dominates (|drift| sqrt(T) / vol large) its left half grows and cancels;
there, and wherever its two contours differ, the integral over S_T (`kernel_quadrature`) is taken,
which has 1e-12 everywhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.step_options.closed_form.kernel_quadrature import RULES, integrate
from heliostat_methods.step_options.closed_form.reach import standardise
from heliostat_methods.step_options.contracts.market import Market, PiecewiseMarket
from heliostat_methods.step_options.contracts.reduced import Reduced, reduce
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Unsupported, Vector, whole_number

NODES, COARSE_NODES = 16, 12
MOST_DRIFT = 4.0
"""|drift| sqrt(T) / vol up to which the contour in s was measured to be good."""
LAST_DIGITS, CONTOUR_DIGITS, EPSILON = 4e-15, 1.2e-13, 2.3e-16
"""Of the claim's scale, what any sum and what the one on the contour may lose, however well two
contours agree; of a logarithm, what rounding does."""
AGREEMENT, MOST_NOISE = 1e-9, 1e-10
"""What its two contours may differ by, and the round-off that is borne, in units of the price's
scale; the error of the finer one is far less than their difference."""


def price_laplace(option: StepOption, market: Market, greeks: bool = False,
                  nodes: int | None = None) -> Result:  # fmt: skip
    """Return prices with delta and gamma, which come for nothing; `greeks` adds all others.

    `nodes` asks for the contour with so many, and its error, wherever drift leads; by itself the
    engine takes the form that is right.

    With the spot on a barrier gamma has two values (and delta, where the rate is infinite): both
    are among the sensitivities as gamma_below and gamma_above, and their mean is the gamma.
    """
    began = time.perf_counter()
    if nodes is not None:
        whole_number("nodes", nodes, least=4, most=64)
    if option.amortisation != "proportional":
        raise Unsupported(
            "amortisation", option.amortisation, 'proportional for method="laplace"',
            'use method="occupation"',
        )  # fmt: skip
    problem = reduce(option, market, "laplace")
    found = solve([problem], nodes)
    s = problem.spot
    more: dict[str, Vector] = {}
    if greeks:
        from heliostat_methods.step_options.closed_form.greeks import sensitivities

        more = sensitivities(problem, nodes or NODES, found.by_quadrature)
        if isinstance(market, PiecewiseMarket):
            # the others move an average, which is no parameter of the market
            more = {name: more[name] for name in ("d_strike", "d_levels")}

    def shaped(values: Vector) -> float | Vector:
        if values.ndim > 1:  # one derivative for each region or barrier
            return values[0] if problem.shape == () else values.reshape((*problem.shape, -1))
        return float(values[0]) if problem.shape == () else values.reshape(problem.shape)

    def gamma(values: Vector) -> Vector:
        return np.asarray((values[:, 2] - values[:, 1]) / s**2, dtype=np.float64)

    taken = nodes or NODES
    details: dict[str, object] = {"nodes": taken}
    if found.by_quadrature.any():
        details["by_quadrature"] = int(found.by_quadrature.sum())
    if found.at_barrier.any():
        details["at_barrier"] = AT_BARRIER
        names = {"below": found.below, "above": found.above}
        more |= {f"gamma_{side}": gamma(values) for side, values in names.items()}
        if math.inf in option.rates:
            more |= {f"delta_{side}": values[:, 1] / s for side, values in names.items()}
    return Result(
        price=shaped(found.values[:, 0]),
        method="laplace",
        abs_error_estimate=shaped(found.error),
        delta=shaped(found.values[:, 1] / s),
        gamma=shaped(gamma(found.values)),
        sensitivities={name: shaped(values) for name, values in more.items()},
        n_evals=len(s) * (taken + _coarse(taken)),
        wall_s=time.perf_counter() - began,
        details=details,
    )


AT_BARRIER = (
    "the spot is on a barrier, where gamma jumps (and delta, if the rate is infinite): "
    "gamma is the mean of gamma_below and gamma_above"
)


@dataclass(frozen=True)
class Solution:
    """Discounted U, U', U'' in y of n contracts, (n, 3), and what is known of each, (n,)."""

    values: Vector
    error: Vector
    """What the price is believed to be wrong by."""
    by_quadrature: NDArray[np.bool_]
    """Taken from the integral over S_T."""
    at_barrier: NDArray[np.bool_]
    """The spot is on a barrier, with other rates below than above."""
    below: Vector
    above: Vector
    """`values` as seen from either side of the spot; their mean is `values`."""


def solve(problems: Sequence[Reduced], nodes: int | None = None) -> Solution:
    """Return the solution of each contract of each problem, one after the other.

    Problems with equally many barriers are solved at once, spots of one strike share a pass over
    the regions. T > 0. `nodes`: as in `price_laplace`.
    """
    taken = nodes or NODES
    at = np.concatenate([[0], np.cumsum([len(p.spot) for p in problems])])
    values, other = np.empty((at[-1], 3)), np.empty((at[-1], 3))
    on_barrier, inside = np.empty(at[-1], dtype=bool), np.empty(at[-1], dtype=bool)
    for count in sorted({len(p.breaks) for p in problems}):
        chosen = [i for i, p in enumerate(problems) if len(p.breaks) == count]
        rows = np.concatenate([np.arange(at[i], at[i + 1]) for i in chosen])
        some = [problems[i] for i in chosen]
        values[rows], other[rows] = _contours(some, (taken, _coarse(taken)))
        on_barrier[rows], inside[rows] = _places(some)
    s = _scales(problems)
    with np.errstate(all="ignore"):
        floor = LAST_DIGITS * np.maximum(np.abs(values[:, 0]), s.terms)
        error = np.abs(values[:, 0] - other[:, 0]) + np.maximum(floor, s.rounding)
        noise = CONTOUR_DIGITS / LAST_DIGITS * floor
        error = np.maximum(error, noise)
        unit = np.maximum(np.abs(values[:, 0]), s.claim * np.minimum(s.deviation, 1.0))
        steps = np.stack([np.ones_like(unit), s.deviation, s.deviation**2], axis=1)
        differ = np.abs(values - other) * steps
        good = (differ <= AGREEMENT * unit[:, None]).all(axis=1)
        good &= noise <= MOST_NOISE * np.maximum(np.abs(values[:, 0]), s.claim)
        good &= (np.abs(s.drift) <= MOST_DRIFT) & np.isfinite(values).all(axis=1) & ~on_barrier
    values[inside], error[inside] = 0.0, 0.0
    # whoever asks for so many nodes gets them
    doubtful = (on_barrier if nodes is not None else ~good) & ~inside
    below, above = values, values
    if doubtful.any():
        below, above = values.copy(), values.copy()
        owner = np.searchsorted(at, np.arange(at[-1]), side="right") - 1
        for row in np.flatnonzero(doubtful):
            problem, j = problems[owner[row]], int(row - at[owner[row]])
            below[row], error[row] = quadrature(problem, j)
            above[row] = below[row]
            if on_barrier[row]:
                above[row], also = quadrature(problem, j, above=True)
                error[row] = max(error[row], also)
            size = max(abs(below[row, 0]), s.claim[row])
            error[row] += max(LAST_DIGITS * size, s.rounding[row])
        values = (below + above) / 2
    return Solution(values, error, doubtful, on_barrier, below, above)


def quadrature(problem: Reduced, j: int, above: bool = False) -> tuple[Vector, float]:
    """Return discounted U, U', U'' of contract j by the integral over S_T, and the price's error.

    `above`: a spot on a barrier is seen from above.
    """
    p = standardise(problem, j, above)
    if p is None:
        return np.zeros(3), 0.0
    kind = problem.kind
    forward = math.log(problem.spot[j]) + problem.gamma * problem.maturity
    arguments = (kind, float(problem.strike[j]), forward, -problem.rate * problem.maturity)
    with np.errstate(over="ignore", invalid="ignore"):
        (found, free), (other, _) = (integrate(p, *arguments, rule=rule) for rule in RULES)
        found[1:] /= p.deviation, p.deviation**2
        error = abs(found[0] - other[0]) + ROUND_OFF * free
    return found, float(error)


ROUND_OFF = 2e-14
"""Of the weight, whose largest value is one, in the integral over S_T."""


def _coarse(nodes: int) -> int:
    """Return the nodes of the contour to compare with."""
    return COARSE_NODES if nodes != COARSE_NODES else COARSE_NODES * 3 // 4


class _Scales(NamedTuple):
    """What decides whether a price on the contour is believed, (n,) each."""

    claim: Vector
    """What is paid, at the money and discounted."""
    terms: Vector
    """Size of the terms on the contour."""
    rounding: Vector
    """What the last digits of logarithms, hence of positions, do to a price."""
    deviation: Vector
    drift: Vector
    """In deviations."""


def _scales(problems: Sequence[Reduced]) -> _Scales:
    size = [len(p.spot) for p in problems]

    def column(name: str) -> Vector:
        return np.repeat(np.array([getattr(p, name) for p in problems], dtype=np.float64), size)

    def joined(name: str) -> Vector:
        return np.concatenate([getattr(p, name) for p in problems])

    kind = np.repeat(np.array([p.kind for p in problems]), size)
    lowest = np.repeat([max(0.0, -float(p.rates.min())) for p in problems], size)
    T, r, q, gamma, vol = map(column, ("maturity", "rate", "dividend", "gamma", "vol"))
    deviation = vol * np.sqrt(T)
    drift = (r - q - gamma) * T / deviation - deviation / 2
    shift = np.maximum(0.0, r - q - gamma) + lowest - r
    spot, strike = np.log(joined("spot")), np.log(joined("strike"))
    share, cash = spot - q * T, strike - r * T
    bond, asset, call = np.isin(kind, ("unit", "digital")), kind == "asset", kind == "call"
    claim = np.where(bond, -r * T, np.where(asset, share, np.minimum(share, cash)))
    inside = np.where(call, share - cash, cash - share)
    # where the claim pays if the price stays, both legs are there, however little is left of them
    y, k = joined("y"), joined("k")
    legs = np.where(np.where(call, y > k, y < k), np.maximum(spot + gamma * T, strike),
                    np.minimum(spot + gamma * T, strike))  # fmt: skip
    later = np.where(bond, 0.0, np.where(asset, spot + gamma * T, legs))
    claim = np.exp(np.minimum(claim, 700.0))
    # an option in the money, and any other claim, is lost at a barrier as a whole
    held = np.where(bond | asset, 1.0, np.minimum(deviation, 1.0)
                    + np.expm1(np.clip(inside, 0.0, 700.0)))  # fmt: skip
    digits = EPSILON * (1 + np.maximum(np.abs(y), np.abs(k)))
    rounding = digits * claim * held / np.minimum(deviation, 1.0)
    return _Scales(claim, np.exp(np.minimum(later + shift * T, 700.0)), rounding, deviation, drift)


def _places(problems: Sequence[Reduced]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where a spot is on a barrier that matters and where it is knocked out, (n,) each."""
    y = np.concatenate([p.y for p in problems])
    owner = np.repeat(np.arange(len(problems)), [len(p.y) for p in problems])
    breaks = np.stack([p.breaks for p in problems])[owner]
    rates = np.stack([p.rates for p in problems])[owner]
    on = np.abs(y[:, None] - breaks) <= 2e-15 * np.maximum(1.0, np.abs(breaks))
    rows = np.arange(len(y))
    below, above = (breaks < y[:, None]).sum(axis=1), (breaks <= y[:, None]).sum(axis=1)
    low, high = rates[rows, below], rates[rows, above]
    out = (low == math.inf) & (high == math.inf)
    return (on & (rates[:, 1:] != rates[:, :-1])).any(axis=1) & ~out, out


def _contours(problems: Sequence[Reduced], nodes: tuple[int, int]) -> tuple[Vector, Vector]:
    """Return discounted U, U', U'' of problems with equally many barriers on two contours."""
    orders, counts, owners, firsts = [], [], [], []
    begin = 0
    for i, p in enumerate(problems):
        order, first, count = np.zeros(1, np.intp), np.zeros(1, np.intp), np.ones(1, np.intp)
        if len(p.strike) > 1:
            _, inverse, count = np.unique(p.strike, return_inverse=True, return_counts=True)
            order = np.argsort(inverse, kind="stable")
            first = order[np.concatenate([[0], np.cumsum(count)[:-1]])]
        orders.append(order + begin)
        firsts.append(first + begin)
        counts.append(count)
        owners.append(np.full(len(count), i))
        begin += len(p.strike)
    order, first, owner = np.concatenate(orders), np.concatenate(firsts), np.concatenate(owners)
    rates = np.stack([p.finite_rates for p in problems])

    def column(name: str) -> Vector:
        values = np.array([getattr(p, name) for p in problems], dtype=np.float64)
        return np.asarray(values[owner], dtype=np.float64)

    def joined(name: str) -> Vector:
        return np.concatenate([getattr(p, name) for p in problems])

    arguments = (
        column("maturity"), column("rate"), column("nu"), column("vol"), joined("k")[first],
        joined("source")[first], np.stack([p.breaks for p in problems])[owner], rates[owner],
        joined("y")[order], np.concatenate([[0], np.cumsum(np.concatenate(counts))]),
    )  # fmt: skip
    out = []
    for number in nodes:
        found = np.empty((begin, 3))
        found[order] = solve_many(*arguments, number)
        out.append(found)
    return out[0], out[1]


def solve_many(
    maturity: ArrayLike, rate: ArrayLike, nu: ArrayLike, vol: ArrayLike, k: ArrayLike,
    source: Vector, breaks: Vector, rates: Vector, y: Vector, first: ArrayLike,
    nodes: int = NODES,
) -> Vector:  # fmt: skip
    """Return discounted U, U', U'' of n contracts with equally many barriers, each at its spots.

    maturity, rate, nu, vol, k: (n,). source: (n, 4). breaks: (n, m). rates: (n, m + 1).
    Contract c is evaluated at y[first[c]:first[c + 1]]. Returns (len(y), 3).
    """
    from heliostat_methods.step_options.closed_form.laplace_kernel import (
        COLUMNS,
        hyperbola,
        solve_contracts,
    )

    k = np.asarray(k, dtype=np.float64)
    contracts = np.empty((len(k), COLUMNS))
    for column, values in enumerate((maturity, rate, nu, vol, k)):
        contracts[:, column] = values
    contracts[:, 5:] = source
    out = np.empty((len(y), 3))
    z, w = hyperbola(nodes)
    solve_contracts(
        contracts,
        np.ascontiguousarray(breaks, dtype=np.float64),
        np.ascontiguousarray(rates, dtype=np.float64),
        np.ascontiguousarray(y, dtype=np.float64),
        np.ascontiguousarray(first, dtype=np.int64),
        z,
        w,
        out,
    )
    return out
