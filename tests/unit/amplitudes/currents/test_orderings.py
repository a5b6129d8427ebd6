"""Relations among orders hold exactly, and refuse what is no order."""

from __future__ import annotations

from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.currents.orderings import (
    bcj_basis,
    bcj_relation,
    in_kk_basis,
    kk_basis,
    kk_relation,
    relation_sum,
    shuffles,
)
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point

PROPERTY = settings(max_examples=12, deadline=None, derandomize=True)


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_bases_have_their_size_and_fixed_legs(n: int) -> None:
    kleiss_kuijf, smallest = kk_basis(n), bcj_basis(n)
    assert len(set(kleiss_kuijf)) == factorial(n - 2)
    assert len(set(smallest)) == factorial(n - 3)
    assert all(w[0] == 0 and w[-1] == n - 1 and sorted(w) == list(range(n)) for w in kleiss_kuijf)
    assert all(w[:2] == (0, 1) and w in kleiss_kuijf for w in smallest)
    assert kleiss_kuijf == sorted(kleiss_kuijf)


def test_one_leg_between_is_decoupling_of_a_photon() -> None:
    orders = [order for _, order in kk_relation(5, beta=(2,))]
    assert orders == [(0, 1, 3, 4, 2), (0, 1, 3, 2, 4), (0, 1, 2, 3, 4), (0, 2, 1, 3, 4)]
    for n in (4, 5, 6):
        point = standard_gram_point(n)
        photon = [(0, *inner) for inner in shuffles((n - 1,), range(1, n - 1))]
        assert sum(amplitude("ym", point, order) for order in photon) == 0


@PROPERTY
@given(n=st.integers(4, 6), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_kleiss_kuijf(n: int, seed: int, data: st.DataObject) -> None:
    inner = data.draw(st.permutations(range(1, n - 1)))
    cut = data.draw(st.integers(0, n - 2))
    relation = kk_relation(n, beta=inner[:cut], alpha=inner[cut:])
    point = random_gram_point(n, np.random.default_rng(seed), "gf")
    assert relation_sum(relation, point, lambda order: amplitude("ym", point, order)) == 0
    assert relation_sum(relation, point, lambda order: amplitude("bas", point, order)) == 0


@PROPERTY
@given(n=st.integers(4, 6), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_fundamental_bcj(n: int, seed: int, data: st.DataObject) -> None:
    moving, *others = data.draw(st.permutations(range(n)))
    relation = bcj_relation(n, moving, others)
    assert len(relation) == n - 2
    point = random_gram_point(n, np.random.default_rng(seed), "gf")
    for theory in ("ym", "bas"):
        total = relation_sum(relation, point, lambda order, t=theory: amplitude(t, point, order))
        assert total == 0
    if n % 2 == 0:
        assert relation_sum(relation, point, lambda order: amplitude("nlsm", point, order)) == 0


def test_every_order_of_five_legs_follows_from_the_basis() -> None:
    point = standard_gram_point(5).over("gf")
    known = {order: amplitude("ym", point, order) for order in kk_basis(5)}
    for order in permutations(range(5)):
        total = sum((sign * known[inner] for sign, inner in in_kk_basis(order)), point.field.zero)
        assert total == amplitude("ym", point, order)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kk_basis(2), "n: 2, expected a whole number of legs from 3"),
        (lambda: kk_relation(5, beta=(4,)), "beta: leg 4, expected legs from 1 to 3"),
        (lambda: kk_relation(5, beta=(1,), alpha=(2,)), "without leg 3, expected all 5 legs"),
        (lambda: kk_relation(5, beta=(1, 1)), "leg 1 stands in it twice"),
        (lambda: bcj_relation(5, 7), "leg 7, expected whole numbers from 0 to 4"),
        (lambda: bcj_relation(5, 0, (1, 2, 3)), "without leg 4, expected all 5 legs"),
        (lambda: in_kk_basis((0, 2, 2)), "leg 2 stands in it twice"),
    ],
)
def test_what_is_no_order_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
