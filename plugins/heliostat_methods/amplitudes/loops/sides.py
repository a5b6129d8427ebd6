"""Both sides of relations between integrands: functions of a case, a point and a loop point.

    dimension   d/dD I_YM = I_scalar, one adjoint scalar minimally coupled, in both gauges
    pairs       T[i j] T[k l] .. I_YM(D) = I_YMS(D), a flavour each, D counting all scalars
    polygon     prod_i d/d(l.e_i) I_scalar = (-2)^n / prod_i d_i
    cut_gauge   e_i -> k_i makes 0 of a cut (not of the integrand)
    cyclic      I of the order turned, l carried along, is I
    reflection  I of the order read backwards, with -l, is (-1)^n I
    unitarity   a cut is the product of trees with physical states, in both gauges

A side is a list of numbers; of a polynomial in D both coefficients, so equality is for every D.
Source: derived.
"""

from __future__ import annotations

from typing import Any, Literal

from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.loops.cuts import cut, physical_cut
from heliostat_methods.amplitudes.loops.d_polynomial import DPolynomial
from heliostat_methods.amplitudes.loops.integrands import Gauge, integrand
from heliostat_methods.amplitudes.loops.loop_operators import (
    apply_to_integrand,
    gauged_loop,
    loop_derivative,
)
from heliostat_methods.amplitudes.loops.loop_orderings import backwards, carried_to, reordered
from heliostat_methods.amplitudes.loops.random_loops import edge_squares, on_cut
from heliostat_methods.amplitudes.operators.terms import Pair, Product

Sides = tuple[list[Number], list[Number]]
PairCase = tuple[tuple[tuple[int, int], ...], Gauge, bool]
"""Pairs of scalars, the gauge, and whether one-vertex rings are in."""


def dimension_sides(case: tuple[Gauge], point: PolarisedPoint, loop_point: LoopPoint) -> Sides:
    """Return I_YM(D+1) - I_YM(D) at D = 4 and the scalar's ring; case: (gauge,)."""
    (gauge,) = case
    found = integrand("ym", point, loop_point, gauge=gauge)
    scalar = integrand("scalar", point, loop_point, gauge=gauge)
    return [found(5) - found(4), found.linear], [scalar.constant, scalar.constant]


def pair_sides(case: PairCase, point: PolarisedPoint, loop_point: LoopPoint) -> Sides:
    """Return T[i j] .. I_YM and I_YMS; case: (pairs, gauge, tadpoles)."""
    pairs, gauge, tadpoles = case
    operator = Product(tuple(Pair(*pair) for pair in pairs))

    def gluons(at: PolarisedPoint, loop: LoopPoint) -> DPolynomial:
        return integrand("ym", at, loop, gauge=gauge, tadpoles=tadpoles)

    left = apply_to_integrand(operator, gluons)(point, loop_point)
    right = integrand("yms", point, loop_point, gauge=gauge, tadpoles=tadpoles, scalars=pairs)
    return _both(left), _both(right)


def polygon_sides(
    case: tuple[Literal["substitution", "difference"]], point: PolarisedPoint, loop_point: LoopPoint
) -> Sides:
    """Return prod_i d/d(l.e_i) I_scalar and the polygon; case: (mode,) of differentiating."""
    (mode,) = case

    def scalar(at: PolarisedPoint, loop: LoopPoint) -> Number:
        return integrand("scalar", at, loop, 0)

    left = loop_derivative(range(point.n), scalar, mode)(point, loop_point)
    below = point.field.one
    for d in edge_squares(point, loop_point):
        below = below * d
    return [left], [point.field.divide(point.field.number((-2) ** point.n), below)]


def cut_gauge_sides(
    case: tuple[int, tuple[int, ...], Gauge], point: PolarisedPoint, loop_point: LoopPoint
) -> Sides:
    """Return the cut of I_YM with e_i -> k_i and 0; case: (leg, edges, gauge).

    The loop momentum is moved to the cut first.
    """
    leg, edges, gauge = case
    at, loop = gauged_loop(point, on_cut(point, loop_point, edges), leg)
    zero = point.field.zero
    return _both(cut("ym", at, loop, edges, gauge=gauge)), [zero, zero]


def unitarity_sides(
    case: tuple[tuple[int, ...], Gauge], point: PolarisedPoint, loop_point: LoopPoint
) -> Sides:
    """Return a cut of I_YM and the product of trees with physical states; case: (edges, gauge).

    The loop momentum is moved to the cut first.
    """
    edges, gauge = case
    loop = on_cut(point, loop_point, edges)
    left = cut("ym", point, loop, edges, gauge=gauge)
    # the trees in one gauge for both: equality says that cuts do not depend on it
    return _both(left), _both(physical_cut("ym", point, loop, edges))


def cyclic_sides(
    case: tuple[str, Gauge, int], point: PolarisedPoint, loop_point: LoopPoint
) -> Sides:
    """Return I in the order a, a+1, .. with q_a for l, and I; case: (theory, gauge, a)."""
    theory, gauge, turn = case
    word = [(turn + i) % point.n for i in range(point.n)]
    turned = reordered(point, carried_to(point, loop_point, turn), word)
    left = integrand(theory, *turned, gauge=gauge, tadpoles=True)
    return _both(left), _both(integrand(theory, point, loop_point, gauge=gauge, tadpoles=True))


def reflection_sides(
    case: tuple[str, Gauge], point: PolarisedPoint, loop_point: LoopPoint
) -> Sides:
    """Return I in the order n-1, .., 0 with -l, and (-1)^n I; case: (theory, gauge)."""
    theory, gauge = case
    turned = reordered(point, backwards(loop_point), range(point.n - 1, -1, -1))
    left = integrand(theory, *turned, gauge=gauge, tadpoles=True)
    right = integrand(theory, point, loop_point, gauge=gauge, tadpoles=True) * (-1) ** point.n
    return _both(left), _both(right)


def _both(polynomial: Any) -> list[Number]:
    return [polynomial.constant, polynomial.linear]
