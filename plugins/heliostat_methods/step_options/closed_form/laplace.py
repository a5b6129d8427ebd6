"""The closed form: price, delta and gamma of any piecewise-constant occupation contract.

16 contour nodes give about 1e-12 of the price's scale; the difference to 12 nodes is reported as
the error. A ladder of spots solves each contract once and evaluates it at every spot.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.step_options.contracts.market import Market, PiecewiseMarket
from heliostat_methods.step_options.contracts.reduced import Reduced, reduce
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Unsupported, Vector

NODES, COARSE_NODES = 16, 12


def price_laplace(option: StepOption, market: Market, greeks: bool = False,
                  nodes: int = NODES) -> Result:  # fmt: skip
    """Return prices with delta and gamma, which come for nothing; `greeks` adds all others."""
    began = time.perf_counter()
    if option.amortisation != "proportional":
        raise Unsupported(
            "amortisation", option.amortisation, 'proportional for method="laplace"',
            'use method="occupation"',
        )  # fmt: skip
    problem = reduce(option, market, "laplace")
    fine = solve(problem, nodes)
    coarse = solve(problem, COARSE_NODES)
    s = problem.spot
    price = fine[:, 0]
    delta, gamma = fine[:, 1] / s, (fine[:, 2] - fine[:, 1]) / s**2
    more = {}
    if greeks:
        from heliostat_methods.step_options.closed_form.greeks import sensitivities

        more = sensitivities(problem, nodes)
        if isinstance(market, PiecewiseMarket):
            # the others move an average, which is no parameter of the market
            more = {name: more[name] for name in ("d_strike", "d_levels")}
    # round-off of the contour sum, relative to the claim's scale, bounds what can be known
    floor = 4e-15 * np.maximum(np.abs(price), np.minimum(s, problem.strike))
    error = np.abs(price - coarse[:, 0]) + floor

    def shaped(values: Vector) -> float | Vector:
        if values.ndim > 1:  # one derivative for each region or barrier
            return values[0] if problem.shape == () else values.reshape((*problem.shape, -1))
        return float(values[0]) if problem.shape == () else values.reshape(problem.shape)

    return Result(
        price=shaped(price),
        method="laplace",
        abs_error_estimate=shaped(error),
        delta=shaped(delta),
        gamma=shaped(gamma),
        sensitivities={name: shaped(values) for name, values in more.items()},
        n_evals=len(s) * (nodes + COARSE_NODES),
        wall_s=time.perf_counter() - began,
        details={"nodes": nodes},
    )


def solve(problem: Reduced, nodes: int = NODES) -> Vector:
    """Return discounted U, U', U'' in y, (n, 3); equal strikes share one pass over the regions."""
    strikes, inverse = np.unique(problem.strike, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    representative = order[np.searchsorted(inverse[order], np.arange(len(strikes)))]
    counts = np.bincount(inverse, minlength=len(strikes))
    first = np.concatenate([[0], np.cumsum(counts)])
    n = len(strikes)
    found = solve_many(
        np.full(n, problem.maturity),
        np.full(n, problem.rate),
        np.full(n, problem.nu),
        np.full(n, problem.vol),
        problem.k[representative],
        problem.source[representative],
        np.tile(problem.breaks, (n, 1)),
        np.tile(problem.rates, (n, 1)),
        problem.y[order],
        first,
        nodes,
    )
    out = np.empty_like(found)
    out[order] = found
    return out


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
