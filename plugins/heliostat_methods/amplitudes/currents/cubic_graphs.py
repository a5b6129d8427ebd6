"""Bi-adjoint amplitudes as a sum over cubic graphs: slow, and a check of the recursion.

m(word|other) is the sum of 1 / prod s_P over trees with three lines at each vertex that are planar
in both orders, with a sign for each vertex that the second order turns round. Source: definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from heliostat_methods.amplitudes.currents.biadjoint import half_square
from heliostat_methods.amplitudes.currents.vector_currents import singular
from heliostat_methods.amplitudes.currents.words import checked_word, turned_to_end_with
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint

Tree = int | tuple["Tree", "Tree"]
"""A leg, or two trees joined at a vertex."""


def binary_trees(word: Sequence[int]) -> Iterator[Tree]:
    """Yield the planar binary trees over a word: Catalan's number of them."""
    if len(word) == 1:
        yield word[0]
    for m in range(1, len(word)):
        for left in binary_trees(word[:m]):
            for right in binary_trees(word[m:]):
                yield left, right


def leaves(tree: Tree) -> tuple[int, ...]:
    """Return the legs of a tree, from left to right."""
    return (tree,) if isinstance(tree, int) else leaves(tree[0]) + leaves(tree[1])


def graph_sum(point: GramPoint, word: Sequence[int], other: Sequence[int]) -> Number:
    """Return m(word|other), graph by graph."""
    left = checked_word("word", word, point.n, whole=True)
    right = turned_to_end_with(checked_word("other", other, point.n, whole=True), left[-1])
    places = {leg: i for i, leg in enumerate(right)}
    total = point.field.zero
    for tree in binary_trees(left[:-1]):
        sign = _sign(tree, places)
        if sign:
            term = point.field.one
            for legs in _lines(tree)[1:]:
                s = half_square(point, legs)
                try:
                    term = point.field.divide(term, s)
                except ZeroDivisionError:
                    raise SingularKinematics(singular(legs)) from None
            total = total + term if sign > 0 else total - term
    return total


def _sign(tree: Tree, places: dict[int, int]) -> int:
    """Return 1 or -1, or 0 where the other order does not draw the tree without crossings."""
    if isinstance(tree, int):
        return 1
    ordered = [[places[leg] for leg in leaves(part)] for part in tree]
    if any(max(part) - min(part) != len(part) - 1 for part in ordered):
        return 0
    low, high = (min(part) for part in ordered)
    if abs(low - high) != len(ordered[0] if low < high else ordered[1]):
        return 0
    return (1 if low < high else -1) * _sign(tree[0], places) * _sign(tree[1], places)


def _lines(tree: Tree) -> list[tuple[int, ...]]:
    """Return the legs behind each inner line; the first stands for the last leg."""
    if isinstance(tree, int):
        return []
    return [leaves(tree), *_lines(tree[0]), *_lines(tree[1])]
