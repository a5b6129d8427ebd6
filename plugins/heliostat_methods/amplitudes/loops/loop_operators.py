"""Operators on integrands: an operator moves a point and its loop momentum together.

With l there are further products of polarisations, l.e_i. Operators of trees differentiate by
e_i.e_j and e_i.k_j at fixed l.e_i, so the polarisations that they use have l.e = 0; what is new is
the derivative by l.e_i, which sets all other products of e_i to 0. Source: derived.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product as all_of
from typing import Any, Literal

from heliostat_methods.amplitudes.currents.words import checked_word
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.operators.substitution import gauged, substituted
from heliostat_methods.amplitudes.operators.terms import Operator

Integrand = Callable[[Any, LoopPoint], Any]
"""A function of a point and a loop point: a number, or a polynomial in D."""


def substituted_loop(
    operator: Operator, point: PolarisedPoint, loop_point: LoopPoint
) -> tuple[PolarisedPoint, LoopPoint] | None:
    """Return the points at which an integrand has the value that an operator gives it.

    None where the operator differentiates twice by one polarisation. Errors as of `substituted`.
    """
    made = substituted(operator, point)
    if made is None:
        return None
    used = operator.used()
    le = [point.field.zero if leg in used else x for leg, x in enumerate(loop_point.le)]
    return made, LoopPoint(loop_point.ll, loop_point.lk, le, loop_point.field)


def apply_to_integrand(operator: Operator, observable: Integrand) -> Integrand:
    """Return the integrand that an operator makes of one, by substitution.

    ``observable``: a function of a point and a loop point that is linear in each polarisation, such
    as ``lambda point, loop: integrand("ym", point, loop)``.
    """

    def made(point: Any, loop_point: LoopPoint) -> Any:
        at = substituted_loop(operator, point, loop_point)
        return observable(point, loop_point) * 0 if at is None else observable(*at)

    return made


def loop_derivative(
    legs: Sequence[int], observable: Integrand,
    mode: Literal["substitution", "difference"] = "substitution",
) -> Integrand:  # fmt: skip
    """Return the integrand differentiated by l.e_i for each of some different legs.

    ``mode``: by "substitution" of polarisations, or by exact finite "difference"s with step 1.
    """
    if mode not in ("substitution", "difference"):
        raise ValueError(f"mode: {mode!r}, expected 'substitution' or 'difference'")
    given = list(legs)

    def by_substitution(point: Any, loop_point: LoopPoint) -> Any:
        chosen = checked_word("legs", given, point.n, whole=False)
        zero, one = point.field.zero, point.field.one
        ek = tuple((zero,) * (point.n - 1) if leg in chosen else row
                   for leg, row in enumerate(point.ek))  # fmt: skip
        ee = tuple(tuple(zero if i in chosen or j in chosen else x for j, x in enumerate(row))
                   for i, row in enumerate(point.ee))  # fmt: skip
        le = [one if leg in chosen else x for leg, x in enumerate(loop_point.le)]
        return observable(point.with_polarisations(ek, ee), _with_le(loop_point, le))

    def by_differences(point: Any, loop_point: LoopPoint) -> Any:
        chosen = checked_word("legs", given, point.n, whole=False)
        total: Any = None
        for moved in all_of((0, 1), repeat=len(chosen)):
            le = list(loop_point.le)
            for leg, step in zip(chosen, moved, strict=True):
                le[leg] = le[leg] + step
            sign = -1 if (len(chosen) - sum(moved)) % 2 else 1
            value = sign * observable(point, _with_le(loop_point, le))
            total = value if total is None else total + value
        return total

    return by_substitution if mode == "substitution" else by_differences


def gauged_loop(
    point: PolarisedPoint, loop_point: LoopPoint, leg: int
) -> tuple[PolarisedPoint, LoopPoint]:
    """Return the points with e of a leg replaced by its k, where cuts vanish, integrands do not."""
    field, n = point.field, point.n
    (leg,) = checked_word("leg", (leg,), n, whole=False)
    along = loop_point.lk[leg] if leg < n - 1 else -sum(loop_point.lk, field.zero)
    le = [along if i == leg else x for i, x in enumerate(loop_point.le)]
    return gauged(point, leg), _with_le(loop_point, le)


def _with_le(loop_point: LoopPoint, le: Sequence[Any]) -> LoopPoint:
    return LoopPoint(loop_point.ll, loop_point.lk, le, loop_point.field)
