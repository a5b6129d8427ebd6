"""Sums over all rings of vertices, and over all chains between two edges.

    chain(i, L) = V(i, L) + sum_m chain(i+m, L-m) V(i, m) / d_{i+m}
    sum = sum over (i, L) with leg 0 of Tr[chain(i+L, n-L) V(i, L)] / (d_i d_{i+L})

The vertex that holds leg 0 comes first, which counts each cyclic diagram once, bubbles too. No
symmetry factors appear: a gluon that comes in from the left or from the right counts 1/2 + 1/2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.loops.d_polynomial import DPolynomial
from heliostat_methods.amplitudes.loops.line_algebra import LineAlgebra
from heliostat_methods.amplitudes.loops.loop_frame import Arc

V = TypeVar("V")
C = TypeVar("C")


class Edges(Protocol):
    """What a sum over rings needs of the edges of a loop."""

    n: int
    field: Field

    def inverse(self, edge: int) -> Number:
        """Return 1 / d_i, edges counted round."""


class RingSum(Generic[V, C]):
    """Rings of one kind of line; vertices and chains are made once, when they are asked for."""

    def __init__(
        self, frame: Edges, algebra: LineAlgebra[V, C],
        vertex: Callable[[int, int], V | None],
    ) -> None:  # fmt: skip
        self.frame, self.algebra, self._make = frame, algebra, vertex
        self._vertices: dict[Arc, V | None] = {}
        self._chains: dict[Arc, C | None] = {}

    def vertex(self, start: int, legs: int) -> V | None:
        """Return what the legs of an arc do to the line; None where nothing joins them."""
        here = (start % self.frame.n, legs)
        if here not in self._vertices:
            self._vertices[here] = self._make(*here)
        return self._vertices[here]

    def chain(self, start: int, legs: int) -> C | None:
        """Return all that leads from an edge over some legs to another, without their d."""
        here = (start % self.frame.n, legs)
        if here not in self._chains:
            terms = []
            for m in range(1, legs):
                first, rest = self.vertex(start, m), self.chain(start + m, legs - m)
                if first is not None and rest is not None:
                    terms.append((self.frame.inverse(start + m), rest, first))
            self._chains[here] = self.algebra.sum(self.vertex(*here), terms)
        return self._chains[here]

    def total(self, tadpoles: bool = False) -> DPolynomial:
        """Return the sum of all rings; ``tadpoles``: with those of one quartic vertex."""
        n, field = self.frame.n, self.frame.field
        total = DPolynomial(field.zero, field.zero, field)
        for start, legs in first_arcs(n):
            vertex = self.vertex(start, legs)
            if vertex is None or (legs == n and not tadpoles):
                continue
            if legs == n:
                total += self.algebra.vertex_trace(vertex) * self.frame.inverse(start)
                continue
            chain = self.chain(start + legs, n - legs)
            if chain is not None:
                both = self.frame.inverse(start) * self.frame.inverse(start + legs)
                total += self.algebra.closed(chain, vertex) * both
        return total

    def bubbles(self) -> DPolynomial:
        """Return the part of the sum that has two edges."""
        n, field = self.frame.n, self.frame.field
        total = DPolynomial(field.zero, field.zero, field)
        for start, legs in first_arcs(n):
            if legs == n:
                continue
            vertex, other = self.vertex(start, legs), self.vertex(start + legs, n - legs)
            chain = self.algebra.sum(other, [])
            if vertex is not None and chain is not None:
                both = self.frame.inverse(start) * self.frame.inverse(start + legs)
                total += self.algebra.closed(chain, vertex) * both
        return total


def first_arcs(n: int) -> Iterator[Arc]:
    """Yield all arcs that hold leg 0, short ones first."""
    for legs in range(1, n + 1):
        for before in range(legs):
            yield -before % n, legs
