import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import DataError
from heliostat_search.pareto import dominates, front, hypervolume

POINTS = st.integers(1, 4).flatmap(
    lambda k: st.lists(st.tuples(*[st.integers(0, 5)] * k), min_size=1, max_size=9)
)


def test_dominance_needs_one_strict_improvement():
    assert dominates((1, 2), (1, 3))
    assert not dominates((1, 2), (1, 2))
    assert not dominates((1, 3), (2, 2))
    assert dominates((1, 2), (np.inf, 2))


def test_the_front_is_ordered_by_value_then_index_and_keeps_equal_points():
    points = [(3, 1), (1, 3), (2, 2), (2, 2), (3, 3), (1, 4)]
    assert front(points) == [1, 2, 3, 0]


@given(POINTS)
@settings(deadline=None)
def test_the_front_is_what_the_definition_says(points):
    wanted = {i for i, p in enumerate(points) if not any(dominates(q, p) for q in points)}
    assert set(front(points)) == wanted


def test_an_empty_set_has_an_empty_front_and_no_volume():
    assert front(np.zeros((0, 2))) == []
    assert hypervolume(np.zeros((0, 2)), (1, 1)) == 0


def test_hypervolume_in_two_dimensions_by_hand():
    # Boxes to (4, 4): 3x1 + 2x1 + 1x1 of new height each, steps of a staircase.
    assert hypervolume([(1, 3), (2, 2), (3, 1)], (4, 4)) == 6
    assert hypervolume([(1, 3), (2, 2), (3, 1), (3, 3), (2, 2)], (4, 4)) == 6
    assert hypervolume([(5, 0), (4, 1)], (4, 4)) == 0


def test_hypervolume_in_three_dimensions_by_hand():
    # Three boxes of volume 1x1x2 (two share 1, all three share 1): 3*2 - 3*1 + 1 = 4.
    assert hypervolume([(1, 1, 0), (1, 0, 1), (0, 1, 1)], (2, 2, 2)) == 4


@given(POINTS)
@settings(deadline=None)
def test_hypervolume_counts_the_unit_cells_that_are_dominated(points):
    size = len(points[0])
    reference = (4,) * size
    cells = itertools.product(range(4), repeat=size)
    wanted = sum(
        any(all(a <= c for a, c in zip(p, cell, strict=True)) for p in points) for cell in cells
    )
    assert hypervolume(points, reference) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: front([(1, 2), (np.nan, 1)]), "point 1, objective 0 is NaN"),
        (lambda: front([1, 2]), r"\(n, objectives\)"),
        (lambda: hypervolume([(1, 2)], (1, 2, 3)), r"shape \(2,\)"),
        (lambda: hypervolume([(1, 2)], (1, np.inf)), "finite reference"),
        (lambda: dominates((1, 2), (1, 2, 3)), "one shape"),
    ],
)
def test_points_without_an_order_are_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()
