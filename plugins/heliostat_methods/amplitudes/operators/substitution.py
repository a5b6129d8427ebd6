"""Operators as special polarisations: one evaluation in place of a derivative.

A function that is linear in e_i and e_j has as its derivative by e_i.e_j the value where both are a
new unit vector orthogonal to all else; by k_i.e_j - k_k.e_j that where e_j.k_i = 1, e_j.k_k = -1
and all other products of e_j are 0; and L_i is the value where e_i.k_j -> k_i.k_j, e_i.e_j -> 0. So
an operator maps a point to a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.operators.terms import (
    Insertion,
    Longitudinal,
    Operator,
    Pair,
    Pions,
)

P = TypeVar("P", bound=PolarisedPoint)


def substituted(operator: Operator, point: P) -> P | None:
    """Return the point at which an observable has the value that the operator gives it.

    None where the operator differentiates twice by one polarisation, which makes 0 of everything
    linear. Raises ValueError naming a leg that the point does not have.
    """
    check_legs(operator, point.n)
    used = operator.used()
    if len(set(used)) < len(used):
        return None
    zero, one = point.field.zero, point.field.one
    ek = [list(row) for row in point.ek]
    ee = [list(row) for row in point.ee]
    for leg in used:
        ek[leg] = [zero] * (point.n - 1)
        for other in range(point.n):
            ee[leg][other] = ee[other][leg] = zero
    for factor in operator.factors():
        if isinstance(factor, Pair):
            ee[factor.i][factor.j] = ee[factor.j][factor.i] = one
            ee[factor.i][factor.i] = ee[factor.j][factor.j] = one
        else:
            ek[factor.used()[0]] = direction(factor, point)
    return point.with_polarisations(_table(ek), _table(ee))


def direction(factor: Insertion | Longitudinal, point: PolarisedPoint) -> list[Number]:
    """Return the products e.k_j (j <= n-2) along which an operator differentiates."""
    n, field = point.n, point.field
    if isinstance(factor, Longitudinal):
        return [point.momentum_product(factor.i, j) for j in range(n - 1)]
    along = [field.zero] * (n - 1)
    if factor.i < n - 1:  # k_{n-1} is eliminated: its product is no variable of its own
        along[factor.i] = field.one
    if factor.k < n - 1:
        along[factor.k] = -field.one
    return along


def gauged(point: P, leg: int) -> P:
    """Return the point with e of a leg replaced by its k, where gauge-invariant objects vanish."""
    ek = [list(row) for row in point.ek]
    ee = [list(row) for row in point.ee]
    ek[leg] = [point.momentum_product(leg, j) for j in range(point.n - 1)]
    for other in range(point.n):
        ee[leg][other] = ee[other][leg] = point.polarisation_momentum(other, leg)
    ee[leg][leg] = point.momentum_product(leg, leg)
    return point.with_polarisations(_table(ek), _table(ee))


def pion_point(point: P, word: Sequence[int]) -> P:
    """Return the point at which Yang-Mills amplitudes are those of pions in this order."""
    made = substituted(Pions(word), point)
    assert made is not None  # each leg is named once
    return made


def check_legs(operator: Operator, n: int) -> None:
    """Raise ValueError naming a leg that n legs do not have."""
    for leg in sorted(operator.legs()):
        if leg >= n:
            raise ValueError(f"{operator}: leg {leg}, expected legs from 0 to {n - 1}")


def _table(rows: Sequence[Sequence[Number]]) -> tuple[tuple[Number, ...], ...]:
    return tuple(tuple(row) for row in rows)
