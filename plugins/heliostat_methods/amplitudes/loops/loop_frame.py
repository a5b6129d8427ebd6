"""All that a ring of n legs is made of: the loop's momenta, and the currents that enter it.

The free basis is k_0..k_{n-2}, e_0..e_{n-1}, l, and a unit vector for each flavour of external
scalars. Edge i carries q_i = l + k_0 + .. + k_{i-1}, and d_i = q_i^2. Currents X = (A, phi) are
those of all words of up to n-2 legs that lie side by side on the circle; with more a propagator
would be 0, which drops massless tadpoles and bubbles on external legs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from heliostat_methods.amplitudes.currents.vector_currents import ExternalLeg, VectorCurrents
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.kinematics.space import (
    GramSpace,
    Vector,
    combination,
    product,
    unit,
)

Arc = tuple[int, int]
"""(start, legs): the legs start, start+1, .. counted round the circle."""


class LoopFrame:
    """Momenta and currents around a loop, made when they are asked for.

    ``flavours``: leg -> number of its flavour, for external scalars. ``more``: further vectors of
    the basis, each by its products with k_0..k_{n-2}, e_0..e_{n-1}, l, the flavours and those
    before it, itself last; `extra` returns them.
    """

    def __init__(
        self, point: PolarisedPoint, loop_point: LoopPoint,
        flavours: Mapping[int, int] | None = None, more: Iterable[tuple[Number, ...]] = (),
    ) -> None:  # fmt: skip
        self.n, self.field = point.n, point.field
        self.flavours = dict(flavours or {})
        self.flavour_count = len(set(self.flavours.values()))
        self._loop = 2 * self.n - 1
        gram = _gram(point, loop_point, self.flavour_count)
        for products in more:
            gram = [[*row, x] for row, x in zip(gram, products[:-1], strict=True)]
            gram.append(list(products))
        self.space = GramSpace(gram, self.field)
        self.size = len(gram)
        self._zero, self._one = self.field.zero, self.field.one
        self._legs = [self._leg(i) for i in range(self.n)]
        # the circle cut open: a word of up to n-2 legs may begin at any leg
        round_again = [self._legs[i % self.n] for i in range(2 * self.n - 3)]
        self._currents = VectorCurrents(self.space, round_again, self.flavour_count)
        self._vectors: dict[Arc, Vector] = {}
        self._low: dict[Arc, Vector] = {}
        self._momenta: dict[Arc, Vector] = {}
        self._low_momenta: dict[Arc, Vector] = {}
        self.edges = [unit(self._loop, self.size, self.field)]
        for i in range(self.n - 1):
            self.edges.append(self.added(self.edges[-1], self._legs[i].momentum))
        self.low_edges = [self.space.lower(q) for q in self.edges]
        self.squares = [
            product(q, low, self._zero) for q, low in zip(self.edges, self.low_edges, strict=True)
        ]
        self._inverses: dict[int, Number] = {}

    def extra(self, index: int = 0) -> Vector:
        """Return one of the further vectors."""
        return unit(self._loop + 1 + self.flavour_count + index, self.size, self.field)

    def inverse(self, edge: int) -> Number:
        """Return 1 / d_i; SingularKinematics naming the edge where that is 0."""
        edge %= self.n
        if edge not in self._inverses:
            try:
                self._inverses[edge] = self.field.divide(self._one, self.squares[edge])
            except ZeroDivisionError:
                raise SingularKinematics(
                    f"d_{edge} = ({edge_name(edge)})^2 = 0: the propagator of edge {edge} has no "
                    "inverse"
                ) from None
        return self._inverses[edge]

    def squares_scale(self) -> Number:
        """Return the size of the products that each d_i is a sum of; not for residues."""
        momenta = [*range(self.n - 1), self._loop]
        return sum([abs(self.space.gram[i][j]) for i in momenta for j in momenta])

    def current(self, start: int, legs: int) -> Vector:
        """Return X of an arc of at most n-2 legs."""
        here = (start % self.n, legs)
        if here not in self._vectors:
            made = self._currents.current(here[0], here[0] + legs)
            vector, scalars = list(made[: self.size]), made[self.size :]
            for flavour, phi in enumerate(scalars):
                vector[self._loop + 1 + flavour] = phi
            self._vectors[here] = tuple(vector)
        return self._vectors[here]

    def low_current(self, start: int, legs: int) -> Vector:
        """Return X with its index lowered."""
        here = (start % self.n, legs)
        if here not in self._low:
            self._low[here] = self.space.lower(self.current(*here))
        return self._low[here]

    def momentum(self, start: int, legs: int) -> Vector:
        """Return k_P of an arc."""
        here = (start % self.n, legs)
        if here not in self._momenta:
            total = self._legs[here[0]].momentum
            for step in range(1, legs):
                total = self.added(total, self._legs[(start + step) % self.n].momentum)
            self._momenta[here] = total
        return self._momenta[here]

    def low_momentum(self, start: int, legs: int) -> Vector:
        """Return k_P with its index lowered."""
        here = (start % self.n, legs)
        if here not in self._low_momenta:
            self._low_momenta[here] = self.space.lower(self.momentum(*here))
        return self._low_momenta[here]

    def product(self, vector: Vector, lowered: Vector) -> Number:
        """Return the product of a vector with a lowered one."""
        return product(vector, lowered, self._zero)

    def added(self, one: Vector, other: Vector, factor: int = 1) -> Vector:
        """Return one + factor other."""
        scale = self._one if factor == 1 else self.field.number(factor)
        return combination([(self._one, one), (scale, other)], len(one), self._zero)

    def _leg(self, leg: int) -> ExternalLeg:
        n, zero = self.n, self._zero
        if leg < n - 1:
            momentum = unit(leg, self.size, self.field)
        else:
            minus = -self._one
            momentum = tuple(minus if i < n - 1 else zero for i in range(self.size))
        if leg in self.flavours:
            return ExternalLeg(momentum, (zero,) * self.size, self.flavours[leg], leg)
        return ExternalLeg(momentum, unit(n - 1 + leg, self.size, self.field), None, leg)


def edge_name(edge: int) -> str:
    """Return the momentum of an edge as text: l + k_0 + k_1."""
    return " + ".join(["l", *(f"k_{j}" for j in range(edge))])


def _gram(point: PolarisedPoint, loop_point: LoopPoint, flavours: int) -> list[list[Number]]:
    n, zero, one = point.n, point.field.zero, point.field.one
    with_l = [*loop_point.lk, *loop_point.le]
    gram = [[*point.kk[i], *(point.ek[j][i] for j in range(n))] for i in range(n - 1)]
    gram += [[*point.ek[i], *point.ee[i]] for i in range(n)]
    nothing = [zero] * flavours
    made = [[*row, x, *nothing] for row, x in zip(gram, with_l, strict=True)]
    made.append([*with_l, loop_point.ll, *nothing])
    width = 2 * n
    for f in range(flavours):
        made.append([one if j == width + f else zero for j in range(width + flavours)])
    return made
