"""What a line carries round a loop: a number, or a vector that vertices turn.

A vertex on a vector's line is c 1 + sum u (x) w^b, few dyads of vectors in the free basis; a chain
of vertices is c 1 + M with a matrix M of the basis' size. The 1 is that of all D dimensions, most
of which no vector of the basis lies in: its trace alone knows D. Products keep to

    (c 1 + M)(d 1 + sum u (x) w^b) = cd 1 + d M + sum (c u + M u) (x) w^b,

which takes N^2 multiplications a dyad, not the N^3 of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.kinematics.space import Vector, product
from heliostat_methods.amplitudes.loops.d_polynomial import DPolynomial

Dyad = tuple[Vector, Vector]
"""u and the lowered w of u (x) w^b."""
V = TypeVar("V", contravariant=True)
C = TypeVar("C")


class LineAlgebra(Protocol[V, C]):
    """How vertices V and chains C of a line multiply, later ones to the left."""

    field: Field

    def sum(self, vertex: V | None, terms: Sequence[tuple[Number, C, V]]) -> C | None:
        """Return vertex + sum factor chain vertex; None where there is nothing."""

    def product(self, left: C, right: C) -> C:
        """Return the chain of two."""

    def closed(self, chain: C, vertex: V) -> DPolynomial:
        """Return the trace of a chain after a vertex."""

    def vertex_trace(self, vertex: V) -> DPolynomial:
        """Return the trace of one vertex."""

    def trace(self, chain: C) -> DPolynomial:
        """Return the trace of a chain."""


class Scalars:
    """Lines of scalars and ghosts: vertices and chains are numbers."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def sum(
        self, vertex: Number | None, terms: Sequence[tuple[Number, Number, Number]]
    ) -> Number | None:
        """Return vertex + sum of products."""
        total = vertex
        for factor, chain, other in terms:
            found = factor * (chain * other)
            total = found if total is None else total + found
        return total

    def product(self, left: Number, right: Number) -> Number:
        """Return the product."""
        return left * right

    def closed(self, chain: Number, vertex: Number) -> DPolynomial:
        """Return the product, which does not depend on D."""
        return DPolynomial(chain * vertex, self.field.zero, self.field)

    def vertex_trace(self, vertex: Number) -> DPolynomial:
        """Return the number itself."""
        return DPolynomial(vertex, self.field.zero, self.field)

    trace = vertex_trace


@dataclass(frozen=True)
class Turn:
    """A vertex on a vector's line: c 1 + sum u (x) w^b."""

    c: Number
    dyads: tuple[Dyad, ...] = ()


@dataclass(frozen=True)
class Endomorphism:
    """A chain on a vector's line: c 1 + M; ``rows``: (N, N), M^i_j."""

    c: Number
    rows: tuple[Vector, ...]

    def times(self, vector: Vector, zero: Number) -> Vector:
        """Return c v + M v."""
        used = [(i, x) for i, x in enumerate(vector) if x is not zero]
        found = [sum([row[i] * x for i, x in used if row[i] is not zero], zero)
                 for row in self.rows]  # fmt: skip
        for i, x in used:
            found[i] = found[i] + self.c * x
        return tuple(found)


class Vectors:
    """Lines of vectors; ``size``: N, how many vectors the basis has."""

    def __init__(self, size: int, field: Field) -> None:
        self.size, self.field = size, field

    def sum(
        self, vertex: Turn | None, terms: Sequence[tuple[Number, Endomorphism, Turn]]
    ) -> Endomorphism | None:
        """Return vertex + sum factor chain vertex."""
        if vertex is None and not terms:
            return None
        zero = self.field.zero
        c = zero if vertex is None else vertex.c
        total = [[zero] * self.size for _ in range(self.size)]
        for u, w in () if vertex is None else vertex.dyads:
            _add_dyad(total, u, w, zero)
        for factor, chain, turn in terms:
            scaled = factor * turn.c
            c = c + chain.c * scaled
            for to, row in zip(total, chain.rows, strict=True):
                for j, x in enumerate(row):
                    if x is not zero:
                        to[j] = scaled * x if to[j] is zero else to[j] + scaled * x
            for u, w in turn.dyads:
                moved = tuple([x if x is zero else factor * x for x in chain.times(u, zero)])
                _add_dyad(total, moved, w, zero)
        return Endomorphism(c, tuple(map(tuple, total)))

    def product(self, left: Endomorphism, right: Endomorphism) -> Endomorphism:
        """Return the product of two chains."""
        zero, size = self.field.zero, self.size
        columns = [left.times(tuple(row[j] for row in right.rows), zero) for j in range(size)]
        # left.times has c_left 1 within; what is left is M_left times c_right 1
        rows = [[columns[j][i] + left.rows[i][j] * right.c for j in range(size)]
                for i in range(size)]  # fmt: skip
        return Endomorphism(left.c * right.c, tuple(map(tuple, rows)))

    def closed(self, chain: Endomorphism, vertex: Turn) -> DPolynomial:
        """Return the trace of a chain after a vertex."""
        zero = self.field.zero
        constant = vertex.c * self._diagonal(chain)
        for u, w in vertex.dyads:
            constant = constant + product(chain.times(u, zero), w, zero)
        return DPolynomial(constant, chain.c * vertex.c, self.field)

    def vertex_trace(self, vertex: Turn) -> DPolynomial:
        """Return c D + sum w.u."""
        zero = self.field.zero
        return DPolynomial(
            sum([product(u, w, zero) for u, w in vertex.dyads], zero), vertex.c, self.field
        )

    def trace(self, chain: Endomorphism) -> DPolynomial:
        """Return c D + the trace of M."""
        return DPolynomial(self._diagonal(chain), chain.c, self.field)

    def _diagonal(self, chain: Endomorphism) -> Number:
        return sum([row[i] for i, row in enumerate(chain.rows)], self.field.zero)


def _add_dyad(total: list[list[Number]], u: Vector, w: Vector, zero: Number) -> None:
    along = [(j, y) for j, y in enumerate(w) if y is not zero]
    for to, x in zip(total, u, strict=True):
        if x is not zero:
            for j, y in along:
                to[j] = x * y if to[j] is zero else to[j] + x * y
