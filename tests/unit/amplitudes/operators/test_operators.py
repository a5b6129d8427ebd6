"""Operators by substitution equal exact differences, which are written here again."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.acting.apply import apply
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point
from heliostat_methods.amplitudes.operators.substitution import substituted
from heliostat_methods.amplitudes.operators.terms import (
    Insertion,
    Longitudinal,
    Operator,
    Pair,
    Pions,
    Trace,
)

SEED = st.integers(0, 2**32 - 1)


def difference(operator: Operator, point: GramPoint) -> Any:
    """Return sum of (-1)^(steps left out) f(G + steps made): f is affine in each product."""
    factors, n = operator.factors(), point.n
    total = point.field.zero
    for made in product((0, 1), repeat=len(factors)):
        ek, ee = [list(row) for row in point.ek], [list(row) for row in point.ee]
        for factor, step in zip(factors, made, strict=True):
            if isinstance(factor, Pair):
                i, j = factor.i, factor.j
                ee[i][j] = ee[j][i] = ee[i][j] + step
            elif isinstance(factor, Insertion):
                for leg, sign in ((factor.i, step), (factor.k, -step)):
                    if leg < n - 1:
                        ek[factor.j][leg] = ek[factor.j][leg] + sign
            else:
                for j in range(n - 1):
                    along = point.momentum_product(factor.i, j)
                    ek[factor.i][j] = ek[factor.i][j] + step * along
        value = amplitude("ym", GramPoint(point.kk, ek, ee, point.field))
        total = total + (-1) ** (len(factors) - sum(made)) * value
    return total


def draw_operator(n: int, data: st.DataObject) -> Operator:
    legs = data.draw(st.permutations(range(n)))
    kind = data.draw(st.sampled_from(("pair", "pairs", "trace", "insertion", "pions", "mixed")))
    if kind == "pair":
        return Pair(*legs[:2])
    if kind == "pairs":
        return Pair(*legs[:2]) * Pair(*legs[2:4])
    if kind == "trace":
        return Trace(*legs[: data.draw(st.integers(2, n))])
    if kind == "insertion":
        return Insertion(*legs[:3])
    if kind == "pions":
        return Pions(legs)
    return Pair(*legs[:2]) * Longitudinal(legs[2]) * Insertion(legs[0], legs[3], legs[1])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(n=st.integers(4, 5), seed=SEED, data=st.data())
def test_substitution_is_the_exact_difference(n: int, seed: int, data: st.DataObject) -> None:
    operator = draw_operator(n, data)
    point = random_gram_point(n, np.random.default_rng(seed), "gf")
    expected = difference(operator, point)
    assert apply(operator, "ym")(point) == expected
    assert apply(operator, "ym", "difference")(point) == expected


@pytest.mark.parametrize(
    "operator",
    [Pair(0, 2), Trace(0, 1, 3), Longitudinal(1), Pair(0, 3) * Longitudinal(1), Pions(range(4))],
)
def test_derivatives_of_symbols_are_the_same(operator: Operator) -> None:
    point = standard_gram_point(4)
    assert apply(operator, "ym", "symbolic")(point) == apply(operator, "ym")(point)


def test_a_longitudinal_leg_keeps_the_products_of_its_momentum_alone() -> None:
    point = standard_gram_point(5)
    for leg in (1, 4):
        made = substituted(Longitudinal(leg), point)
        assert made is not None and not any(made.ee[leg])
        assert made.ek[leg] == tuple(point.momentum_product(leg, j) for j in range(4))


def test_twice_by_one_polarisation_is_0() -> None:
    point = standard_gram_point(5)
    for operator in (
        Pair(0, 1) * Pair(0, 1),
        Pair(0, 1) * Pair(1, 2),
        Longitudinal(1) * Pair(1, 2),
    ):
        assert apply(operator, "ym")(point) == 0


def test_products_commute() -> None:
    point = standard_gram_point(5)
    one, other = Pair(0, 4), Insertion(0, 2, 4)
    assert apply(one * other, "ym")(point) == apply(other * one, "ym")(point)
    assert str(one * other) == "T[0 4] T_(0 2 4)"
    assert Trace(0, 2, 4).factors() == (one, other)
    assert Trace((0, 2, 4)).factors() == Trace(0, 2, 4).factors()


def test_the_sign_of_a_trace_goes_with_its_insertions() -> None:
    """T[a_m .. a_1] = (-1)^m T[a_1 .. a_m] on gluons: each insertion changes its sign."""
    point = random_gram_point(5, np.random.default_rng(1), "gf")
    for trace in ((0, 2, 4), (0, 1, 3, 4), (2, 0, 1, 4, 3)):
        forward, backward = (apply(Trace(*t), "ym")(point) for t in (trace, trace[::-1]))
        assert backward == (-1) ** len(trace) * forward


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pair(1, 1), "Pair: leg 1 stands in it twice, expected different legs"),
        (lambda: Pair(-1, 1), "Pair: leg -1, expected a whole number from 0"),
        (lambda: Insertion(0, 1, 0), "Insertion: leg 0 stands in it twice"),
        (lambda: Longitudinal(1.5), "Longitudinal: leg 1.5"),  # type: ignore[arg-type]
        (lambda: Trace(1), r"Trace: \(1,\), expected at least two legs"),
        (lambda: Trace(1, 2, 1), "Trace: leg 1 stands in it twice"),
        (lambda: apply(Pair(0, 7), "ym")(standard_gram_point(4)), r"T\[0 7\]: leg 7, expected"),
        (lambda: apply(Pair(0, 1), "yym"), "theory: 'yym', expected one of"),
        (lambda: apply(Pair(0, 1), "ym", "symbol"), "mode: 'symbol', .*did you mean 'symbolic'"),  # type: ignore[arg-type]
        (
            lambda: apply(Pair(0, 1), "ym", "symbolic")(standard_gram_point(4).over("gf")),
            "'symbolic' over the field gf:2147483647, expected 'rational' or 'flint'",
        ),
    ],
)
def test_operators_without_meaning_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
