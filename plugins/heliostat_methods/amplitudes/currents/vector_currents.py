"""Currents of gluons, and of scalars that are gluons of further dimensions.

With X = (A_X, phi_X^f), products X.Y = A_X.A_Y + sum_f phi_X^f phi_Y^f and momenta without flavour
components, 2 s_P X_P = sum V3(X, Y) + sum V4(X, Y, Z) over the words that P is joined from (see
`vertices`). Without flavours that is Yang-Mills theory in Lorenz gauge, k_P.A_P = 0; with them its
dimensional reduction, scalars with a quartic vertex. ``quartic=False`` leaves that vertex out:
scalars minimally coupled to gluons. Source: derived; equal to the cubic form of Mafra and
Schlotterer (checked by the tests).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import add

from heliostat_methods.amplitudes.currents.vertices import (
    cubic_weights,
    four_splits,
    three_splits,
)
from heliostat_methods.amplitudes.currents.words import subwords
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.space import (
    Entries,
    Space,
    Vector,
    combination,
    combination_of_entries,
    entries_of,
    product,
    product_of_entries,
)

Span = tuple[int, int]
"""A subword [i, j) of the word, by positions."""


@dataclass(frozen=True)
class ExternalLeg:
    """A leg that enters: momentum, polarisation, and its number, by which errors name it."""

    momentum: Vector
    polarisation: Vector
    flavour: int | None = None
    """Of a scalar; its polarisation is 0."""
    label: int = 0


class VectorCurrents:
    """The currents of all subwords of a word of legs, made when they are asked for.

    ``current(i, j)``: A_P with its flavour components appended, for P = word[i:j].
    ``numerator(i, j)``: 2 s_P times that, which exists where s_P = 0 as well.
    """

    def __init__(
        self, space: Space, legs: Sequence[ExternalLeg], flavours: int = 0, *, quartic: bool = True
    ) -> None:
        self.space, self.legs, self.flavours, self.quartic = space, legs, flavours, quartic
        self._zero = space.field.zero
        self._momenta: dict[Span, Vector] = {}
        self._low_momenta: dict[Span, Vector] = {}
        self._vectors: dict[Span, Vector] = {}
        self._low: dict[Span, Vector] = {}
        self._entries: dict[Span, Entries] = {}
        self._momentum_entries: dict[Span, Entries] = {}
        self._scalars: dict[Span, Vector] = {}
        self._gluon_products: dict[tuple[Span, Span], Number] = {}
        self._scalar_products: dict[tuple[Span, Span], Number] = {}
        for i, leg in enumerate(legs):
            here = (i, i + 1)
            self._momenta[here] = leg.momentum
            flavour = [self._zero] * flavours
            if leg.flavour is not None:
                flavour[leg.flavour] = space.field.one
            self._keep(here, leg.polarisation, tuple(flavour))
        for i, j in subwords(len(legs)):
            first, rest = self._momenta[i, i + 1], self._momenta[i + 1, j]
            one = space.field.one
            self._momenta[i, j] = combination([(one, first), (one, rest)], space.dimension,
                                              self._zero)  # fmt: skip
        for here, momentum in self._momenta.items():
            self._momentum_entries[here] = entries_of(momentum, self._zero)

    def current(self, i: int, j: int) -> Vector:
        """Return A_P and its flavour components; SingularKinematics naming an s_P that is 0."""
        self._make(i, j)
        return self._vectors[i, j] + self._scalars[i, j]

    def numerator(self, i: int, j: int) -> Vector:
        """Return 2 s_P A_P and its flavour components, for at least two legs."""
        for a, b in subwords(j - i):
            if (a, b) != (0, j - i):
                self._make(i + a, i + b)
        vector, scalar = self._numerator(i, j)
        return vector + scalar

    def momentum(self, i: int, j: int) -> Vector:
        """Return k_P."""
        return self._momenta[i, j]

    def twice_s(self, i: int, j: int) -> Number:
        """Return 2 s_P = k_P^2."""
        return product(self._momenta[i, j], self._low_momentum((i, j)), self._zero)

    def _make(self, i: int, j: int) -> None:
        if (i, j) in self._vectors:
            return
        for a, b in subwords(j - i):
            here = (i + a, i + b)
            if here in self._vectors:
                continue
            vector, scalar = self._numerator(*here)
            inverse = self._inverse(here)
            zero = self._zero
            self._keep(
                here, tuple(x if x is zero else x * inverse for x in vector),
                tuple(x if x is zero else x * inverse for x in scalar),
            )  # fmt: skip

    def _inverse(self, here: Span) -> Number:
        try:
            return self.space.field.divide(self.space.field.one, self.twice_s(*here))
        except ZeroDivisionError:
            labels = [leg.label for leg in self.legs[slice(*here)]]
            raise SingularKinematics(singular(labels)) from None

    def _numerator(self, i: int, j: int) -> tuple[Vector, Vector]:
        zero = self._zero
        on_vector: dict[Span, Number] = {}
        on_scalar = {} if self.flavours and not self.quartic else on_vector
        along: list[tuple[Number, Entries]] = []

        def weigh(to: dict[Span, Number], span: Span, weight: Number) -> None:
            to[span] = weight if span not in to else to[span] + weight

        for m in three_splits(i, j):
            x, y = (i, m), (m, j)
            both = self._gluons(x, y) + self._flavoured(x, y)
            along += [(both, self._momentum_entries[x]), (-both, self._momentum_entries[y])]
            weights = cubic_weights(self._along(y, x), self._along(x, x), self._along(x, y),
                                    self._along(y, y))  # fmt: skip
            for span, weight in zip((y, x), weights, strict=True):
                weigh(on_vector, span, weight)
                if on_scalar is not on_vector:
                    weigh(on_scalar, span, weight)
        for m, r in four_splits(i, j):
            x, y, z = (i, m), (m, r), (r, j)
            for span, factor, pair in ((y, 2, (x, z)), (z, -1, (x, y)), (x, -1, (y, z))):
                gluons = self._gluons(*pair)
                weigh(on_vector, span, factor * (gluons + self._flavoured(*pair)))
                if on_scalar is not on_vector:
                    weigh(on_scalar, span, factor * gluons)
        vector = combination_of_entries(
            [*along, *((weight, self._entries[span]) for span, weight in on_vector.items())],
            self.space.dimension, zero,
        )  # fmt: skip
        scalar = combination(
            [(weight, self._scalars[span]) for span, weight in on_scalar.items()], self.flavours,
            zero,
        )  # fmt: skip
        return vector, scalar

    def _keep(self, here: Span, vector: Vector, scalar: Vector) -> None:
        self._vectors[here], self._scalars[here] = vector, scalar
        self._entries[here] = entries_of(vector, self._zero)
        self._low[here] = self.space.lower(vector)

    def _low_momentum(self, here: Span) -> Vector:
        if here not in self._low_momenta:
            i, j = here
            if j - i == 1:
                found = self.space.lower(self._momenta[here])
            else:
                first, rest = self._low_momentum((i, i + 1)), self._low_momentum((i + 1, j))
                found = tuple(map(add, first, rest))
            self._low_momenta[here] = found
        return self._low_momenta[here]

    def _along(self, momentum: Span, vector: Span) -> Number:
        return product_of_entries(self._momentum_entries[momentum], self._low[vector], self._zero)

    def _gluons(self, one: Span, other: Span) -> Number:
        if (one, other) not in self._gluon_products:
            found = product_of_entries(self._entries[one], self._low[other], self._zero)
            self._gluon_products[one, other] = found
        return self._gluon_products[one, other]

    def _flavoured(self, one: Span, other: Span) -> Number:
        if not self.flavours:
            return self._zero
        if (one, other) not in self._scalar_products:
            found = product(self._scalars[one], self._scalars[other], self._zero)
            self._scalar_products[one, other] = found
        return self._scalar_products[one, other]


def singular(legs: Sequence[int]) -> str:
    """Return how an error names a propagator that is 0: s_{1,2} = 0."""
    ordered = legs if all(a < b for a, b in pairwise(legs)) else sorted(legs)
    return f"s_{{{','.join(map(str, ordered))}}} = 0: a propagator that is needed has no inverse"
