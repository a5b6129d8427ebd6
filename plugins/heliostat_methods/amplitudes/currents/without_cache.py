"""The recursion without memory: every current is computed anew wherever it is needed.

A baseline: 3 * 4^(n-3) calls for n legs, against n (n - 1) / 2 words that are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heliostat_methods.amplitudes.currents.vertices import four_splits, three_splits
from heliostat_methods.amplitudes.currents.words import checked_word
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.kinematics.space import Vector, combination, product


def calls_without_cache(n: int) -> int:
    """Return how many currents it computes for n >= 4 legs."""
    return 3 << 2 * (n - 3)


def words_with_cache(n: int) -> int:
    """Return how many words the recursion with memory has for n legs, single letters too."""
    return n * (n - 1) // 2


@dataclass
class _Uncached:
    point: PolarisedPoint
    word: Sequence[int]
    calls: int = 0

    def momentum(self, i: int, j: int) -> Vector:
        one, space = self.point.field.one, self.point.space
        terms = [(one, self.point.momentum(leg)) for leg in self.word[i:j]]
        return combination(terms, space.dimension, self.point.field.zero)

    def dot(self, a: Vector, b: Vector) -> Number:
        return product(a, self.point.space.lower(b), self.point.field.zero)

    def current(self, i: int, j: int, *, divided: bool = True) -> Vector:
        self.calls += 1
        if j - i == 1:
            return self.point.polarisation(self.word[i])
        field, size = self.point.field, self.point.space.dimension
        terms: list[tuple[Number, Vector]] = []
        for m in three_splits(i, j):
            x, y = self.current(i, m), self.current(m, j)
            kx, ky = self.momentum(i, m), self.momentum(m, j)
            both = self.dot(x, y)
            terms += [(both, kx), (-both, ky), (2 * self.dot(ky, x), y), (-2 * self.dot(kx, y), x)]
        for m, r in four_splits(i, j):
            x, y, z = self.current(i, m), self.current(m, r), self.current(r, j)
            terms += [(2 * self.dot(x, z), y), (-self.dot(x, y), z), (-self.dot(y, z), x)]
        found = combination(terms, size, field.zero)
        if not divided:
            return found
        k = self.momentum(i, j)
        inverse = field.divide(field.one, self.dot(k, k))
        return tuple(x * inverse for x in found)


def uncached_amplitude(
    point: PolarisedPoint, ordering: Sequence[int] | None = None
) -> tuple[Number, int]:
    """Return A_YM and how many currents were computed on the way; 4 legs or more."""
    word = checked_word("ordering", ordering, point.n, whole=True)
    made = _Uncached(point, word[:-1])
    last = made.current(0, point.n - 1, divided=False)
    half = point.field.divide(point.field.one, point.field.number(2))
    return made.dot(last, point.polarisation(word[-1])) * half, made.calls
