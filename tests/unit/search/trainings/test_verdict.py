"""What is said of one loss against another: explosions, edges, outlying differences, intervals."""

import numpy as np
import pytest

from heliostat_search.trainings.paired_seeds import PairedTest
from heliostat_search.trainings.verdict import Trainings, judge

TEN = np.linspace(0.40, 0.49, 10)
FINE = Trainings(10)


def between(a, b):
    test = PairedTest.between(a, b)
    assert test is not None
    return test


def test_differences_of_one_size_are_judged_by_the_interval():
    lower, higher = TEN - np.linspace(0.01, 0.02, 10), TEN + np.linspace(0.01, 0.02, 10)
    assert judge(FINE, FINE, between(lower, TEN)) == "better"
    assert judge(FINE, FINE, between(higher, TEN)) == "worse"
    assert judge(FINE, FINE, between(TEN[::-1], TEN)) == "none"
    # p corrected for several losses replaces that of the test
    assert judge(FINE, FINE, between(lower, TEN), p=0.06) == "none"


@pytest.mark.parametrize("blown", [8_000.0, 1e9])
def test_eight_thousand_times_worse_is_worse_although_no_interval_shows_it(blown):
    mine = TEN + np.linspace(0.01, 0.02, 10)
    mine[3] = blown
    test = between(mine, TEN)
    assert test.difference.low < 0 < test.difference.high and test.t_p > 0.3
    assert test.outlying
    assert judge(FINE, FINE, test) == "worse"
    assert judge(Trainings(10, exploded=1), FINE, test) == "worse"


def test_a_training_that_diverges_is_the_worst_and_no_missing_value():
    mine = TEN + np.linspace(0.01, 0.02, 10)
    mine[:7] = np.inf
    assert judge(Trainings(10, exploded=7), FINE, between(mine, TEN)) == "worse"
    assert judge(Trainings(10, exploded=10), FINE, None) == "worse"


def test_one_that_explodes_once_and_wins_else_is_called_neither_better_nor_equal():
    mine = TEN - np.linspace(0.01, 0.02, 10)
    mine[0] = np.inf
    assert judge(Trainings(10, exploded=1), FINE, between(mine, TEN)) == "explodes"
    assert judge(FINE, Trainings(10, exploded=10), None) == "better"
    # where both explode, counts of explosions alone decide nothing
    assert judge(Trainings(10, exploded=5), Trainings(10, exploded=10), None) == "unpaired"


def test_nothing_is_decided_at_an_edge_of_the_rates():
    lower = TEN - np.linspace(0.01, 0.02, 10)
    for mine, usual in ((Trainings(10, edge=True), FINE), (FINE, Trainings(10, edge=True))):
        assert judge(mine, usual, between(lower, TEN)) == "edge"
