"""What an operator makes of an observable: by substitution, by differences, by derivatives.

All three are exact and agree; the substitution takes one evaluation, m differences 2^m.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Transmuted:
    """What an operator makes of an observable: a function of a point.

    An operator on it is one operator on what lies below: applied twice by one polarisation it gives
    0, as derivatives do.
    """

    operator: Operator
    observable: Observable
    mode: Mode
    checked: bool = True

    def __call__(self, point: Any) -> Number:
        """Return the value at a point; ValueError where the observable is not linear there."""
        check_legs(self.operator, point.n)
        if self.checked:
            _check_linear(self.operator, self.observable, point)
        act = {"substitution": _by_substitution, "difference": _by_differences,
               "symbolic": derivative}[self.mode]  # fmt: skip
        return act(self.operator, self.observable, point)


def apply(
    operator: Operator, observable: Observable | str, mode: Mode = "substitution", *,
    checked: bool = True,
) -> Transmuted:  # fmt: skip
    """Return the observable that an operator makes: a function of a point.

    ``observable``: a function of a point that is linear in each polarisation, such as ``lambda
    point: amplitude("ym", point)``, or a theory's name for its amplitude in the order 0..n-1.
    ``mode``: "substitution" of polarisations, exact finite "difference"s with step 1, or the
    derivative of a polynomial in "symbolic" products. ``checked``: whether the observable is asked
    at each point, once for each polarisation, if it vanishes without it; ValueError if not, for an
    operator means nothing there. Source: derived; amplitudes are affine in each product.
    """
    if mode not in MODES:
        near = nearest(str(mode), MODES)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"mode: {mode!r}, expected one of {', '.join(MODES)}{hint}")
    if not isinstance(operator, Operator):
        raise ValueError(f"operator: {operator!r}, expected Pair, Insertion, Trace or Longitudinal")
    if isinstance(observable, Transmuted):
        return Transmuted(operator * observable.operator, observable.observable, mode, checked)
    if isinstance(observable, str):
        check_theory(observable, ("ym", "yms", "yms_minimal"))
        theory = observable
        return Transmuted(operator, lambda point: amplitude(theory, point), mode, False)
    return Transmuted(operator, observable, mode, checked)


def _check_linear(operator: Operator, observable: Observable, point: Any) -> None:
    zero = point.field.zero
    for leg in sorted(set(operator.used())):
        ek = tuple((zero,) * (point.n - 1) if i == leg else row for i, row in enumerate(point.ek))
        ee = tuple(tuple(zero if leg in (i, j) else x for j, x in enumerate(row))
                   for i, row in enumerate(point.ee))  # fmt: skip
        without = observable(point.with_polarisations(ek, ee))
        if not point.field.negligible(without, 1):
            raise ValueError(
                f"{operator}: the observable is {without} without e_{leg}, expected 0: it is not "
                f"linear in the polarisation of leg {leg}"
            )


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
