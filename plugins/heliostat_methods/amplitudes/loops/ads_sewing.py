"""One loop of a scalar in AdS4 around any number of legs, with a regulator for constants.

As `ads.scalar_loop` for three legs: edges carry q_i = l + k_0 + .. + k_{i-1}; legs of an arc do
-(2 q_i + k_P).A_P(z) - sum (X_Y.X_Z)(z) to the scalar; an edge is cut, sin(pz) put in, propagated
round and closed with sin(pz).

In axial gauge the longitudinal part of a current of several legs tends to a constant, k_P times a
number: pure gauge, but it does not decay. From four legs on, in rings all of whose vertices have
such constants, int sin^2(pz) dz has no limit. Here a constant is a e^{-eps z}, a sum over rings is
pole / eps + finite + O(eps), and both coefficients are returned. What came out (n = 4, 5 and 6):

- The finite part is the same for (1 + eps z) e^{-eps z}: it belongs to the theory, not the
  regulator.
- T[i j] of the loop around gluons is that with scalars i and j: pole and finite part, at each p.
- Which leg says where to cut changes both as functions of p, but not their integrals over p, so the
  loop is cyclic.
- With D_i = p^2 + |q_i|^2 and constants a k_P, a' k_P' of two arcs, q_i and q_j between them, the
  pole for n = 4 and 5 is the sum over such pairs of arcs of

      (a a'/4) [ (D_i - D_j)^2 / (D_i D_j) - |k_P|^2 (1/D_i + 1/D_j) ].

  One propagator at most is left in each term, which then has no scale and integrates to 0 over l
  and p in dimensional regularisation, so the finite part may stand alone. With a cutoff it may not.

Source: derived; statements that are equations are checked by the tests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.amplitudes.ads.exponential_sum import ExpSum
from heliostat_methods.amplitudes.ads.exponents import NamedExponents
from heliostat_methods.amplitudes.ads.gluon_currents import AdSCurrents, norms_of
from heliostat_methods.amplitudes.ads.propagation import propagated
from heliostat_methods.amplitudes.currents.theories import Scalars, checked_flavours
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.fields.floating import COMPLEX128
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.space import Vector, product
from heliostat_methods.amplitudes.loops.ring_sum import first_arcs

Array = NDArray[Any]
SMALLEST = 1e-3
"""Of the smallest |q_i|: below that p there are less than six digits of the finite part."""
CIRCLE = 16
"""Values of eps on a circle about 0, from which both coefficients are read off."""


@dataclass(frozen=True)
class SewnLoop:
    """pole / eps + finite, numbers or arrays (points,) as p."""

    pole: Any
    finite: Any


def regulated_scalar_loop(
    point: AdSPoint, edge_norms: Sequence[Any], le: Sequence[Any], p: Any, scalars: Scalars = (),
    *, first: int = 0, linear: bool = False,
) -> SewnLoop:  # fmt: skip
    """Return the integrand in (l, p) of a scalar loop around n >= 3 gluons, or with two scalars.

    ``edge_norms``: (n,), |q_i|. ``le``: (n,), l.e_i, boundary products. ``p``: radial momentum of
    the cut edge, at least 1e-3 of the smallest |q_i|, or an array (points,). ``scalars``: two legs
    of one flavour. ``first``: the leg before whose vertex the ring is cut. ``linear``: regulate
    with (1 + eps z) e^{-eps z} in place of e^{-eps z}. With 1/(p^2 + |q_i|^2) of the cut edge,
    without 2/pi; currents of all legs are left out. For three legs the pole is 0 and the rest
    `sewn_scalar_loop`. ValueError naming what is none. Source: derived.
    """
    return _regulated(point, edge_norms, le, p, scalars, first, linear, SMALLEST)


def _regulated(
    point: AdSPoint, edge_norms: Sequence[Any], le: Sequence[Any], p: Any, scalars: Scalars,
    first: int, linear: bool, smallest: float,
) -> SewnLoop:  # fmt: skip
    if not isinstance(point, AdSPoint):
        raise ValueError(f"point: {type(point).__name__}, expected an AdSPoint")
    n = point.n
    flavours = checked_flavours(scalars, n)
    if len(flavours) not in (0, 2):
        raise ValueError(
            f"scalars: {scalars!r}, expected none, or two legs of one flavour: more are not derived"
        )
    edges, along = _numbers("edge_norms", edge_norms, n), _numbers("le", le, n)
    for i, q in enumerate(edges):
        if q <= 0:
            raise ValueError(f"edge_norms[{i}] = {q}, expected a positive norm")
    momenta = np.asarray(p, dtype=float)
    if not np.all((momenta > 0) & (momenta < math.inf)) or momenta.ndim > 1:
        raise ValueError(f"p: {p!r}, expected a positive number, or an array (points,) of them")
    if np.any(momenta < smallest * min(edges)):
        raise ValueError(
            f"p: {float(momenta.min())}, expected at least {smallest} of the smallest |q_i|: the "
            "finite part falls off as p^2, and digits of it are lost beside the pole"
        )
    if first not in range(n):
        raise ValueError(f"first: {first!r}, expected a leg from 0 to {n - 1}")
    real = (point.over("rational") if point.field.exact else point).over("float64")
    at = np.atleast_1d(momenta)
    # eps lies well inside all other poles, which are at sums of norms and of +-ip
    radius = 0.05 * min(float(at.min()), *edges, *map(float, real.norms))
    eps = radius * np.exp(2j * np.pi * (np.arange(CIRCLE) + 0.5) / CIRCLE)
    grid_p, grid_eps = (x.ravel() for x in np.meshgrid(at, eps, indexing="ij"))
    ring = _Ring(real, edges, along, grid_p, grid_eps, flavours, linear)
    total: Any = 0.0
    for start, legs in first_arcs(n):
        total = total + ring.around((start + first) % n, legs)
    values = np.broadcast_to(total, grid_p.shape).reshape(len(at), CIRCLE)
    pole, finite = (values * eps).mean(1).real, values.mean(1).real
    if momenta.ndim:
        return SewnLoop(pole, finite)
    return SewnLoop(float(pole[0]), float(finite[0]))


def integrated_over_p(
    point: AdSPoint, edge_norms: Sequence[Any], le: Sequence[Any], scalars: Scalars = (), *,
    first: int = 0, linear: bool = False, nodes: int = 60,
) -> SewnLoop:  # fmt: skip
    """Return int_0^inf dp of `regulated_scalar_loop`, whose arguments it takes.

    By Gauss and Legendre in the angle of p = scale tan(angle).
    """
    x, w = np.polynomial.legendre.leggauss(nodes)
    angle, weight = (x + 1) * math.pi / 4, w * math.pi / 4
    scale = float(np.mean([float(q) for q in edge_norms]))
    p = scale * np.tan(angle)
    # the first nodes are close to 0, where the integrand is too
    found = _regulated(point, edge_norms, le, p, scalars, first, linear, 0.0)
    measure = weight * scale / np.cos(angle) ** 2
    return SewnLoop(float(found.pole @ measure), float(found.finite @ measure))


class _Ring:
    def __init__(
        self, point: AdSPoint, edges: Sequence[float], le: Sequence[float], p: Array, eps: Array,
        flavours: dict[int, int], linear: bool,
    ) -> None:  # fmt: skip
        self.n, self.edges, self.p, self.linear = point.n, edges, p, linear
        complex_point = point.over(COMPLEX128)
        words = [tuple((i + j) % self.n for j in range(self.n)) for i in range(self.n)]
        named: dict[Any, Number] = {"ip": 1j * p, "-ip": -1j * p, "eps": eps}
        named |= {f"|q_{i}|": complex(q) for i, q in enumerate(edges)}
        for word in words:
            named |= norms_of(complex_point, word)
        self.exponents = exponents = NamedExponents(COMPLEX128, named)
        self.sine = ExpSum(
            exponents, {(exponents.key("-ip"), 0): -0.5j, (exponents.key("ip"), 0): 0.5j}
        )
        self.currents = [AdSCurrents(complex_point, w, flavours, exponents=exponents)
                         for w in words]  # fmt: skip
        self.low_edges = _low_edges(complex_point, edges, le)
        self._vertices: dict[tuple[int, int], ExpSum] = {}

    def around(self, start: int, legs: int) -> Any:
        """Return all rings that are cut at an edge and go on with a vertex of so many legs."""
        scalar = self.vertex(start, legs) * self.sine
        closed = self._closed((start + legs) % self.n, self.n - legs, scalar)
        return closed / (self.p**2 + self.edges[start] ** 2)

    def _closed(self, edge: int, left: int, scalar: ExpSum) -> Any:
        if not left:
            return (scalar * self.sine).integral()
        scalar = propagated(scalar, self.exponents.key(f"|q_{edge}|"))
        return sum(
            self._closed((edge + legs) % self.n, left - legs, self.vertex(edge, legs) * scalar)
            for legs in range(1, left + 1)
        )

    def vertex(self, i: int, legs: int) -> ExpSum:
        """Return what legs i..i+legs-1 do to the scalar, as a function of z."""
        if (i, legs) not in self._vertices:
            currents, total = self.currents[i], ExpSum(self.exponents, {})
            if legs < self.n:
                k = currents.space.lower(currents.momentum(0, legs))
                low = tuple(2 * q + x for q, x in zip(self.low_edges[i], k, strict=True))
                total -= self._decaying(currents.vector(0, legs)).mapped(
                    lambda a: product(a, low, 0)
                )
            for m in range(1, legs):
                total -= self._product(currents, m, legs)
            self._vertices[i, legs] = total
        return self._vertices[i, legs]

    def _product(self, currents: AdSCurrents, m: int, legs: int) -> ExpSum:
        """Return X_Y.X_Z of the first m legs and the rest."""
        one, other = (self._decaying(currents.vector(*span)) for span in ((0, m), (m, legs)))
        lower = currents.space.lower
        total = one.joined(other.mapped(lower), lambda v, low: product(v, low, 0))
        left, right = currents.scalars(0, m), currents.scalars(m, legs)
        for flavour in left:
            if flavour in right:
                total += left[flavour] * right[flavour]
        return total

    def _decaying(self, vectors: ExpSum) -> ExpSum:
        """Return a current with e^{-eps z} on its constant, with (1 + eps z) where asked for."""
        zero, made = self.exponents.zero, ExpSum(self.exponents, {})
        eps = self.exponents.key("eps")
        for (key, power), c in vectors.terms.items():
            if key != zero:
                made += ExpSum(self.exponents, {(key, power): c})
                continue
            made += ExpSum(self.exponents, {(eps, power): c})
            if self.linear:
                times = self.exponents.value(eps)
                made += ExpSum(self.exponents, {(eps, power + 1): tuple(times * x for x in c)})
        return made


def _low_edges(point: AdSPoint, edges: Sequence[float], le: Sequence[float]) -> list[Vector]:
    """Return q_i's products with k_0..k_{n-2}, e_0..e_{n-1}."""
    n, with_k = point.n, []
    for j in range(n - 1):
        # -|q_{j+1}|^2 + |q_j|^2 = 2 q_j.k_j - |k_j|^2, the signs of e^{k.x}
        here = (edges[j] ** 2 - edges[j + 1] ** 2 + point.norms[j] ** 2) / 2
        for i in range(j):
            here = here - point.kk[i][j]
        with_k.append(here)
    low = [complex(x) for x in (*with_k, *le)]
    made = [tuple(low)]
    for j in range(n - 1):
        low = [x + y for x, y in zip(low, point.space.lower(point.momentum(j)), strict=True)]
        made.append(tuple(low))
    return made


def _numbers(name: str, values: Sequence[Any], n: int) -> list[float]:
    listed = list(values)
    if len(listed) != n:
        raise ValueError(f"{name}: {len(listed)} numbers, expected {n}")
    try:
        found = [float(x) for x in listed]
    except (TypeError, ValueError):
        raise ValueError(f"{name}: {listed!r}, expected {n} numbers") from None
    if not all(map(math.isfinite, found)):
        raise ValueError(f"{name}: {listed!r}, expected finite numbers")
    return found
