"""Cuts: gauges agree, and only physical states go across."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.prime import GF
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point
from heliostat_methods.amplitudes.loops.cuts import cut, physical_cut
from heliostat_methods.amplitudes.loops.integrands import rings_of
from heliostat_methods.amplitudes.loops.loop_frame import LoopFrame
from heliostat_methods.amplitudes.loops.random_loops import (
    edge_squares,
    on_cut,
    random_loop_point,
)

CUTS = [(4, (0, 2)), (5, (0, 2)), (5, (0, 3)), (6, (0, 3))]


@pytest.mark.parametrize(("n", "edges"), CUTS)
def test_double_cuts_are_products_of_trees(n, edges, standard_loop_point):
    point = standard_gram_point(n)
    loop = on_cut(point, standard_loop_point(n), edges)
    residue = cut("ym", point, loop, edges)
    assert residue == cut("ym", point, loop, edges, gauge="background")
    for gauge in ("feynman", "background"):
        assert residue == physical_cut("ym", point, loop, edges, gauge=gauge)
    for dimension in (4, 7):
        states = physical_cut("ym", point, loop, edges, dimension)
        assert states == cut("ym", point, loop, edges, dimension) == residue(dimension) != 0


@pytest.mark.parametrize(
    ("n", "edges"), [(4, (0, 1, 2)), (4, (0, 1, 2, 3)), (5, (1, 2, 4)), (5, (0, 1, 3, 4))]
)
def test_cuts_of_more_edges_are_too(n, edges):
    rng = np.random.default_rng(n)
    point = random_gram_point(n, rng, "gf")
    loop = random_loop_point(point, rng, edges)
    assert [i for i, d in enumerate(edge_squares(point, loop)) if not d] == list(edges)
    residue = cut("ym", point, loop, edges)
    assert residue == cut("ym", point, loop, edges, gauge="background")
    assert residue == physical_cut("ym", point, loop, edges)


def test_cuts_with_scalars_and_any_reference():
    rng = np.random.default_rng(2)
    point = random_gram_point(5, rng, "flint")
    loop = random_loop_point(point, rng, (1, 3))
    flavours = ((0, 3), (1, 4))
    residue = cut("yms", point, loop, (1, 3), scalars=flavours)
    for reference in (None, range(5, 15)):
        states = physical_cut("yms", point, loop, (1, 3), scalars=flavours, reference=reference)
        assert states == residue


def test_ghosts_are_needed():
    rng = np.random.default_rng(3)
    point = random_gram_point(4, rng, "gf")
    loop = random_loop_point(point, rng, (0, 2))
    assert cut("gluon", point, loop, (0, 2)) != physical_cut("ym", point, loop, (0, 2))


@pytest.mark.parametrize("gauge", ("feynman", "background"))
@pytest.mark.parametrize("legs", (2, 3, 4))
def test_a_chain_between_physical_states_is_a_tree_amplitude(legs, gauge):
    """Against the recursion for trees: y.chain(x) is 2 A(q, 0..legs-1, -q')."""
    field, rng, n = GF(), np.random.default_rng(legs), legs + 2
    point = random_gram_point(n, rng, field)
    loop = random_loop_point(point, rng, (0, legs))

    def random() -> list[object]:
        return [field.number(int(x)) for x in rng.integers(0, field.prime, 2 * n)]

    # x.q_0 = x.l = 0 and y.q_legs = y.(l + k_0 + ..) = 0
    x, y = random(), random()
    x[-1] = field.zero
    y[-1] = -sum(y[:legs], field.zero)
    xy = field.number(12345)
    frame = LoopFrame(point, loop, more=[(*x, field.one), (*y, xy, field.one)])
    chain = rings_of(frame, "gluon", gauge)[0][1].chain(0, legs)
    found = frame.product(
        chain.times(frame.extra(0), field.zero), frame.space.lower(frame.extra(1))
    )

    gram = frame.space.gram
    size = len(gram)
    momenta = [2 * n - 1, *range(legs)]  # l and the legs; the last is minus their sum
    vectors = [size - 2, *(n - 1 + i for i in range(legs)), size - 1]
    tree = GramPoint([[gram[a][b] for b in momenta] for a in momenta],
                     [[gram[a][b] for b in momenta] for a in vectors],
                     [[gram[a][b] for b in vectors] for a in vectors])  # fmt: skip
    assert found == 2 * amplitude("ym", tree)


GRAM = standard_gram_point(5)
LOOP = LoopPoint(0, [1, 2, 3, 4], [1, 2, 3, 4, 5])
REFUSED = [
    (("ym", GRAM, LOOP, (0,)), r"edges: \[0\], expected at least two"),
    (("ym", GRAM, LOOP, (0, 5)), "edges: 5, expected whole numbers from 0 to 4"),
    (("ym", GRAM, LOOP, (0, True)), "edges: leg True, expected whole numbers"),
    (("ym", GRAM, LOOP, (2, 2)), "edges: 2 stands twice"),
    (("ym", GRAM, LOOP, (0, 1)), "with 4 legs from edge 1 on; expected at most 3"),
    (("ym", GRAM, LOOP, (0, 2)), "loop_point: d_2 = 34, expected 0 on the cut"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_unusual_requests_are_named(arguments, message):
    for function in (cut, physical_cut):
        with pytest.raises(ValueError, match=message):
            function(*arguments)


def test_references_and_theories_without_states_are_named():
    loop = on_cut(GRAM, LOOP, (0, 2))
    with pytest.raises(ValueError, match="theory: 'gluon', expected 'ym' or 'yms'"):
        physical_cut("gluon", GRAM, loop, (0, 2))
    with pytest.raises(ValueError, match="reference: 3 numbers, expected 10"):
        physical_cut("ym", GRAM, loop, (0, 2), reference=(1, 2, 3))
    with pytest.raises(SingularKinematics, match=r"\(l\)\.r = 0: the reference"):
        physical_cut("ym", GRAM, loop, (0, 2), reference=[1] * 9 + [0])
