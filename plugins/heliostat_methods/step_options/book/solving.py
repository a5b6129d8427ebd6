"""All sensitivities of many contracts at once, differentiated through the closed form.

As `closed_form.greeks` for one contract: the price is a sum over nodes of a contour that stays
where it is while parameters move. Contracts whose levels, strike and spot stand in the same order
are rows of the same arrays, (contracts, nodes), and one pass of automatic differentiation serves
all of them. A wall (an infinite rate) is an edge where the price is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat_methods.step_options.book.walls import Seen
from heliostat_methods.step_options.closed_form.laplace_kernel import hyperbola
from heliostat_methods.step_options.contracts.validation import Vector

SCALARS = ("vega", "theta", "d_rate", "d_dividend", "d_strike",
           "d_gamma", "d_charge", "d_maturity", "vanna", "volga", "charm", "spot_rate",
           "spot_gamma")  # fmt: skip
"""Sensitivities beside delta and gamma, as a single run names them; d_levels and d_rates are lists
beside them."""
_SECOND = {"vanna": "vol", "charm": "maturity", "spot_rate": "rate", "spot_gamma": "gamma"}
"""Derivatives of delta, and by what."""


@dataclass(frozen=True)
class Solved:
    """`numbers` by name, (contracts,) each; `levels`, `rates`: derivatives by each one seen."""

    numbers: dict[str, Vector]
    levels: Vector
    rates: Vector


@dataclass(frozen=True)
class _Contracts:
    """Parameters of contracts of one order, (contracts, 1) tensors each."""

    spot: Any
    vol: Any
    rate: Any
    dividend: Any
    gamma: Any
    maturity: Any
    strike: Any
    levels: Sequence[Any]
    rates: Sequence[Any]


def differentiate(contracts: Sequence[Seen], nodes: int) -> Solved:
    """Return prices and all sensitivities beside delta and gamma of contracts of one order."""
    import torch

    def leaf(values: Vector) -> Any:
        return torch.tensor(values, dtype=torch.float64, requires_grad=True)

    arrays, levels, rates = _arrays(contracts)
    named = {name: leaf(values) for name, values in arrays.items()}
    level, rate = leaf(levels), leaf(rates)
    p = _Contracts(
        **named,
        levels=[level[:, i : i + 1] for i in range(levels.shape[1])],
        rates=[rate[:, i : i + 1] for i in range(rates.shape[1])],
    )
    price = _inverted(p, contracts, nodes)
    leaves = [*named.values(), level, rate]
    gradient = torch.autograd.grad(price.sum(), leaves, create_graph=True, materialize_grads=True)
    first = dict(zip((*named, "levels", "rates"), gradient, strict=True))
    partners = [named[name] for name in _SECOND.values()]
    second = torch.autograd.grad(
        first["spot"].sum(), partners, retain_graph=True, materialize_grads=True
    )
    (volga,) = torch.autograd.grad(first["vol"].sum(), [named["vol"]], materialize_grads=True)

    def flat(value: Any) -> Vector:
        return np.asarray(value.detach().numpy()[:, 0])

    by_rate = first["rates"].detach().numpy()
    numbers = {
        "price": flat(price), "vega": flat(first["vol"]),
        "d_rate": flat(first["rate"]), "d_dividend": flat(first["dividend"]),
        "d_gamma": flat(first["gamma"]), "d_maturity": flat(first["maturity"]),
        "theta": -flat(first["maturity"]), "d_strike": flat(first["strike"]),
        "d_charge": np.where(rates > 0, by_rate, 0.0).sum(axis=1), "volga": flat(volga),
        **{name: flat(value) for name, value in zip(_SECOND, second, strict=True)},
    }  # fmt: skip
    return Solved(numbers, first["levels"].detach().numpy(), by_rate)


def _arrays(contracts: Sequence[Seen]) -> tuple[dict[str, Vector], Vector, Vector]:
    problems = [c.problem for c in contracts]
    names = ("vol", "rate", "dividend", "gamma", "maturity")
    arrays = {name: np.array([[getattr(p, name)] for p in problems]) for name in names}
    spots = {"spot": np.array([[p.spot[0]] for p in problems])}
    strikes = {"strike": np.array([[p.strike[0]] for p in problems])}
    levels = np.stack([c.levels for c in contracts])
    return spots | arrays | strikes, levels, np.stack([c.rates for c in contracts])


def _inverted(p: _Contracts, contracts: Sequence[Seen], nodes: int) -> Any:
    """Return the discounted price (contracts, 1)."""
    import torch

    problems = [c.problem for c in contracts]
    z, w = hyperbola(nodes)
    T = np.array([[c.maturity] for c in problems])
    shift = np.array([[max(0.0, c.nu + c.vol**2 / 2)] for c in problems])
    shift = shift + np.array([[max(0.0, -float(c.rates.min()))] for c in contracts])
    s, weights = torch.tensor(z[None, :] / T + shift), torch.tensor(w[None, :] / T)
    # e^{sT} with s fixed: the weights hold its part at the contour's own T
    moved = weights * torch.exp(s * (p.maturity - torch.tensor(T)))
    grown = torch.tensor(np.exp(shift * T)) * torch.exp(-p.rate * p.maturity)
    return (moved * _transformed(p, contracts, s)).real.sum(1)[:, None] * grown


def _transformed(p: _Contracts, contracts: Sequence[Seen], s: Any) -> Any:
    """Return U(y; s), the undiscounted Laplace transform of the price in T."""
    from torch import exp, log, sqrt

    order = contracts[0].order
    left, right, at, hidden = order.left, order.right, order.below_strike, order.strike_hidden
    terminal = p.levels[0] * exp(p.gamma * p.maturity)
    y, k = log(p.spot / p.levels[0]), log(p.strike / terminal)
    levels = [log(level / p.levels[0]) for level in p.levels]
    rates: list[Any] = [None] * left + list(p.rates) + [None] * right
    points, upper = levels, [order.strike_below_wall] * len(rates)
    if not hidden:
        points = [*levels[:at], k, *levels[at:]]
        rates = [*rates[: at + 1], rates[at], *rates[at + 1 :]]
        upper = [i > at for i in range(len(rates))]
    low, high = _sources(p, contracts, terminal)
    place = order.below_spot + (order.strike_below_spot and not hidden)
    v2 = p.vol * p.vol
    nu = p.rate - p.dividend - p.gamma - v2 / 2

    def region(i: int) -> tuple[Any, Any, Any, Any]:
        sv = s + rates[i]
        d = sqrt(nu * nu + 2 * v2 * sv)
        c1, c0 = high if upper[i] else low
        return (d - nu) / v2, (-nu - d) / v2, c1 / (sv - nu - v2 / 2), c0 / sv

    # U' = slope U + offset, carried to y from the left and from the right; None stands for a wall
    slope: Any = None
    offset: Any = None
    for i in range(1 if left else 0, place + 1):
        lp, lm, p1, p0 = region(i)
        end = points[i] if i < place else y
        if i == 0:
            d_end = p1 * exp(end)
            slope, offset = lp, d_end - lp * (d_end + p0)
        else:
            slope, offset = _carry(slope, offset, lm, lp, p1, p0, points[i - 1], end, exp)
    below = slope, offset
    last = len(points)
    slope, offset = None, None
    for i in range(last - 1 if right else last, place - 1, -1):
        lp, lm, p1, p0 = region(i)
        end = points[i - 1] if i > place else y
        if i == last:
            d_end = p1 * exp(end)
            slope, offset = lm, d_end - lm * (d_end + p0)
        else:
            slope, offset = _carry(slope, offset, lp, lm, p1, p0, points[i], end, exp)
    return (offset - below[1]) / (below[0] - slope)


def _carry(
    slope: Any, offset: Any, first: Any, second: Any, p1: Any, p0: Any, start: Any, end: Any,
    exp: Callable[[Any], Any],
) -> tuple[Any, Any]:  # fmt: skip
    """Carry U' = slope U + offset, or U = 0 where there is no slope, from `start` to `end`.

    In the region U = P + A e^{first (x - start)} + B e^{second (x - end)}, both decaying on the
    way; the condition at the start says A = be + al B.
    """
    d_start, d_end = p1 * exp(start), p1 * exp(end)
    width = end - start
    e1, e2 = exp(first * width), exp(-second * width)
    if slope is None:
        al, be = -e2, -(d_start + p0)
    else:
        one = 1 / (first - slope)
        al = -e2 * (second - slope) * one
        be = (slope * (d_start + p0) + offset - d_start) * one
    new = (second + first * e1 * al) / (1 + al * e1)
    return new, d_end + first * e1 * be - new * (d_end + p0 + be * e1)


def _sources(p: _Contracts, contracts: Sequence[Seen], terminal: Any) -> tuple[Any, Any]:
    """Return (c1, c0) of the claim c1 e^y + c0 below and above the strike, with its derivatives.

    c1 are shares of the terminal level; c0 is the strike in a call and a put, else a number.
    """
    import torch

    source = np.stack([c.problem.source[0] for c in contracts])
    at_level = np.array([c.problem.terminal_level for c in contracts])
    at_strike = np.array([c.problem.strike[0] for c in contracts])
    uses_strike = (source[:, 0] != 0) ^ (source[:, 2] != 0)

    def side(c1: Vector, c0: Vector) -> tuple[Any, Any]:
        by_strike = torch.tensor(np.where(uses_strike, c0 / at_strike, 0.0))[:, None]
        plain = torch.tensor(np.where(uses_strike, 0.0, c0))[:, None]
        share = torch.tensor(c1 / at_level)[:, None]
        return share * terminal, by_strike * p.strike + plain

    return side(source[:, 0], source[:, 1]), side(source[:, 2], source[:, 3])
