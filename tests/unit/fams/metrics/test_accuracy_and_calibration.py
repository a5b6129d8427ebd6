"""Accuracy, calibration and differences of subgroups, on data small enough to count by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from fams_laws import shifted
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss, log_loss

from heliostat_methods.fams import (
    brier_score,
    calibration_table,
    expected_calibration_error,
    group_accuracies,
    mean_group_accuracy,
    negative_log_likelihood,
    subgroup_differences,
    worst_group_accuracy,
)

Y = np.array([1, 0, 1, 1, 0, 0])
SCORE = np.array([0.9, 0.2, 0.4, 1.0, 0.6, 0.0])
SEX = np.array(["f", "f", "f", "m", "m", "m"])


def test_accuracy_of_the_worst_group_and_of_the_mean_group():
    found = group_accuracies(Y, SCORE, sensitive_features=SEX)
    assert [(one.group, one.rows, one.accuracy) for one in found] == [
        ("f", 3, 2 / 3),
        ("m", 3, 2 / 3),
    ]
    at = {"sensitive_features": SEX, "threshold": 0.3}
    assert worst_group_accuracy(Y, SCORE, **at) == 2 / 3
    assert mean_group_accuracy(Y, SCORE, **at) == pytest.approx(5 / 6)


def test_a_score_of_half_predicts_zero_as_the_classifiers_do():
    assert worst_group_accuracy([0], [0.5], sensitive_features=["f"]) == 1


def test_wilson_intervals_are_those_of_the_textbook():
    """Brown, Cai and DasGupta 2001: the interval of no success in ten is 0 to 0.2775."""
    (found,) = group_accuracies([1] * 10, [0.0] * 10, sensitive_features=["f"] * 10)
    assert (found.low, round(found.high, 4)) == (0.0, 0.2775)
    (found,) = group_accuracies(
        [1] * 3 + [0] * 7, [1.0] * 10, sensitive_features=["f"] * 10, confidence=0.9
    )
    expected = binomtest(3, 10).proportion_ci(0.9, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_calibration_table_has_a_line_for_each_bin_that_a_subgroup_fills():
    table = calibration_table(Y, SCORE, sensitive_features={"sex": SEX}, n_bins=2)
    frame = pd.DataFrame(table)
    assert frame.group.tolist() == ["sex=f", "sex=f", "sex=m", "sex=m"]
    assert frame["bin"].tolist() == [0, 1, 0, 1]
    assert frame.score_low.tolist() == [0, 0.5, 0, 0.5]
    assert frame["count"].tolist() == [2, 1, 1, 2]
    assert frame.mean_score.tolist() == pytest.approx([0.3, 0.9, 0.0, 0.8])
    assert frame.rate.tolist() == [0.5, 1.0, 0.0, 0.5]


def test_losses_agree_with_scikit_learn():
    weight = np.array([1, 2, 3, 1, 2, 5])
    inside = np.clip(SCORE, 0.01, 0.99)
    for w in (None, weight):
        brier = brier_score_loss(Y, SCORE, sample_weight=w)
        assert brier_score(Y, SCORE, sample_weight=w) == pytest.approx(brier, rel=1e-12)
        loss = log_loss(Y, inside, sample_weight=w)
        found = negative_log_likelihood(Y, inside, sample_weight=w)
        assert found == pytest.approx(loss, rel=1e-12)


def test_what_was_certain_and_wrong_costs_as_the_clipping_says():
    assert negative_log_likelihood([1], [0.0]) == pytest.approx(-math.log(1e-12))
    assert negative_log_likelihood([0], [1.0]) == pytest.approx(-math.log(1e-12))
    assert negative_log_likelihood([1], [0.0], clip=1e-3) == pytest.approx(-math.log(1e-3))
    assert negative_log_likelihood([0], [1.0], clip=1e-300) == pytest.approx(-math.log(1e-300))
    # a small score of a label 0 costs itself, which 1 - score would lose
    assert negative_log_likelihood([0], [1e-20], clip=1e-30) == pytest.approx(1e-20)


def test_the_calibration_error_is_the_mean_distance_of_rate_and_score():
    found = expected_calibration_error(Y, SCORE, n_bins=2)
    low, high = abs(1 / 3 - 0.2), abs(2 / 3 - 2.5 / 3)
    assert found == pytest.approx((3 * low + 3 * high) / 6)
    assert expected_calibration_error([0, 1], [0.0, 1.0]) == 0


def test_differences_say_which_subgroups_a_score_understates():
    y, score, group = shifted(np.random.default_rng(0), 4, 2000, 0.1)
    found = subgroup_differences(y, score, sensitive_features=group)
    assert [one.difference for one in found] == pytest.approx([-0.1, 0.1, -0.1, 0.1], abs=0.02)
    assert all(one.p_value < 1e-6 and not one.few for one in found)
    assert all(one.low < one.difference < one.high for one in found)


@pytest.mark.parametrize("weights", ["population", "uniform"])
def test_standard_errors_are_those_of_many_samples(weights):
    """A fair score: over 500 samples, squared errors are the mean squares of the differences."""
    differences, errors = [], []
    for seed in range(1000, 1500):
        y, score, group = shifted(np.random.default_rng(seed), 3, 60, 0.0)
        group[group == 2] = np.where(np.arange(60) < 40, 2, 0)  # of unequal sizes
        for one in subgroup_differences(y, score, sensitive_features=group, weights=weights):
            differences.append(one.difference)
            errors.append((one.high - one.low) / 2 / 1.959964)
    squares = np.square([differences, errors]).reshape(2, -1, 3).mean(axis=1)
    assert squares[0] == pytest.approx(squares[1], rel=0.15)


def test_a_group_of_one_row_or_one_label_has_an_interval_and_a_mark():
    y, score = [1, 0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5, 0.95]
    found = subgroup_differences(y, score, sensitive_features=["a", "b", "b", "b", "c"])
    assert all(one.few for one in found)
    assert found[0].low < found[0].difference < found[0].high
    # alone in its bin: nobody to compare with
    assert (found[2].difference, found[2].low, found[2].high, found[2].p_value) == (0, 0, 0, 1)
