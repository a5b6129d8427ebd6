"""All first-order sensitivities and the cross ones, by automatic differentiation in float64.

Of the form that gave the price: on the contour in s, which stays fixed while parameters move (the
inverse transform does not depend on it), or of the integral over S_T, whose panels move with their
ends. d_maturity moves the expiry with the barriers fixed at t = 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.step_options.closed_form.kernel_quadrature import (
    RULES,
    panels,
    quadrature_terms,
)
from heliostat_methods.step_options.closed_form.reach import standardise
from heliostat_methods.step_options.closed_form.transform import transformed_price
from heliostat_methods.step_options.contracts.reduced import Reduced
from heliostat_methods.step_options.contracts.validation import Vector

FIRST = ("spot", "vol", "rate", "dividend", "gamma", "maturity", "strike")
SECOND = {"vanna": ("spot", "vol"), "volga": ("vol", "vol"), "charm": ("spot", "maturity"),
          "spot_rate": ("spot", "rate"), "spot_gamma": ("spot", "gamma")}  # fmt: skip
"""Second derivatives by name; `gamma` in pairs is the growth rate of the barrier."""


def sensitivities(
    problem: Reduced, nodes: int = 16, by_quadrature: NDArray[np.bool_] | None = None
) -> dict[str, Vector]:
    """Return derivatives by name, each (n,); rates and levels give (n, regions), (n, barriers).

    Names: vega, d_rate, d_dividend, d_gamma, d_maturity, d_strike, theta = -d_maturity,
    d_rates (zero where a rate is infinite), d_charge (all positive rates together), d_levels, and
    the keys of `SECOND`. `by_quadrature` (n,): which are taken from the integral over S_T.
    """
    rows = []
    for j in range(len(problem.spot)):
        leaves = _leaves(problem, j)
        if by_quadrature is not None and by_quadrature[j]:
            price = _integral(problem, j, leaves)
        else:
            price = _contour(problem, j, leaves, nodes)
        rows.append(_derivatives(problem, price, leaves))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _leaves(problem: Reduced, j: int) -> dict[str, Any]:
    import torch

    def leaf(value: Any) -> torch.Tensor:
        return torch.tensor(value, dtype=torch.float64, requires_grad=True)

    return {
        "spot": leaf(problem.spot[j]),
        "vol": leaf(problem.vol),
        "rate": leaf(problem.rate),
        "dividend": leaf(problem.dividend),
        "gamma": leaf(problem.gamma),
        "maturity": leaf(problem.maturity),
        "strike": leaf(problem.strike[j]),
        "rates": leaf(problem.finite_rates),
        "levels": leaf(problem.level * np.exp(problem.breaks)),
    }


def _integral(problem: Reduced, j: int, p: dict[str, Any]) -> Any:
    """Return the price by the integral over S_T as a function of the leaves."""
    import torch

    # every pair of leaves has a part, so that derivatives which are zero exist
    nothing = 0.0 * sum(leaf.sum() for leaf in p.values()) ** 2
    seen = standardise(problem, j)
    where = panels(seen, problem.kind, RULES[0].nodes) if seen is not None else None
    if seen is None or where is None or not len(where.at):
        return nothing
    T = p["maturity"]
    deviation = p["vol"] * torch.sqrt(T)
    drift = (p["rate"] - p["dividend"] - p["gamma"] - p["vol"] ** 2 / 2) * T / deviation
    forward = torch.log(p["spot"]) + p["gamma"] * T
    breaks = (torch.log(p["levels"]) - torch.log(p["spot"])) / deviation
    edges: list[Any] = list(seen.edges)
    for i, edge in enumerate(seen.edges):
        if np.isfinite(edge):
            edges[i] = breaks[seen.first + i - 1]
    strike_at = (torch.log(p["strike"]) - forward) / deviation
    left = [p["rates"][seen.first + i] * T for i in range(len(seen.charges))]
    common = left[int(np.argmin(seen.charges))]
    terms, (weights,) = quadrature_terms(
        torch, seen, where, problem.kind, edges, [v - common for v in left], drift, deviation,
        strike_at, p["strike"], forward, -p["rate"] * T - common, 0, RULES[0].line,
    )  # fmt: skip
    return (terms * weights).sum() + nothing


def _contour(problem: Reduced, j: int, p: dict[str, Any], nodes: int) -> Any:
    """Return the price by the contour in s as a function of the leaves."""
    import torch

    from heliostat_methods.step_options.closed_form.laplace_kernel import hyperbola

    level = p["levels"][0]
    terminal = level * torch.exp(p["gamma"] * p["maturity"])
    # source terms are linear in the terminal level and in the strike
    at_level, at_strike = problem.terminal_level, problem.strike[j]
    c1_low, c0_low, c1_high, c0_high = (float(c) for c in problem.source[j])
    # constants are the strike in a call and a put, which also have a part in S
    uses_strike = c1_low != 0 or c1_high != 0

    def constant(c: float) -> Any:
        return c / at_strike * p["strike"] if uses_strike else torch.tensor(c, dtype=torch.float64)

    source = [c1_low / at_level * terminal, constant(c0_low),
              c1_high / at_level * terminal, constant(c0_high)]  # fmt: skip
    nu = p["rate"] - p["dividend"] - p["gamma"] - p["vol"] ** 2 / 2
    z, w = hyperbola(nodes)
    fixed_t = problem.maturity
    shift = max(0.0, problem.nu + problem.vol**2 / 2) + max(0.0, -float(problem.rates.min()))
    s = torch.tensor(z / fixed_t + shift)
    weights = torch.tensor(w / fixed_t)
    breaks = torch.log(p["levels"] / level)
    below_k = int((problem.breaks <= problem.k[j]).sum())
    below_y = int((problem.breaks < problem.y[j]).sum()) + int(problem.k[j] < problem.y[j])
    u = transformed_price(
        s,
        order=(below_k, below_y),
        y=torch.log(p["spot"] / level),
        k=torch.log(p["strike"] / terminal),
        nu=nu,
        vol=p["vol"],
        breaks=list(breaks),
        rates=list(p["rates"]),
        source=source,
        sqrt=torch.sqrt,
        exp=torch.exp,
    )
    # e^{sT} with s fixed: the node's part of `weights` holds T = fixed_t, the rest moves with T
    moved = torch.exp(s * (p["maturity"] - fixed_t)) * np.exp(shift * fixed_t)
    return (weights * u * moved).real.sum() * torch.exp(-p["rate"] * p["maturity"])


def _derivatives(problem: Reduced, price: Any, p: dict[str, Any]) -> dict[str, Any]:
    import torch

    names = [*FIRST, "rates", "levels"]
    first = dict(
        zip(names, torch.autograd.grad(price, [p[n] for n in names], create_graph=True),
            strict=True)
    )  # fmt: skip
    by_rate = np.where(np.isfinite(problem.rates), first["rates"].detach().numpy(), 0.0)
    out: dict[str, Any] = {
        "vega": first["vol"].item(),
        "d_rate": first["rate"].item(),
        "d_dividend": first["dividend"].item(),
        "d_gamma": first["gamma"].item(),
        "d_maturity": first["maturity"].item(),
        "theta": 0.0 - first["maturity"].item(),
        "d_strike": first["strike"].item(),
        "d_rates": by_rate,
        "d_charge": float((by_rate * (problem.rates > 0)).sum()),
        "d_levels": first["levels"].detach().numpy(),
    }
    for a in dict.fromkeys(a for a, _ in SECOND.values()):
        partners = {name: b for name, (a_, b) in SECOND.items() if a_ == a}
        second = torch.autograd.grad(first[a], [p[b] for b in partners.values()],
                                     retain_graph=True)  # fmt: skip
        out |= {name: value.item() for name, value in zip(partners, second, strict=True)}
    return out
