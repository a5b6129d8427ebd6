"""What is said of one loss against another: explosions, edges, outlying differences, intervals."""

import numpy as np
import pytest

from heliostat_methods.evomal.comparison.paired_seeds import OverSeeds, PairedTest, Splits
from heliostat_methods.evomal.comparison.verdict import Trainings, judge
from heliostat_search.statistics import mean_interval, paired

TEN = np.linspace(0.40, 0.49, 10)
FINE = Trainings(10)


def between(a, b, splits=Splits()):  # noqa: B008
    test = PairedTest.between(a, b, splits)
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


def test_nothing_is_decided_at_an_edge_of_the_rates():
    lower = TEN - np.linspace(0.01, 0.02, 10)
    for mine, usual in ((Trainings(10, edge=True), FINE), (FINE, Trainings(10, edge=True))):
        assert judge(mine, usual, between(lower, TEN)) == "edge"


def test_over_splits_the_interval_is_the_corrected_resampled_one():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=15), rng.normal(size=15)
    splits = Splits(5, overlap=1 / 3)
    by_split = (a - b).reshape(5, 3).mean(axis=1)
    test = between(a, b, splits)
    expected = mean_interval(by_split, overlap=1 / 3)
    assert (test.n, test.difference.low) == (5, pytest.approx(expected.low))
    assert test.t_p == pytest.approx(paired(by_split, np.zeros(5), overlap=1 / 3).t_p)
    said = OverSeeds.of(a, splits)
    assert said.low == pytest.approx(mean_interval(a.reshape(5, 3).mean(axis=1),
                                                   overlap=1 / 3).low)  # fmt: skip
    # within one split the trainings share no row with each other's test
    assert between(a, b).difference == paired(a, b).difference
