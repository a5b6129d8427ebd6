"""Instances of a relation: all where they are few, else some, spread evenly over all."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, permutations
from math import factorial

from heliostat_methods.amplitudes.relations.relation import Case

MOST = 24
"""Instances of a relation for one number of legs."""


def some(cases: Iterable[Case], most: int = MOST) -> list[Case]:
    """Return all cases, or so many of them at equal distances, the first and the last included."""
    found = list(cases)
    if len(found) <= most:
        return found
    return [found[i * (len(found) - 1) // (most - 1)] for i in range(most)]


def pairs(n: int) -> list[tuple[int, int]]:
    """Return i < j of n legs."""
    return list(combinations(range(n), 2))


def disjoint_pairs(n: int, count: int) -> list[tuple[tuple[int, int], ...]]:
    """Return so many pairs of different legs, in every way."""
    return [
        chosen for chosen in combinations(pairs(n), count)
        if len({leg for pair in chosen for leg in pair}) == 2 * count
    ]  # fmt: skip


def orders(letters: tuple[int, ...], most: int = MOST) -> list[tuple[int, ...]]:
    """Return orders of letters: all, or some at equal distances in the list of all."""
    total = factorial(len(letters))
    if total <= 5040:
        return some(permutations(letters), most)
    return [_order(letters, i * (total - 1) // (most - 1)) for i in range(most)]


def _order(letters: tuple[int, ...], index: int) -> tuple[int, ...]:
    rest, found = list(letters), []
    while rest:
        step = factorial(len(rest) - 1)
        found.append(rest.pop(index // step))
        index %= step
    return tuple(found)
