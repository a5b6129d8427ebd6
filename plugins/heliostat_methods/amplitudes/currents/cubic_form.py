"""Yang-Mills currents with field strengths: cubic sums alone, O(n^3) splits.

2 s_P A_P^n = sum over XY=P of [(A_X.k_Y) A_Y^n + A_{X,m} F_Y^{mn} - (X <-> Y)]
F_P^{mn}    = k_P^m A_P^n - k_P^n A_P^m - sum over XY=P of (A_X^m A_Y^n - A_X^n A_Y^m)

The same currents as those of `vector_currents`, by other sums. Source: the form of Mafra and
Schlotterer; here a second way of computing, and the one that kernels compile.
"""

from __future__ import annotations

from collections.abc import Sequence

from heliostat_methods.amplitudes.currents.vector_currents import Span, singular
from heliostat_methods.amplitudes.currents.words import checked_word, subwords
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.space import Vector, combination, product

Wedge = list[tuple[Number, Vector, Vector]]
"""sum c (a^m b^n - a^n b^m)."""


def cubic_amplitude(point: GramPoint, ordering: Sequence[int] | None = None) -> Number:
    """Return A_YM, summed over cubic splits of words."""
    word = checked_word("ordering", ordering, point.n, whole=True)
    space, field, size = point.space, point.field, point.n - 1
    zero, one = field.zero, field.one
    momenta: dict[Span, Vector] = {}
    vectors: dict[Span, Vector] = {}
    strengths: dict[Span, Wedge] = {}
    for i, leg in enumerate(word[:-1]):
        momenta[i, i + 1], vectors[i, i + 1] = point.momentum(leg), point.polarisation(leg)
        strengths[i, i + 1] = [(one, momenta[i, i + 1], vectors[i, i + 1])]
    vector: Vector = ()
    for i, j in subwords(size):
        momenta[i, j] = combination([(one, momenta[i, i + 1]), (one, momenta[i + 1, j])],
                                    space.dimension, zero)  # fmt: skip
        terms: list[tuple[Number, Vector]] = []
        inner: Wedge = []
        for m in range(i + 1, j):
            x, y = (i, m), (m, j)
            for left, right, sign in ((x, y, one), (y, x, -one)):
                low = space.lower(vectors[left])
                terms.append((sign * product(momenta[right], low, zero), vectors[right]))
                for factor, a, b in strengths[right]:
                    terms.append((sign * factor * product(a, low, zero), b))
                    terms.append((-(sign * factor * product(b, low, zero)), a))
            inner.append((-one, vectors[x], vectors[y]))
        vector = combination(terms, space.dimension, zero)
        if j - i == size:
            break
        try:
            inverse = field.divide(one, product(momenta[i, j], space.lower(momenta[i, j]), zero))
        except ZeroDivisionError:
            raise SingularKinematics(singular(word[i:j])) from None
        vectors[i, j] = tuple(x if x is zero else x * inverse for x in vector)
        strengths[i, j] = [(one, momenta[i, j], vectors[i, j]), *inner]
    half = field.divide(one, field.number(2))
    return product(vector, space.lower(point.polarisation(word[-1])), zero) * half
