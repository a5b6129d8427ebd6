"""What rings are made of at many loop momenta at once, by components.

The legs are one point, so their currents are made once; only the edges' momenta are arrays. Points
stand last in every array, (D, points) and (D, D, points): sums over components then run over
contiguous lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.amplitudes.currents.theories import external_legs
from heliostat_methods.amplitudes.currents.vector_currents import VectorCurrents
from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.loops.d_polynomial import DPolynomial
from heliostat_methods.amplitudes.loops.ring_vertices import partings

Array = NDArray[Any]


class LegArcs:
    """Currents and momenta of all arcs of a point's legs, with indices up and down: (D,) arrays."""

    def __init__(self, point: FourVectorPoint) -> None:
        n = self.n = point.n
        self.field = point.field
        self.dimension = point.space.dimension
        self.signs = np.array(point.metric, dtype=float)
        word = [i % n for i in range(2 * n - 3)]
        currents = VectorCurrents(point.space, external_legs(point, word, {}))
        arcs = [(i, legs) for i in range(n) for legs in range(1, n - 1)]
        self.current = {(i, L): np.array(currents.current(i, i + L)) for i, L in arcs}
        self.momentum = {(i, L): np.array(currents.momentum(i, i + L)) for i, L in arcs}
        self.low = {arc: self.signs * x for arc, x in self.current.items()}
        self.low_momentum = {arc: self.signs * k for arc, k in self.momentum.items()}
        self.offsets = np.cumsum(
            [np.zeros(self.dimension), *np.array(point.momenta[: n - 1])], axis=0
        )


class BatchedFrame:
    """Edges at loop momenta (D, points), and vertices on them."""

    def __init__(self, legs: LegArcs, loop_momenta: Array) -> None:
        self.legs, self.n, self.field = legs, legs.n, legs.field
        self.edges = [loop_momenta + offset[:, None] for offset in legs.offsets]
        self.low_edges = [legs.signs[:, None] * q for q in self.edges]
        self._inverses = [
            1 / summed(q, low) for q, low in zip(self.edges, self.low_edges, strict=True)
        ]

    def inverse(self, edge: int) -> Array:
        """Return 1 / d_i for each point, inf at its pole."""
        return self._inverses[edge % self.n]

    def scalar(self, start: int, count: int) -> Number | None:
        """Return a scalar's vertex; see `ring_vertices`."""
        found: Any = None
        if count <= self.n - 2:
            low = self.legs.low[start, count]
            along = low @ self.legs.momentum[start, count]
            found = -2 * summed(low, self.edges[start]) - along
        for one, other in partings(start, count, self.n):
            pair = self.legs.current[one] @ self.legs.low[other]
            found = -pair if found is None else found - pair
        return found

    def ghost(self, start: int, count: int) -> Number | None:
        """Return a ghost's vertex in Feynman gauge."""
        if count > self.n - 2:
            return None
        low = self.legs.low[start, count]
        return -summed(low, self.edges[start]) - low @ self.legs.momentum[start, count]

    def gluon(self, start: int, count: int) -> Matrices | None:
        """Return a gluon's vertex in Feynman gauge."""
        c = self.scalar(start, count)
        if c is None:
            return None
        fixed = self._joined(start, count, 2, -1)
        if count > self.n - 2:
            return Matrices(c, fixed[..., None])
        x, low = self.legs.current[start, count], self.legs.low[start, count]
        k, low_k = self.legs.momentum[start, count], self.legs.low_momentum[start, count]
        fixed = fixed - np.outer(k, low) + 2 * np.outer(x, low_k)
        q, low_q = self.edges[start], self.low_edges[start]
        return Matrices(c, q[:, None] * low[None, :, None] + x[:, None, None] * low_q[None]
                        + fixed[..., None])  # fmt: skip

    def background(self, start: int, count: int) -> Matrices | None:
        """Return a gluon's vertex in the background field's gauge."""
        c = self.scalar(start, count)
        if c is None:
            return None
        fixed = np.zeros((self.legs.dimension,) * 2)
        if count <= self.n - 2:
            x, low = self.legs.current[start, count], self.legs.low[start, count]
            k, low_k = self.legs.momentum[start, count], self.legs.low_momentum[start, count]
            fixed = (
                self._joined(start, count, 2, -2) - 2 * np.outer(k, low) + 2 * np.outer(x, low_k)
            )
        return Matrices(c, fixed[..., None])

    def _joined(self, start: int, count: int, forward: int, back: int) -> Array:
        """Return sum forward Y (x) Z^b + back Z (x) Y^b."""
        arcs = self.legs
        total: Array = np.zeros((arcs.dimension,) * 2)
        for one, other in partings(start, count, self.n):
            total = total + forward * np.outer(arcs.current[one], arcs.low[other])
            total = total + back * np.outer(arcs.current[other], arcs.low[one])
        return total


def summed(left: Array, right: Array) -> Array:
    """Return the sum over components of products, for each point.

    In one order: a matrix product rounds differently in batches of different size.
    """
    total: Array = left[0] * right[0]
    for x, y in zip(left[1:], right[1:], strict=True):
        total = total + x * y
    return total


@dataclass(frozen=True)
class Matrices:
    """c 1 + m at each point; ``c`` (points,) or a number, ``m`` (D, D, points or 1), m^i_j."""

    c: Any
    m: Array


class MatrixAlgebra:
    """How `Matrices` multiply; an algebra of lines as in `line_algebra`."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def sum(
        self, vertex: Matrices | None, terms: Sequence[tuple[Number, Matrices, Matrices]]
    ) -> Matrices | None:
        """Return vertex + sum factor chain vertex."""
        total = vertex
        for factor, chain, other in terms:
            made = self.product(chain, other)
            made = Matrices(factor * made.c, factor * made.m)
            total = made if total is None else Matrices(total.c + made.c, total.m + made.m)
        return total

    def product(self, left: Matrices, right: Matrices) -> Matrices:
        """Return left after right."""
        a, b = left.m, right.m
        m = left.c * b + right.c * a
        for j in range(len(a)):
            m += a[:, j, None] * b[None, j]
        return Matrices(left.c * right.c, m)

    def closed(self, chain: Matrices, vertex: Matrices) -> DPolynomial:
        """Return the trace of a chain after a vertex."""
        a, b = chain.m, vertex.m
        constant = sum((a[i] * b[:, i]).sum(0) for i in range(len(a)))
        constant = constant + chain.c * np.einsum("iip->p", b) + vertex.c * np.einsum("iip->p", a)
        return DPolynomial(constant, chain.c * vertex.c, self.field)

    def vertex_trace(self, vertex: Matrices) -> DPolynomial:
        """Return c D + the trace of m."""
        return DPolynomial(np.einsum("iip->p", vertex.m), vertex.c, self.field)

    trace = vertex_trace
