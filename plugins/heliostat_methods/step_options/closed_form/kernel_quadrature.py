"""The price as an integral over S_T: density, bridge weight and claim, with no contour in s.

price = e^{-r T} E[f(x) W(x)], x ~ N(drift, 1) in standard deviations from the spot, W the weight of
all barriers given where the path ends (`bridge_weight`). Every factor is positive and bounded, so
drift may dominate as it likes. Gauss-Legendre panels end at barriers and strike and shrink towards
barriers, where W has a layer as wide as a path gets to know the barrier.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from heliostat_methods.step_options.closed_form.bridge_weight import (
    COARSE,
    FINE,
    Line,
    bridge_weights,
)
from heliostat_methods.step_options.closed_form.reach import Standard
from heliostat_methods.step_options.contracts.validation import Vector

PANEL = 2.0
"""Longest panel, in standard deviations."""
LOG_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)


class Rule(NamedTuple):
    """How finely the integrals over S_T and over the line are taken."""

    nodes: int
    line: Line


RULES = (Rule(16, FINE), Rule(12, COARSE))
"""The one that is used, and one to compare with."""


@dataclass(frozen=True)
class Panels:
    """Nodes as fractions of the pieces that they lie in, so that they move with their ends.

    `ends`: names of the ends of all pieces, in order: a number fixed, "strike", or the number of an
    edge. Each array (n,).
    """

    ends: tuple[tuple[str, float], ...]
    piece: Any
    fraction: Vector
    weight: Vector
    """As a share of the piece."""
    region: Any
    at: Vector
    """The nodes."""
    lengths: Vector
    """What each stands for."""


def panels(
    p: Standard, kind: str, nodes: int, window: tuple[float, float] = (math.inf, -math.inf)
) -> Panels:
    """Return nodes where the claim and the density are not zero, and all over `window`."""
    tilt = p.deviation if kind in ("call", "asset") else 0.0
    lo = min(p.drift - p.reach, window[0])
    hi = max(p.drift + tilt + p.reach, window[1])
    if kind in ("call", "digital"):
        lo = max(lo, p.strike)
    if kind == "put":
        hi = min(hi, p.strike)
    marks = [(e, ("edge", i)) for i, e in enumerate(p.edges) if lo < e < hi]
    lo_wall, hi_wall = p.edges[0], p.edges[-1]
    ends: list[tuple[float, tuple[str, float]]] = [(lo, ("fixed", lo)), *marks, (hi, ("fixed", hi))]
    if lo == p.strike:
        ends[0] = (lo, ("strike", 0))
    if hi == p.strike:
        ends[-1] = (hi, ("strike", 0))
    scales = [(e, _layer(p, i)) for i, e in enumerate(p.edges) if math.isfinite(e)]
    x, w = np.polynomial.legendre.leggauss(nodes)
    piece, fraction, weight = [], [], []
    for i, ((a, _), (b, _)) in enumerate(itertools.pairwise(ends)):
        if not b > a or b <= lo_wall or a >= hi_wall:
            continue
        for u, v in _split(a, b, scales):
            share = (v - u) / (b - a)
            piece.append(np.full(nodes, i))
            fraction.append((u - a) / (b - a) + share * (x + 1) / 2)
            weight.append(share * w / 2)
    if not piece:
        empty = np.empty(0)
        return Panels(tuple(e[1] for e in ends), empty.astype(int), empty, empty,
                      empty.astype(int), empty, empty)  # fmt: skip
    at_piece = np.concatenate(piece)
    places = np.array([e[0] for e in ends])
    f = np.concatenate(fraction)
    length = places[at_piece + 1] - places[at_piece]
    at, share_of = places[at_piece] + f * length, np.concatenate(weight)
    middle = (places[:-1] + places[1:]) / 2
    region = np.searchsorted(np.array(p.edges[1:-1]), middle)[at_piece]
    return Panels(tuple(e[1] for e in ends), at_piece, f, share_of, region, at, share_of * length)


def _layer(p: Standard, i: int) -> float:
    """Return the width over which the weight changes at edge i."""
    charge = max(p.charges[max(i - 1, 0) : i + 1])
    return 1 / (1 + abs(p.edges[i]) + math.sqrt(2 * charge))


def _split(a: float, b: float, scales: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return panels of [a, b], none longer than its distance from a barrier or the layer there."""
    longest = PANEL
    for e, layer in scales:
        longest = min(longest, max(layer, a - e, e - b))
    middle = (a + b) / 2
    if b - a <= longest or not a < middle < b:
        return [(a, b)]
    return _split(a, middle, scales) + _split(middle, b, scales)


def integrate(
    p: Standard, kind: str, strike: float, log_forward: float, log_discount: float, order: int = 2,
    rule: Rule = RULES[0],
) -> tuple[Vector, float]:  # fmt: skip
    """Return the price and its first two derivatives in x (order + 1,), and the unweighted price.

    log_forward: ln of S e^{growth of the barriers}, S_T = e^{log_forward + deviation x} there.
    log_discount: without the common rate, which is added here.
    """
    where = panels(p, kind, rule.nodes)
    if not len(where.at):
        return np.zeros(order + 1), 0.0
    terms, weights = quadrature_terms(
        np, p, where, kind, p.edges, p.charges, p.drift, p.deviation, p.strike, strike,
        log_forward, log_discount - p.common, order, rule.line,
    )  # fmt: skip
    return np.array([np.dot(w, terms) for w in weights]), float(terms.sum())


def quadrature_terms(
    lib: Any, p: Standard, where: Panels, kind: str, edges: Any, charges: Any, drift: Any,
    deviation: Any, strike_at: Any, strike: Any, log_forward: Any, log_discount: Any, order: int,
    line: Line,
) -> tuple[Any, list[Any]]:  # fmt: skip
    """Return discounted claim times density times length at each node, and the weights there.

    `edges` and what follows may be tensors; `p` and `where` say what is where, in plain numbers.
    """
    x, terms = claim_terms(lib, where, kind, edges, drift, deviation, strike_at, strike,
                           log_forward, log_discount)  # fmt: skip
    if len(p.charges) == 1 and not any(map(math.isfinite, p.edges)):
        score = x - drift
        free = [1 + 0 * score, score, score * score - 1]
        return terms, free[: order + 1]
    return terms, bridge_weights(
        lib, x, where.at, where.region, p.start, edges, charges, drift, order, line
    )


def claim_terms(
    lib: Any, where: Panels, kind: str, edges: Any, drift: Any, deviation: Any, strike_at: Any,
    strike: Any, log_forward: Any, log_discount: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Return the nodes, and the discounted claim times density times length at each."""
    named: list[Any] = [
        strike_at if name == "strike" else edges[int(value)] if name == "edge" else value
        for name, value in where.ends
    ]
    if lib is np:
        ends = np.array(named)
    else:
        ends = lib.stack([lib.as_tensor(end, dtype=lib.float64) for end in named])
    length = ends[where.piece + 1] - ends[where.piece]
    x = ends[where.piece] + length * lib.asarray(where.fraction)
    log = log_discount - LOG_ROOT_TWO_PI - 0.5 * (x - drift) ** 2
    claim = _claim(lib, kind, strike, log, deviation * (x - strike_at), log_forward + deviation * x)
    return x, claim * length * lib.asarray(where.weight)


def _claim(lib: Any, kind: str, strike: Any, log: Any, ratio: Any, log_price: Any) -> Any:
    """Return f(S_T) e^{log}; ratio = ln(S_T / strike)."""
    if kind == "unit" or kind == "digital":
        return lib.exp(log)
    if kind == "asset":
        return lib.exp(log_price + log)
    # near the strike the difference would lose digits, far from it e^ratio overflows
    near = lib.exp(log) * lib.expm1(lib.clip(ratio, None, 1.0))
    far = lib.exp(log + ratio) - lib.exp(log)
    value = strike * lib.where(ratio < 1.0, near, far)
    return value if kind == "call" else -value
