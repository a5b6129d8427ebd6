"""Scalars are what operators make of gluons, in currents too; pions have closed forms."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.acting.apply import apply
from heliostat_methods.amplitudes.currents.theories import amplitude, bg_currents, semi_on_shell
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point
from heliostat_methods.amplitudes.operators.terms import Pair, Trace


def stepped(point: GramPoint, i: int, j: int) -> GramPoint:
    """Return the point at which e_i.e_j is larger by 1."""
    ee = [list(row) for row in point.ee]
    ee[i][j] = ee[j][i] = ee[i][j] + 1
    return GramPoint(point.kk, point.ek, ee, point.field)


@pytest.mark.parametrize("n", [5, 6])
def test_pairs_act_on_currents_before_the_last_leg_is_on_shell(n: int) -> None:
    """d/d(e_i.e_j) of 2 s_P A_P is the scalars' current, component by component."""
    point = standard_gram_point(n)
    word = tuple(range(n - 1))
    for i, j in combinations(word, 2):
        moved = semi_on_shell("ym", stepped(point, i, j), word)
        here = semi_on_shell("ym", point, word)
        scalars = semi_on_shell("yms", point, word, scalars=(i, j))
        # components along e_i and e_j stand for the vectors that became scalars
        assert [a - b for a, b in zip(moved, here, strict=True)] == list(scalars[:-1])
        assert scalars[-1] == 0


@pytest.mark.parametrize("n", [4, 5, 6])
def test_scalars_of_all_pairs(n: int) -> None:
    point = standard_gram_point(n)
    for pair in combinations(range(n), 2):
        assert amplitude("yms", point, scalars=pair) == apply(Pair(*pair), "ym")(point)


def test_minimal_coupling_lacks_the_quartic_vertex() -> None:
    point = standard_gram_point(4)
    pairs = ((0, 1), (2, 3))
    assert amplitude("yms_minimal", point, scalars=(0, 1)) == amplitude(
        "yms", point, scalars=(0, 1)
    )
    with_vertex = amplitude("yms", point, scalars=pairs)
    assert with_vertex - amplitude("yms_minimal", point, scalars=pairs) == Fraction(-1, 2)
    # a b a b: two scalars of a flavour are not neighbours, so no gluon is exchanged
    assert amplitude("yms_minimal", point, scalars=((0, 2), (1, 3))) == 0
    assert amplitude("yms", point, scalars=((0, 2), (1, 3))) == 1


def test_a_mapping_from_legs_to_flavours_names_the_same_scalars() -> None:
    point = standard_gram_point(6)
    expected = amplitude("yms", point, scalars=((1, 4), (2, 3)))
    assert amplitude("yms", point, scalars={1: "a", 4: "a", 2: "b", 3: "b"}) == expected


@settings(max_examples=10, deadline=None, derandomize=True)
@given(n=st.integers(4, 6), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_traces_of_scalars(n: int, seed: int, data: st.DataObject) -> None:
    point = random_gram_point(n, np.random.default_rng(seed), "gf")
    word = tuple(data.draw(st.permutations(range(n))))
    trace = tuple(data.draw(st.permutations(range(n)))[: data.draw(st.integers(3, n))])
    gluons = apply(Trace(*trace), lambda at: amplitude("ym", at, word))(point)
    assert amplitude("ym_phi3", point, word, trace=trace) == gluons
    turned = trace[1:] + trace[:1]
    assert amplitude("ym_phi3", point, word, trace=turned) == gluons
    if len(trace) == n:
        assert gluons == (-1) ** n * amplitude("bas", point, (word, trace))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(n=st.integers(4, 6), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_biadjoint_scalars_are_symmetric_and_cyclic(n: int, seed: int, data: st.DataObject) -> None:
    point = random_gram_point(n, np.random.default_rng(seed), "gf")
    left, right = (tuple(data.draw(st.permutations(range(n)))) for _ in range(2))
    value = amplitude("bas", point, (left, right))
    assert amplitude("bas", point, (right, left)) == value
    assert amplitude("bas", point, (left, right[2:] + right[:2])) == value
    assert amplitude("bas", point, (left, right[::-1])) == (-1) ** n * value


def test_biadjoint_diagonal_is_the_sum_over_five_cubic_graphs() -> None:
    point = standard_gram_point(5)
    s = [point.momentum_product(i, (i + 1) % 5) for i in range(5)]
    assert amplitude("bas", point) == sum(Fraction(1) / (s[i] * s[(i + 2) % 5]) for i in range(5))


def squares(point: GramPoint, *legs: int) -> Fraction:
    total: Fraction = 2 * sum(
        (point.momentum_product(i, j) for i, j in combinations(legs, 2)), Fraction(0)
    )
    return total


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pions_in_closed_form(seed: int) -> None:
    rng = np.random.default_rng(seed)
    four = random_gram_point(4, rng)
    assert amplitude("nlsm", four) == (squares(four, 0, 1) + squares(four, 1, 2)) / 2
    assert amplitude("nlsm", random_gram_point(5, rng)) == 0
    six = random_gram_point(6, rng)
    s = [squares(six, i, (i + 1) % 6) for i in range(6)]
    total = Fraction(0)
    for i in range(6):
        a, b, c, d = (s[(i + step) % 6] for step in (0, 1, 3, 4))
        total += (a + b) * (c + d) / squares(six, i, (i + 1) % 6, (i + 2) % 6) / 2 - s[i]
    assert amplitude("nlsm", six) == total / 2


def test_pions_do_not_care_which_two_legs_the_operator_pairs() -> None:
    point = random_gram_point(6, np.random.default_rng(3), "gf")
    values = {
        int(amplitude("nlsm", point, tuple((i + turn) % 6 for i in range(6)))) for turn in range(6)
    }
    assert len(values) == 1


def test_currents_of_every_theory_come_by_spans() -> None:
    point = standard_gram_point(5)
    spans = {(i, j) for i in range(4) for j in range(i + 1, 5) if j - i < 4}
    given = {"yms": {"scalars": (0, 2)}, "yms_minimal": {"scalars": (0, 2)},
             "ym_phi3": {"trace": (0, 2)}}  # fmt: skip
    for theory in ("ym", "yms", "yms_minimal", "ym_phi3", "bas", "nlsm"):
        found = bg_currents(theory, point, (0, 1, 2, 3), **given.get(theory, {}))
        assert set(found) == {span for span in spans if span[1] <= 4}
    assert bg_currents("bas", point, (0, 1), other=(1, 0, 2, 3, 4))[0, 2] == Fraction(
        -1, point.momentum_product(0, 1)
    )
