"""Monomials in the products of a point, from which numerators are made.

A monomial is a tuple of names, ("k_0.e_1", "k_1.e_0", "s_{0,1}"); () is 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations_with_replacement

from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.reconstruction.factored_poles import power_text
from heliostat_methods.amplitudes.reconstruction.invariants import (
    invariant,
    planar_propagators,
    polarisation_momenta,
)

Monomial = tuple[str, ...]


def monomials(n: int, dimension: int, gluons: Sequence[int] = ()) -> list[Monomial]:
    """Return all independent monomials of n legs of one mass dimension, linear in each gluon's e.

    Planar s_P count 2, k_j.e_i 1 and e_i.e_j 0. An amplitude has dimension 4 - n, and each pole of
    the ansatz adds 2. None for a dimension that none has.
    """
    found = []
    for tensor in _tensors(tuple(gluons), n):
        left = dimension - sum(name.startswith("k") for name in tensor)
        if left >= 0 and left % 2 == 0:
            scalars = combinations_with_replacement(planar_propagators(n), left // 2)
            found += [tensor + scalar for scalar in scalars]
    return found


def monomial_value(monomial: Iterable[str], point: PolarisedPoint) -> Number:
    """Return the product at a point."""
    total = point.field.one
    for name in monomial:
        total = total * invariant(name, point)
    return total


def monomial_text(monomial: Iterable[str]) -> str:
    """Return a product with its powers: s_{0,1}^2 k_0.e_1; the empty one is empty."""
    return " ".join(power_text(name, power) for name, power in Counter(monomial).items())


def _tensors(gluons: tuple[int, ...], n: int) -> Iterator[Monomial]:
    if not gluons:
        yield ()
        return
    first, rest = gluons[0], gluons[1:]
    for name in polarisation_momenta(n, first):
        for tensor in _tensors(rest, n):
            yield (name, *tensor)
    for other in rest:
        left = tuple(leg for leg in rest if leg != other)
        for tensor in _tensors(left, n):
            yield (f"e_{first}.e_{other}", *tensor)
