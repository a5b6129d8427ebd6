"""Amplitudes of the bi-adjoint scalar at many points: two orders of the same legs, in numpy.

For a word of one order at most one word of the other has its legs, so there is one number a word
and point, and every step is one operation on all points: nothing is won by compiling it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.amplitudes.kernels.inputs import (
    LEAST_LEGS,
    MOST_LEGS,
    Array,
    finite,
    refused,
)

Span = tuple[int, int]


def bas_amplitudes(s: ArrayLike, left: Sequence[int], right: Sequence[int]) -> NDArray[np.float64]:
    """Return the doubly ordered amplitudes m(left|right) of a massless bi-adjoint scalar.

    ``s``: (points, n, n) float64, s_ij = k_i.k_j; only i < j is read, and of the last leg of
    ``left`` nothing. ``left`` and ``right``: the legs 0 to n-1 in two cyclic orders.

    Returns (points,) in units of s^(3-n), m(P n|Q n) = s_P phi_{P|Q} with s_P the sum of s_ij in P
    and s_P phi_{P|Q} = sum over XY = P, AB = Q of (phi_{X|A} phi_{Y|B} - phi_{Y|A} phi_{X|B}). NaN
    where an s_P that is needed is exactly 0.

    Raises ValueError naming the argument. Source: derived (docs/methods/amplitudes.md).
    """
    products = finite("s", s)
    n = products.shape[1] if products.ndim == 3 else 0
    if not LEAST_LEGS <= n <= MOST_LEGS or products.shape[2] != n:
        legs = f"(points, n, n), n from {LEAST_LEGS} to {MOST_LEGS}"
        raise refused("s.shape", products.shape, legs)
    word = _order("left", left, n)
    other = _order("right", right, n)
    turn = other.index(word[-1]) + 1
    places = {leg: i for i, leg in enumerate((*other[turn:], *other[:turn])[:-1])}
    return _numerator(products, word[:-1], [places[leg] for leg in word[:-1]])


def _numerator(s: Array, word: Sequence[int], places: Sequence[int]) -> NDArray[np.float64]:
    """Return s_P phi_{P|Q} for P all of a word, whose legs have some places in the other order."""
    legs, one = len(word), np.ones(len(s))
    currents: dict[Span, Array] = {(i, i + 1): one for i in range(legs)}
    found = np.zeros(len(s))
    for length in range(2, legs + 1):
        for i in range(legs - length + 1):
            j = i + length
            here = places[i:j]
            if max(here) - min(here) >= length:
                continue  # no word of the other order
            found = np.zeros(len(s))
            for r in range(i + 1, j):
                x, y = currents.get((i, r)), currents.get((r, j))
                if x is not None and y is not None:
                    found = found + x * y if places[i] < places[r] else found - x * y
            if length < legs:
                a, b = np.array([sorted(pair) for pair in combinations(word[i:j], 2)]).T
                pole = s[:, a, b].sum(1)
                with np.errstate(divide="ignore", invalid="ignore"):
                    currents[i, j] = np.where(pole == 0, np.nan, found / pole)
    return found


def _order(name: str, legs: Sequence[int], n: int) -> tuple[int, ...]:
    found = tuple(legs)
    if sorted(found) != list(range(n)):
        raise refused(name, legs, f"the legs 0 to {n - 1}, each once")
    return found
