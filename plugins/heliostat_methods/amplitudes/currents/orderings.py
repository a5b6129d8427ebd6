"""Relations among orders of legs, and the orders that are left.

An order is a cyclic word of all n legs. Kleiss and Kuijf: with leg 0 first,

    A(0, alpha, n-1, beta) = (-1)^|beta| sum over shuffles of alpha and reversed beta
                                         of A(0, shuffle, n-1)

so (n-2)! orders with 0 first and n-1 last are enough; one leg in beta is U(1) decoupling. Bern,
Carrasco and Johansson: for a leg m and the others in an order w, the fundamental relation

    sum over i = 1 .. n-2 of k_m.(k_{w_1} + .. + k_{w_i}) A(w_1 .. w_i, m, w_{i+1} .. w_{n-1}) = 0

leaves (n-3)!, here those with 0, 1 first and n-1 last. Relations are lists of (coefficient, order)
whose sum is 0 at every point; a coefficient is a function of the point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations

from heliostat_methods.amplitudes.currents.words import Word, checked_word
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint

Coefficient = Callable[[PolarisedPoint], Number]
Relation = list[tuple[Coefficient, Word]]


def kk_basis(n: int) -> list[Word]:
    """Return the (n-2)! orders with leg 0 first and n-1 last, in dictionary order."""
    _enough(n)
    return [(0, *inner, n - 1) for inner in permutations(range(1, n - 1))]


def bcj_basis(n: int) -> list[Word]:
    """Return the (n-3)! orders with legs 0 and 1 first and n-1 last, in dictionary order."""
    _enough(n)
    return [(0, 1, *inner, n - 1) for inner in permutations(range(2, n - 1))]


def kk_relation(n: int, beta: Sequence[int], alpha: Sequence[int] | None = None) -> Relation:
    """Return A(0, alpha, n-1, beta) - (-1)^|beta| sum of A(0, shuffle, n-1) = 0 as a relation.

    ``beta``: legs of 1..n-2 in order; ``alpha``: all others of them, by default as they count.
    ValueError naming a leg that is none of them, or stands twice.
    """
    _enough(n)
    inner = range(1, n - 1)
    chosen = tuple(beta)
    rest = tuple(leg for leg in inner if leg not in chosen) if alpha is None else tuple(alpha)
    for name, legs in (("beta", chosen), ("alpha", rest)):
        for leg in legs:
            if leg not in inner:
                raise ValueError(f"{name}: leg {leg!r}, expected legs from 1 to {n - 2}")
    word = checked_word("alpha and beta", (0, *rest, n - 1, *chosen), n, whole=True)
    return [(constant(1), word), *((constant(-c), order) for c, order in in_kk_basis(word))]


def in_kk_basis(ordering: Sequence[int]) -> list[tuple[int, Word]]:
    """Return an order's amplitude by those of `kk_basis`: (sign, order) of each, to be added."""
    word = checked_word("ordering", ordering, len(tuple(ordering)), whole=True)
    n = len(word)
    _enough(n)
    at = word.index(0)
    turned = word[at:] + word[:at]
    last = turned.index(n - 1)
    alpha, beta = turned[1:last], turned[last + 1 :]
    sign = -1 if len(beta) % 2 else 1
    return [(sign, (0, *inner, n - 1)) for inner in shuffles(alpha, beta[::-1])]


def bcj_relation(n: int, moving: int = 0, others: Sequence[int] | None = None) -> Relation:
    """Return the fundamental relation of a leg that moves through the others as a relation.

    ``others``: all other legs in order, by default as they count; the leg never stands at their
    end, where its coefficient would be 0. ValueError naming a leg that is missing or stands twice.
    """
    _enough(n)
    rest = tuple(leg for leg in range(n) if leg != moving) if others is None else tuple(others)
    word = checked_word("moving and others", (moving, *rest), n, whole=True)[1:]
    return [(_along(moving, word[:i]), (*word[:i], moving, *word[i:])) for i in range(1, n - 1)]


def relation_sum(
    relation: Relation, point: PolarisedPoint, value: Callable[[Word], Number]
) -> Number:
    """Return sum of coefficient times value(order), which is 0 where the relation holds."""
    total = point.field.zero
    for coefficient, order in relation:
        total = total + coefficient(point) * value(order)
    return total


def shuffles(left: Sequence[int], right: Sequence[int]) -> Iterator[Word]:
    """Yield all words of both, each in its order."""
    size = len(left) + len(right)
    for places in combinations(range(size), len(left)):
        taken, from_left, from_right = set(places), iter(left), iter(right)
        yield tuple(next(from_left if i in taken else from_right) for i in range(size))


def constant(value: int) -> Coefficient:
    """Return the coefficient that is a number at every point."""
    return lambda point: point.field.number(value)


def _along(moving: int, legs: Word) -> Coefficient:
    def coefficient(point: PolarisedPoint) -> Number:
        total = point.field.zero
        for leg in legs:
            total = total + point.momentum_product(moving, leg)
        return total

    return coefficient


def _enough(n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 3:
        raise ValueError(f"n: {n!r}, expected a whole number of legs from 3")
