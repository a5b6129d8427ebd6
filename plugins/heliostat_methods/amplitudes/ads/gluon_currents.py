"""Currents of gluons, and of scalars that are gluons of further dimensions, in AdS4.

Axial gauge, A_z = 0. A current A_P(z) is a sum of exponentials with vectors as coefficients;
A_i = e_i e^{-|k_i| z}, and

    A_P'' - |k_P|^2 A_P - k_P (k_P.A_P) = N_P = sum V3(X, Y) + sum V4(X, Y, Z),  A_P(0) = 0,

with the vertices of flat space (`currents.vertices`) and boundary products. Currents are not
transverse here, so V3 is needed in full. Scalars are components phi^f beyond the boundary's, which
have no longitudinal part; canonically normalised they are conformally coupled, m^2 = -2.
``quartic=False`` leaves their quartic vertex out. Source: derived from the action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from heliostat_methods.amplitudes.ads.exponential_sum import ExpSum, sum_of_products
from heliostat_methods.amplitudes.ads.exponents import Key, NamedExponents
from heliostat_methods.amplitudes.ads.propagation import propagated, propagated_vector
from heliostat_methods.amplitudes.currents.vector_currents import Span
from heliostat_methods.amplitudes.currents.vertices import cubic_weights, four_splits, three_splits
from heliostat_methods.amplitudes.currents.words import subwords
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.space import Vector, combination, product

Weights = dict[Span, ExpSum]
"""What each current is multiplied by in a source."""


class AdSCurrents:
    """The currents of all subwords [i, j) of a word of legs, made when they are asked for.

    ``exponents``: sums of norms, each named by its legs. Raises InvalidPoint for a word whose legs
    do not lie side by side at the point.
    """

    def __init__(
        self, point: AdSPoint, word: Sequence[int], flavours: Mapping[int, int] | None = None,
        *, quartic: bool = True, exponents: NamedExponents | None = None,
    ) -> None:  # fmt: skip
        self.point, self.word, self.space = point, tuple(word), point.space
        self.flavours = flavours = dict(flavours or {})
        self.quartic = quartic
        self.exponents = exponents or NamedExponents(point.field, norms_of(point, word))
        self._zero = point.field.zero
        self._nothing = ExpSum(self.exponents, {})
        self._momenta: dict[Span, Vector] = {}
        self._low_momenta: dict[Span, Vector] = {}
        self._vectors: dict[Span, ExpSum] = {}
        self._low: dict[Span, ExpSum] = {}
        self._scalars: dict[Span, dict[int, ExpSum]] = {}
        self._gluon_products: dict[tuple[Span, Span], ExpSum] = {}
        self._scalar_products: dict[tuple[Span, Span], ExpSum] = {}
        self._neighbours: dict[Span, tuple[ExpSum, ExpSum]] = {}
        self._alongs: dict[tuple[Span, Span], ExpSum] = {}
        for i, leg in enumerate(self.word):
            self._momenta[i, i + 1] = point.momentum(leg)
            free = ExpSum.exponential(self.exponents, self.norm(i, i + 1))
            if leg in flavours:
                self._keep((i, i + 1), self._nothing, {flavours[leg]: free})
            else:
                e = point.polarisation(leg)
                self._keep((i, i + 1), free.mapped(lambda _, e=e: e), {})  # type: ignore[misc]
        one = point.field.one
        for i, j in subwords(len(self.word)):
            pair = [(one, self._momenta[i, i + 1]), (one, self._momenta[i + 1, j])]
            self._momenta[i, j] = combination(pair, self.space.dimension, self._zero)

    def norm(self, i: int, j: int) -> Key:
        """Return the exponent |k_P|."""
        return self.exponents.key(self.word[i:j])

    def momentum(self, i: int, j: int) -> Vector:
        """Return k_P."""
        return self._momenta[i, j]

    def vector(self, i: int, j: int) -> ExpSum:
        """Return A_P(z); coefficients (2n - 1,)."""
        self._make(i, j)
        return self._vectors[i, j]

    def scalars(self, i: int, j: int) -> dict[int, ExpSum]:
        """Return the components phi_P^f(z) that are not 0, by flavour."""
        self._make(i, j)
        return self._scalars[i, j]

    def source(self, i: int, j: int) -> tuple[ExpSum, dict[int, ExpSum]]:
        """Return N_P(z), and its flavour components."""
        along, on_vector, on_scalar = self._weights(i, j)
        pairs = [(weight, self._vectors[span]) for span, weight in on_vector.items()]
        zero = self.exponents.zero
        for span, weight in along.items():
            pairs.append((weight, ExpSum(self.exponents, {(zero, 0): self._momenta[span]})))
        return sum_of_products(self.exponents, pairs), self._flavour_sources(on_scalar)

    def closed_with(self, leg: int) -> ExpSum:
        """Return N_P(z) for the whole word, times a leg's polarisation or in its flavour."""
        whole = (0, len(self.word))
        along, on_vector, on_scalar = self._weights(*whole)
        if leg in self.flavours:
            sources = self._flavour_sources(on_scalar)
            return sources.get(self.flavours[leg], self._nothing)
        low = self.space.lower(self.point.polarisation(leg))

        def component(vector: Vector) -> Number:
            return product(vector, low, self._zero)

        # numbers in place of vectors: the largest of all sums is not made component by component
        pairs = [(w, self._vectors[span].mapped(component)) for span, w in on_vector.items()]
        total = sum_of_products(self.exponents, pairs)
        for span, weight in along.items():
            total = total + weight * component(self._momenta[span])
        return total

    def gluon_product(self, one: Span, other: Span) -> ExpSum:
        """Return A_X.A_Y."""
        if (one, other) not in self._gluon_products:
            self._make(*one)
            self._make(*other)
            self._gluon_products[one, other] = self._vectors[one].joined(
                self._low[other], lambda v, low: product(v, low, self._zero)
            )
        return self._gluon_products[one, other]

    def full_product(self, one: Span, other: Span) -> ExpSum:
        """Return A_X.A_Y + sum over flavours of phi_X phi_Y."""
        return self.gluon_product(one, other) + self._flavoured(one, other)

    def along(self, momentum: Span, vector: Span) -> ExpSum:
        """Return k_X.A_Y."""
        if (momentum, vector) not in self._alongs:
            low, zero = self._low_momentum(momentum), self._zero
            self._alongs[momentum, vector] = self.vector(*vector).mapped(
                lambda v: product(v, low, zero)
            )
        return self._alongs[momentum, vector]

    def _weights(self, i: int, j: int) -> tuple[Weights, Weights, Weights]:
        """Return what multiplies each k_X, each A_X and each phi_X in the source of a word.

        Weights are summed before anything is multiplied with a vector.
        """
        self._make_below(i, j)
        along: Weights = {}
        on_vector: Weights = {}
        on_scalar: Weights = {} if self.flavours and not self.quartic else on_vector

        def add(to: Weights, span: Span, weight: ExpSum) -> None:
            to[span] = weight if span not in to else to[span] + weight

        for m in three_splits(i, j):
            x, y = (i, m), (m, j)
            both = self.full_product(x, y)
            add(along, x, both)
            add(along, y, -both)
            to_y, to_x = cubic_weights(
                self.along(y, x), self.along(x, x), self.along(x, y), self.along(y, y)
            )
            for gluons, flavoured, span in (
                (to_y, self._next(i, m), y),
                (to_x, self._next(m, j), x),
            ):
                # both other currents of V4 beside this one, summed over where they part
                add(on_vector, span, gluons - (flavoured[0] + flavoured[1]))
                if on_scalar is not on_vector:
                    add(on_scalar, span, gluons - flavoured[0])
        for m, r in four_splits(i, j):
            x, y, z = (i, m), (m, r), (r, j)
            pair = self.gluon_product(x, z)
            add(on_vector, y, 2 * (pair + self._flavoured(x, z)))
            if on_scalar is not on_vector:
                add(on_scalar, y, 2 * pair)
        return along, on_vector, on_scalar

    def _next(self, i: int, j: int) -> tuple[ExpSum, ExpSum]:
        """Return sum A_X.A_Y and sum phi_X.phi_Y over XY = [i, j)."""
        if (i, j) not in self._neighbours:
            gluons = flavoured = self._nothing
            for m in three_splits(i, j):
                gluons = gluons + self.gluon_product((i, m), (m, j))
                flavoured = flavoured + self._flavoured((i, m), (m, j))
            self._neighbours[i, j] = gluons, flavoured
        return self._neighbours[i, j]

    def _flavour_sources(self, weights: Weights) -> dict[int, ExpSum]:
        pairs: dict[int, list[tuple[ExpSum, ExpSum]]] = {}
        for span, weight in weights.items():
            for flavour, phi in self._scalars[span].items():
                pairs.setdefault(flavour, []).append((weight, phi))
        made = {f: sum_of_products(self.exponents, listed) for f, listed in pairs.items()}
        return {flavour: source for flavour, source in made.items() if source}

    def _make_below(self, i: int, j: int) -> None:
        for a, b in subwords(j - i):
            if (a, b) != (0, j - i):
                self._make(i + a, i + b)

    def _make(self, i: int, j: int) -> None:
        if (i, j) in self._vectors:
            return
        vector, scalars = self.source(i, j)
        norm = self.norm(i, j)
        solved = propagated_vector(vector, norm, self._momenta[i, j], self._low_momentum((i, j)))
        self._keep((i, j), solved, {f: propagated(s, norm) for f, s in scalars.items()})

    def _keep(self, here: Span, vector: ExpSum, scalars: dict[int, ExpSum]) -> None:
        self._vectors[here], self._scalars[here] = vector, scalars
        lower: Callable[[Vector], Vector] = self.space.lower
        self._low[here] = vector.mapped(lower)

    def _low_momentum(self, here: Span) -> Vector:
        if here not in self._low_momenta:
            self._low_momenta[here] = self.space.lower(self._momenta[here])
        return self._low_momenta[here]

    def _flavoured(self, one: Span, other: Span) -> ExpSum:
        if not self.flavours:
            return self._nothing
        if (one, other) not in self._scalar_products:
            left, right = self._scalars[one], self._scalars[other]
            total = self._nothing
            for flavour in left:
                if flavour in right:
                    total = total + left[flavour] * right[flavour]
            self._scalar_products[one, other] = total
        return self._scalar_products[one, other]


def norms_of(point: AdSPoint, word: Sequence[int]) -> dict[tuple[int, ...], Number]:
    """Return the norm of each subword that is not the whole, by its legs, single legs first."""
    spans = [(i, i + 1) for i in range(len(word))]
    spans += [span for span in subwords(len(word)) if span != (0, len(word))]
    return {tuple(word[i:j]): point.norm_of(word[i:j]) for i, j in spans}
