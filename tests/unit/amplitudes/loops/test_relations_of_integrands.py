"""Relations between integrands, exactly, at the reference points and at random ones."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point
from heliostat_methods.amplitudes.loops.integrands import integrand
from heliostat_methods.amplitudes.loops.loop_operators import (
    apply_to_integrand,
    gauged_loop,
    loop_derivative,
    substituted_loop,
)
from heliostat_methods.amplitudes.loops.loop_orderings import carried_to
from heliostat_methods.amplitudes.loops.random_loops import (
    edge_squares,
    on_cut,
    random_loop_point,
)
from heliostat_methods.amplitudes.loops.sides import (
    cut_gauge_sides,
    cyclic_sides,
    dimension_sides,
    pair_sides,
    polygon_sides,
    reflection_sides,
    unitarity_sides,
)
from heliostat_methods.amplitudes.operators.terms import Longitudinal, Pair, Trace

GAUGES = ("feynman", "background")
PAIR_KNOWN = {4: "-76188451/735601230", 5: "-166525862/208623440025"}


@pytest.mark.parametrize("gauge", GAUGES)
@pytest.mark.parametrize("n", (4, 5, 6))
def test_the_derivative_by_the_dimension_is_a_scalar(n, gauge, standard_loop_point):
    left, right = dimension_sides((gauge,), standard_gram_point(n), standard_loop_point(n))
    assert left == right and right[0] != 0


PAIRS = {
    4: [((0, 1),), ((1, 3),), ((0, 2), (1, 3)), ((0, 1), (2, 3))],
    5: [((2, 4),), ((0, 3), (1, 4))],
    6: [((0, 5),), ((1, 3), (2, 4)), ((0, 1), (2, 3), (4, 5)), ((0, 3), (1, 4), (2, 5))],
}


@pytest.mark.parametrize("gauge", GAUGES)
@pytest.mark.parametrize("n", (4, 5, 6))
def test_pair_operators_make_scalars_of_a_flavour_each(n, gauge, standard_loop_point):
    point, loop = standard_gram_point(n), standard_loop_point(n)
    if n == 6:
        point, loop = point.over("gf"), loop.over("gf")
    for pairs in PAIRS[n]:
        for tadpoles in (False, True):
            left, right = pair_sides((pairs, gauge, tadpoles), point, loop)
            assert left == right and left[0] != 0


@pytest.mark.parametrize("n", PAIR_KNOWN)
def test_known_values_of_a_pair(n, standard_loop_point):
    point, loop = standard_gram_point(n), standard_loop_point(n)
    found = integrand("yms", point, loop, 4, scalars=(0, 1))
    assert found == Fraction(PAIR_KNOWN[n])


def test_pair_operators_are_differences(standard_loop_point):
    point, loop = standard_gram_point(4), standard_loop_point(4)
    ee = [list(row) for row in point.ee]
    ee[0][1] = ee[1][0] = ee[0][1] + 1
    moved = point.with_polarisations(point.ek, tuple(map(tuple, ee)))
    difference = integrand("ym", moved, loop, 4) - integrand("ym", point, loop, 4)
    assert difference == Fraction(PAIR_KNOWN[4])


@pytest.mark.parametrize("mode", ("substitution", "difference"))
@pytest.mark.parametrize("n", (4, 5, 6))
def test_the_derivative_by_all_products_with_l_is_a_polygon(n, mode, standard_loop_point):
    point, loop = standard_gram_point(n).over("gf"), standard_loop_point(n).over("gf")
    left, right = polygon_sides((mode,), point, loop)
    assert left == right and right[0] != 0


@pytest.mark.parametrize("gauge", GAUGES)
def test_a_longitudinal_gluon_leaves_cuts_and_not_integrands(gauge, standard_loop_point):
    point, loop = standard_gram_point(4), standard_loop_point(4)
    for leg in range(4):
        left, right = cut_gauge_sides((leg, (0, 2), gauge), point, loop)
        assert left == right == [0, 0]
    uncut = integrand("ym", *gauged_loop(point, loop, 0), 4)
    assert uncut == Fraction(1544471, 56584710)


@pytest.mark.parametrize("theory", ("ym", "gluon", "ghost", "scalar"))
@pytest.mark.parametrize("n", (4, 5))
def test_integrands_are_cyclic_and_have_a_parity(n, theory, standard_loop_point):
    point, loop = standard_gram_point(n).over("gf"), standard_loop_point(n).over("gf")
    for gauge in GAUGES:
        for turn in (1, n - 1):
            left, right = cyclic_sides((theory, gauge, turn), point, loop)
            assert left == right
        left, right = reflection_sides((theory, gauge), point, loop)
        assert left == right


@settings(max_examples=12, deadline=None)
@given(st.integers(4, 6), st.integers(0, 2**32 - 1), st.sampled_from(["gf", "gf:10007", "flint"]))
def test_relations_hold_anywhere(n, seed, field):
    rng = np.random.default_rng(seed)
    point = random_gram_point(n, rng, field)
    loop = random_loop_point(point, rng)
    pair = (0, int(rng.integers(1, n)))
    for left, right in (
        dimension_sides(("background",), point, loop),
        pair_sides(((pair,), "feynman", True), point, loop),
        polygon_sides(("substitution",), point, loop),
        cyclic_sides(("ym", "feynman", 2), point, loop),
    ):
        assert left == right


@settings(max_examples=8, deadline=None)
@given(st.integers(4, 6), st.integers(0, 2**32 - 1))
def test_cuts_are_unitary_anywhere(n, seed):
    rng = np.random.default_rng(seed)
    point = random_gram_point(n, rng, "gf")
    edges = (0, int(rng.integers(2, n - 1)))
    loop = random_loop_point(point, rng, edges)
    for gauge in GAUGES:
        left, right = unitarity_sides((edges, gauge), point, loop)
        assert left == right


def test_operators_move_point_and_loop_together(standard_loop_point):
    point, loop = standard_gram_point(4), standard_loop_point(4)
    at, moved = substituted_loop(Trace(0, 2, 3), point, loop)
    assert moved.le == (0, 3, 0, 0) and at.ek[2][0] == 1
    assert substituted_loop(Pair(0, 1) * Longitudinal(1), point, loop) is None
    twice = apply_to_integrand(Pair(0, 1) * Pair(1, 2), lambda p, l: integrand("ym", p, l))
    assert twice(point, loop)(4) == 0
    with pytest.raises(ValueError, match="leg 4, expected legs from 0 to 3"):
        substituted_loop(Pair(0, 4), point, loop)
    with pytest.raises(ValueError, match="mode: 'symbolic', expected"):
        loop_derivative([0], integrand, "symbolic")  # type: ignore[arg-type]


def test_a_random_loop_momentum_misses_all_poles():
    rng = np.random.default_rng(5)
    for field in ("gf:13", "rational", "float64", "complex128"):
        point = random_gram_point(4, rng, field)
        for cut in ((), (0, 2), (1, 2, 3)):
            loop = random_loop_point(point, rng, cut)
            size = 0 if point.field.exact else 1e-9
            zeros = [i for i, d in enumerate(edge_squares(point, loop)) if _is_small(d, size)]
            assert zeros == list(cut)


def _is_small(d, size):
    return d == 0 if size == 0 else abs(d) < size


def test_legs_and_edges_that_are_none_are_named():
    point = standard_gram_point(4)
    loop = random_loop_point(point, np.random.default_rng(0))

    def scalar(at, around):
        return integrand("scalar", at, around, 0)

    for mode in ("substitution", "difference"):
        for legs, message in (([4], "leg 4"), ([-1], "leg -1"), ([0, 0], "leg 0 stands in it")):
            with pytest.raises(ValueError, match=message):
                loop_derivative(legs, scalar, mode)(point, loop)
    with pytest.raises(ValueError, match="leg -1"):
        gauged_loop(point, loop, -1)
    for wrong in ((4,), (-1,), (0, 7), (0, 0)):
        with pytest.raises(ValueError, match="cut: "):
            random_loop_point(point, np.random.default_rng(0), wrong)
        with pytest.raises(ValueError, match="edges: "):
            on_cut(point, loop, wrong)
    with pytest.raises(ValueError, match="size: 0, expected a whole number from 1"):
        random_loop_point(point, np.random.default_rng(0), size=0)
    assert carried_to(point, loop, -1) == carried_to(point, loop, 3)
    assert carried_to(point, loop, 4) == loop
    with pytest.raises(InvalidPoint, match="le: 4 legs, expected 5"):
        on_cut(standard_gram_point(5), loop, (0, 2))
