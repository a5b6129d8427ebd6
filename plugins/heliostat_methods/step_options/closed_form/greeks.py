"""All first-order sensitivities and the cross ones, by automatic differentiation in float64.

The contour stays fixed while parameters move (the inverse transform does not depend on it), so the
gradient is that of the price alone. d_maturity moves the expiry with the barriers fixed at t = 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat_methods.step_options.closed_form.transform import transformed_price
from heliostat_methods.step_options.contracts.reduced import Reduced
from heliostat_methods.step_options.contracts.validation import Vector

FIRST = ("spot", "vol", "rate", "dividend", "gamma", "maturity", "strike")
SECOND = {"vanna": ("spot", "vol"), "volga": ("vol", "vol"), "charm": ("spot", "maturity"),
          "spot_rate": ("spot", "rate"), "spot_gamma": ("spot", "gamma")}  # fmt: skip
"""Second derivatives by name; `gamma` in pairs is the growth rate of the barrier."""


def sensitivities(problem: Reduced, nodes: int = 16) -> dict[str, Vector]:
    """Return derivatives by name, each (n,); rates and levels give (n, regions), (n, barriers).

    Names: vega, d_rate, d_dividend, d_gamma, d_maturity, d_strike, theta = -d_maturity,
    d_rates, d_charge (all positive rates together), d_levels, and the keys of `SECOND`.
    """
    rows = [_one(problem, j, nodes) for j in range(len(problem.spot))]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _one(problem: Reduced, j: int, nodes: int) -> dict[str, Any]:
    import torch

    from heliostat_methods.step_options.closed_form.laplace_kernel import hyperbola

    def leaf(value: Any) -> torch.Tensor:
        return torch.tensor(value, dtype=torch.float64, requires_grad=True)

    p = {
        "spot": leaf(problem.spot[j]),
        "vol": leaf(problem.vol),
        "rate": leaf(problem.rate),
        "dividend": leaf(problem.dividend),
        "gamma": leaf(problem.gamma),
        "maturity": leaf(problem.maturity),
        "strike": leaf(problem.strike[j]),
        "rates": leaf(problem.rates),
        "levels": leaf(problem.level * np.exp(problem.breaks)),
    }
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
    price = (weights * u * moved).real.sum() * torch.exp(-p["rate"] * p["maturity"])
    names = [*FIRST, "rates", "levels"]
    first = dict(
        zip(names, torch.autograd.grad(price, [p[n] for n in names], create_graph=True),
            strict=True)
    )  # fmt: skip
    out: dict[str, Any] = {
        "vega": first["vol"].item(),
        "d_rate": first["rate"].item(),
        "d_dividend": first["dividend"].item(),
        "d_gamma": first["gamma"].item(),
        "d_maturity": first["maturity"].item(),
        "theta": -first["maturity"].item(),
        "d_strike": first["strike"].item(),
        "d_rates": first["rates"].detach().numpy(),
        "d_charge": float((first["rates"].detach().numpy() * (problem.rates > 0)).sum()),
        "d_levels": first["levels"].detach().numpy(),
    }
    for a in dict.fromkeys(a for a, _ in SECOND.values()):
        partners = {name: b for name, (a_, b) in SECOND.items() if a_ == a}
        second = torch.autograd.grad(first[a], [p[b] for b in partners.values()],
                                     retain_graph=True)  # fmt: skip
        out |= {name: value.item() for name, value in zip(partners, second, strict=True)}
    return out
