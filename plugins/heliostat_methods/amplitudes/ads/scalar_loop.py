"""One loop of a scalar in AdS4 around three legs, by sewing.

Edges carry q_i = l + k_0 + .. + k_{i-1}; a vertex (i, L) takes in legs i..i+L-1 beside the scalar:
-(2 q_i + k_P).A_P(z) for one current of them all, -(X_P.X_Q)(z) for two, X.Y = A_X.A_Y +
phi_X.phi_Y. The scalar of the loop has a flavour of its own. The ring is cut at edge i before the
vertex that holds leg 0. With the edge's propagator the integral of (2/pi) sin(pz) sin(pz') /
(p^2 + |q_i|^2) over p, sin(pz) is put in, propagated round the ring by the radial equation of each
edge, and closed by int sin(pz) e^{-Kz} dz = p / (K^2 + p^2). Currents of all three legs are left
out, as on a flat loop. Source: derived.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.ads.exponential_sum import ExpSum
from heliostat_methods.amplitudes.ads.exponents import NamedExponents
from heliostat_methods.amplitudes.ads.gluon_currents import AdSCurrents, norms_of
from heliostat_methods.amplitudes.ads.propagation import propagated
from heliostat_methods.amplitudes.currents.theories import Scalars, checked_flavours
from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.fields.floating import COMPLEX128
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.space import Vector, product


def sewn_scalar_loop(
    point: AdSPoint, edge_norms: Sequence[Any], le: Sequence[Any], p: Any, scalars: Scalars = ()
) -> Any:
    """Return the integrand in (l, p) of a scalar loop around gluons, or two scalars and a gluon.

    ``edge_norms``: (3,), |q_i| with q_0 = l, q_1 = l + k_0, q_2 = l + k_0 + k_1; l.k_j follows.
    ``le``: (3,), l.e_i, boundary products. ``p``: the radial momentum of the cut edge, or an array
    (points,) of them. ``scalars``: two legs that are scalars of one flavour. The sum over all
    rings, with 1/(p^2 + |q_i|^2) of the cut edge and without 2/pi; a float, or an array as p.
    T[i j] of the loop around gluons is the loop with scalars i and j. ValueError for more legs,
    whose currents tend to constants that no leg of the same vertex damps; InvalidPoint for norms
    that are not positive. Source: derived.
    """
    if not isinstance(point, AdSPoint):
        raise ValueError(f"point: {type(point).__name__}, expected an AdSPoint")
    if point.n != 3:
        raise ValueError(
            f"point: {point.n} legs, expected 3: from four legs on currents tend to constants "
            "that leave the radial integral without a limit"
        )
    flavours = checked_flavours(scalars, 3)
    real = (point.over("rational") if point.field.exact else point).over("float64")
    norms = _reals("norms", real.norms, InvalidPoint)
    edges = _reals("edge_norms", edge_norms, ValueError)
    momenta = np.asarray(p, dtype=float)
    if not np.all((momenta > 0) & (momenta < math.inf)) or momenta.ndim > 1:
        raise ValueError(f"p: {p!r}, expected a positive number, or an array (points,) of them")
    with_l = _numbers("le", le)
    ring = _Ring(real.over(COMPLEX128), norms, edges, with_l, momenta[()], flavours)
    # (start, legs) of first vertices, those that hold leg 0: each cyclic diagram counts once
    firsts = [(start, size) for size in (1, 2, 3) for start in range(3) if (-start) % 3 < size]
    total = sum(ring.around(start, size) for start, size in firsts)
    return total.real if momenta.ndim else float(total.real)


class _Ring:
    def __init__(
        self, point: AdSPoint, norms: Sequence[float], edges: Sequence[float],
        le: Sequence[float], p: Any, flavours: dict[int, int],
    ) -> None:  # fmt: skip
        self.edges, self.p = edges, p
        words = [(i, (i + 1) % 3, (i + 2) % 3) for i in range(3)]
        named: dict[Any, Number] = {"ip": 1j * p, "-ip": -1j * p}
        named |= {f"|q_{i}|": complex(q) for i, q in enumerate(edges)}
        for word in words:
            named |= norms_of(point, word)
        self.exponents = exponents = NamedExponents(COMPLEX128, named)
        self.sine = ExpSum(
            exponents, {(exponents.key("-ip"), 0): -0.5j, (exponents.key("ip"), 0): 0.5j}
        )
        self.currents = [AdSCurrents(point, w, flavours, exponents=exponents) for w in words]
        self.low_edges = _low_edges(point, norms, edges, le)
        self._vertices: dict[tuple[int, int], ExpSum] = {}

    def around(self, start: int, first: int) -> Any:
        """Return all rings that are cut at an edge and go on with a vertex of ``first`` legs."""
        closed = self._closed((start + first) % 3, 3 - first, self.vertex(start, first) * self.sine)
        return closed / (self.p**2 + self.edges[start] ** 2)

    def _closed(self, edge: int, left: int, scalar: ExpSum) -> Any:
        """Return the rest of the ring, ``left`` legs from an edge on, closed with the sine."""
        if not left:
            return (scalar * self.sine).integral()
        scalar = propagated(scalar, self.exponents.key(f"|q_{edge}|"))
        return sum(
            self._closed((edge + size) % 3, left - size, self.vertex(edge, size) * scalar)
            for size in range(1, left + 1)
        )

    def vertex(self, i: int, size: int) -> ExpSum:
        """Return what legs i..i+size-1 do to the scalar, as a function of z."""
        if (i, size) not in self._vertices:
            currents, total = self.currents[i], ExpSum(self.exponents, {})
            if size < 3:
                k = currents.space.lower(currents.momentum(0, size))
                low = tuple(2 * q + x for q, x in zip(self.low_edges[i], k, strict=True))
                total -= currents.vector(0, size).mapped(lambda a: product(a, low, 0))
            for m in range(1, size):
                total -= currents.full_product((0, m), (m, size))
            self._vertices[i, size] = total
        return self._vertices[i, size]


def _low_edges(
    point: AdSPoint, norms: Sequence[float], edges: Sequence[float], le: Sequence[float]
) -> list[Vector]:
    """Return q_i's products with k_0, k_1, e_0, e_1, e_2."""
    # q_{j+1}^2 = q_j^2 + 2 q_j.k_j + k_j^2 with the signs of e^{k.x}
    q0_k0, q1_k1 = ((edges[j] ** 2 - edges[j + 1] ** 2 + norms[j] ** 2) / 2 for j in range(2))
    low = [complex(x) for x in (q0_k0, q1_k1 - point.kk[0][1].real, *le)]
    made = [tuple(low)]
    for j in range(2):
        low = [x + y for x, y in zip(low, point.space.lower(point.momentum(j)), strict=True)]
        made.append(tuple(low))
    return made


def _numbers(name: str, values: Sequence[Any]) -> list[float]:
    listed = list(values)
    if len(listed) != 3:
        raise ValueError(f"{name}: {len(listed)} numbers, expected 3")
    try:
        found = [float(x) for x in listed]
    except (TypeError, ValueError):
        raise ValueError(f"{name}: {listed!r}, expected 3 numbers") from None
    if not all(map(math.isfinite, found)):
        raise ValueError(f"{name}: {listed!r}, expected finite numbers")
    return found


def _reals(name: str, values: Sequence[Any], error: type[ValueError]) -> list[float]:
    found = _numbers(name, values)
    for i, x in enumerate(found):
        if x <= 0:
            raise error(f"{name}[{i}] = {x}, expected a positive norm")
    return found
