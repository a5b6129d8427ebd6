"""Which rate and how many steps: early stopping, ties, edges, grids that grow."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heliostat_search.trainings.rates import (
    TriedRate,
    at_edge,
    best,
    beyond,
    checkpoints,
    stopped,
)


def tried(**by_factor):
    return [TriedRate(float(f[1:].replace("_", ".")), v, v, 1.0) for f, v in by_factor.items()]


@given(st.integers(1, 20_000))
def test_checkpoints_begin_with_nothing_and_end_with_the_last_step(steps):
    found = checkpoints(steps)
    assert found[0] == 0 and found[-1] == steps
    assert list(found) == sorted(set(found)) and len(found) <= 40


def test_the_best_checkpoint_is_the_first_of_equals_and_never_one_that_diverged():
    curves = np.array([[1.0, 0.5, 0.5, 0.9], [1.0, np.inf, np.nan, 0.7], [2.0, 3.0, 4.0, np.inf]])
    assert stopped(curves).tolist() == [1, 3, 0]
    one = TriedRate.of(3.0, curves[:2], (0, 10, 20, 40))
    assert (one.at_end, one.at_best, one.steps) == (0.8, 0.6, 25)


def test_ties_go_to_the_rate_nearest_the_configured_one():
    assert best(tried(x0_1=0.5, x1=0.5, x10=0.5), "at_end").factor == 1


def test_an_edge_is_the_lowest_or_the_highest_of_several():
    assert at_edge(tried(x0_1=0.2, x1=0.5), "at_end") == -1
    assert at_edge(tried(x0_1=0.5, x1=0.3, x10=0.2), "at_end") == 1
    assert at_edge(tried(x0_1=0.5, x1=0.3, x10=0.4), "at_end") == 0
    assert at_edge(tried(x1=0.3), "at_end") == 0
    # where all diverge a lower rate is what is missing
    inf = math.inf
    assert at_edge(tried(x0_1=inf, x1=inf), "at_end") == -1


def test_a_grid_goes_on_as_it_began():
    assert beyond(tried(x0_1=0.1, x0_3=0.2, x1=0.3), (0.1, 0.3, 1), 6) == [0.03]
    assert beyond(tried(x0_3=0.5, x1=0.4, x3=0.3, x10=0.2), (0.3, 1, 3, 10), 6) == [30]
    assert beyond(tried(x0_5=0.5, x1=0.2), (0.5, 1), 6) == [2]
    assert beyond(tried(x0_1=0.1, x0_3=0.2, x1=0.3), (0.3, 1), 1) == []
