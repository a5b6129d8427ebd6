"""What an operator makes of an observable: by substitution, by differences, by derivatives.

All three are exact and agree; the substitution takes one evaluation, m differences 2^m.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product as all_of
from typing import Any, Literal

from heliostat.errors import nearest
from heliostat_methods.amplitudes.acting.symbolic import derivative
from heliostat_methods.amplitudes.currents.theories import amplitude, check_theory
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.operators.substitution import (
    check_legs,
    direction,
    substituted,
)
from heliostat_methods.amplitudes.operators.terms import Operator, Pair

Mode = Literal["substitution", "difference", "symbolic"]
MODES: tuple[Mode, ...] = ("substitution", "difference", "symbolic")
Observable = Callable[[Any], Number]


def apply(
    operator: Operator, observable: Observable | str, mode: Mode = "substitution"
) -> Observable:
    """Return the observable that an operator makes: a function of a point.

    ``observable``: a function of a point that is linear in each polarisation, such as ``lambda
    point: amplitude("ym", point)``, or a theory's name for its amplitude in the order 0..n-1.
    ``mode``: "substitution" of polarisations, exact finite "difference"s with step 1, or the
    derivative of a polynomial in "symbolic" products. Source: derived; amplitudes are affine in
    each product.
    """
    if mode not in MODES:
        near = nearest(str(mode), MODES)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"mode: {mode!r}, expected one of {', '.join(MODES)}{hint}")
    if isinstance(observable, str):
        observable = _amplitude_of(observable)
    act = {"substitution": _by_substitution, "difference": _by_differences,
           "symbolic": derivative}[mode]  # fmt: skip

    def made(point: Any) -> Number:
        check_legs(operator, point.n)
        return act(operator, observable, point)

    return made


def _amplitude_of(theory: str) -> Observable:
    check_theory(theory)
    return lambda point: amplitude(theory, point)


def _by_substitution(operator: Operator, observable: Observable, point: Any) -> Number:
    at = substituted(operator, point)
    return point.field.zero if at is None else observable(at)


def _by_differences(operator: Operator, observable: Observable, point: Any) -> Number:
    """Sum (-1)^(moves left out) f over all points with some of the moves made."""
    factors = operator.factors()
    total = point.field.zero
    for made in all_of((False, True), repeat=len(factors)):
        moves = [factor for factor, done in zip(factors, made, strict=True) if done]
        value = observable(_moved(point, moves))
        total = total + value if (len(factors) - sum(made)) % 2 == 0 else total - value
    return total


def _moved(point: PolarisedPoint, factors: list[Any]) -> PolarisedPoint:
    ek = [list(row) for row in point.ek]
    ee = [list(row) for row in point.ee]
    for factor in factors:
        if isinstance(factor, Pair):
            i, j = factor.i, factor.j
            ee[i][j] = ee[j][i] = ee[i][j] + point.field.one
        else:
            (leg,) = factor.used()
            along = direction(factor, point)
            ek[leg] = [x + y for x, y in zip(ek[leg], along, strict=True)]
    return point.with_polarisations(tuple(map(tuple, ek)), tuple(map(tuple, ee)))
