"""Spaces of vectors: by the products of a free basis, or by components.

A vector is a tuple of numbers. In a `GramSpace` these are coefficients of a basis of which only the
products are known, so any matrix of products is legal, singular ones too, and no square root is
ever taken; in a `ComponentSpace` they are components under a diagonal metric. Both only say how to
lower an index; a product is the sum of one vector's numbers with another's lowered ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from heliostat_methods.amplitudes.fields.field import Field, Number

Vector = tuple[Number, ...]


class Space(Protocol):
    """What recursions need of a space."""

    field: Field
    dimension: int

    def lower(self, vector: Vector) -> Vector:
        """Return the vector with its index lowered."""


class GramSpace:
    """Coefficients of a basis; ``gram`` (d, d): the products of its vectors."""

    def __init__(self, gram: Sequence[Sequence[Number]], field: Field) -> None:
        self.gram, self.field, self.dimension = gram, field, len(gram)
        self._times_gram = field.times_matrix(gram)

    def lower(self, vector: Vector) -> Vector:
        """Return the products with each vector of the basis."""
        return self._times_gram(vector)


class ComponentSpace:
    """Components under a diagonal metric, given by its signs."""

    def __init__(self, metric: Sequence[int], field: Field) -> None:
        self.metric, self.field, self.dimension = tuple(metric), field, len(metric)

    def lower(self, vector: Vector) -> Vector:
        """Return the components, each with its sign."""
        return tuple(x if sign > 0 else -x for sign, x in zip(self.metric, vector, strict=True))


def product(vector: Vector, lowered: Vector, zero: Number) -> Number:
    """Return the product of a vector with a lowered one."""
    return sum(
        [x * y for x, y in zip(vector, lowered, strict=True) if x is not zero and y is not zero],
        zero,
    )


def combination(terms: Sequence[tuple[Number, Vector]], dimension: int, zero: Number) -> Vector:
    """Return sum c v over pairs (c, v)."""
    total = [zero] * dimension
    for factor, vector in terms:
        if factor is zero:
            continue
        for i, x in enumerate(vector):
            if x is not zero:
                total[i] = factor * x if total[i] is zero else total[i] + factor * x
    return tuple(total)


Entries = list[tuple[int, Number]]
"""The places of a vector that are not the field's own 0, with their numbers."""


def entries_of(vector: Vector, zero: Number) -> Entries:
    """Return what is left of a vector without its zeros: most currents have many."""
    return [(i, x) for i, x in enumerate(vector) if x is not zero]


def product_of_entries(entries: Entries, lowered: Vector, zero: Number) -> Number:
    """Return the product of a vector with a lowered one."""
    return sum([x * lowered[i] for i, x in entries], zero)


def combination_of_entries(
    terms: Sequence[tuple[Number, Entries]], dimension: int, zero: Number
) -> Vector:
    """Return sum c v over pairs (c, v)."""
    total: dict[int, Number] = {}
    for factor, entries in terms:
        if factor is zero:
            continue
        for i, x in entries:
            total[i] = total[i] + factor * x if i in total else factor * x
    return tuple([total.get(i, zero) for i in range(dimension)])


def unit(index: int, dimension: int, field: Field) -> Vector:
    """Return a vector of the basis."""
    return tuple(field.one if i == index else field.zero for i in range(dimension))
