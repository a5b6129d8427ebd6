"""Intervals and tests over seeds and splits: what diverged, what is outlying, what splits share."""

import math

import numpy as np
import pytest

from heliostat_search.statistics import mean_interval, paired
from heliostat_search.trainings.paired_seeds import OverSeeds, PairedTest, Splits
from heliostat_search.trainings.verdict import Trainings, judge


def test_over_splits_the_interval_is_the_corrected_resampled_one():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=15), rng.normal(size=15)
    splits = Splits(5, overlap=1 / 3)
    by_split = (a - b).reshape(5, 3).mean(axis=1)
    test = PairedTest.between(a, b, splits)
    expected = mean_interval(by_split, overlap=1 / 3)
    assert (test.n, test.difference.low) == (5, pytest.approx(expected.low))
    assert test.t_p == pytest.approx(paired(by_split, np.zeros(5), overlap=1 / 3).t_p)
    said = OverSeeds.of(a, splits)
    assert said.low == pytest.approx(mean_interval(a.reshape(5, 3).mean(axis=1),
                                                   overlap=1 / 3).low)  # fmt: skip
    # within one split the trainings share no row with each other's test
    assert PairedTest.between(a, b).difference == paired(a, b).difference


def test_what_diverged_is_counted_and_left_out_of_the_mean():
    said = OverSeeds.of([1.0, math.inf, 2.0, math.nan, 3.0])
    assert (said.diverged, said.mean) == (2, 2.0)
    assert said.low == pytest.approx(mean_interval([1, 2, 3]).low)
    # a split with a diverged training has no mean
    said = OverSeeds.of([1.0, 3.0, math.inf, 5.0, 4.0, 6.0], Splits(3, overlap=0.5))
    assert (said.diverged, said.mean) == (1, 3.5)
    alone = OverSeeds.of([1.0, math.inf])
    assert (alone.values, alone.diverged, alone.mean, alone.low) == ((1.0, math.inf), 1, None, None)


def test_below_two_finite_pairs_nothing_is_tested():
    assert PairedTest.between([1.0, math.inf, 2.0], [1.0, 1.0, math.nan]) is None


def test_a_difference_is_outlying_above_ten_times_the_usual_one():
    usual = np.array([1.0, -1.0, 1.0, -1.0])
    zeros = np.zeros(5)
    assert not PairedTest.between([*usual, 10.0], zeros).outlying
    assert PairedTest.between([*usual, 10.1], zeros).outlying
    assert PairedTest.between([*usual, math.inf], zeros).outlying
    assert not PairedTest.between(zeros, zeros).outlying


def test_differences_that_are_all_one_number_are_left_to_the_ranks():
    half = np.full(8, 0.5)
    few = PairedTest.between(half[:2], np.zeros(2))
    assert few.outlying and few.t_p < 1e-6 and few.wilcoxon_p >= 0.5
    assert judge(Trainings(2), Trainings(2), few) == "none"
    many = PairedTest.between(half, np.zeros(8))
    assert judge(Trainings(8), Trainings(8), many) == "worse"
    rounded = PairedTest.between(0.1 + half[:2], np.array([0.1, 0.1 + 1e-17]))
    assert rounded.outlying
