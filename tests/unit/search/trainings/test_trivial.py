"""What knows nothing of the inputs is as wrong as the targets are spread."""

import math

import numpy as np
import pytest

from heliostat_search.trainings.trivial import EXPLODED, explosion_limit, trivial_measures


def test_always_the_mean_is_wrong_by_the_spread():
    train, test = np.array([1.0, 3.0]), np.array([2.0, 4.0, 0.0, 2.0])
    found = trivial_measures("regression", 1, train, test)
    assert found == {"mse": 2.0, "rmse": pytest.approx(math.sqrt(2)), "mae": 1.0}


def test_always_the_most_frequent_class_is_right_by_its_share():
    train, test = np.array([0, 1, 1, 1]), np.array([1, 1, 0, 0])
    found = trivial_measures("classification", 3, train, test)
    assert found["error_rate"] == 0.5 and found["balanced_error"] == 0.5
    assert found["auc_error"] == 0.5
    assert found["cross_entropy"] == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2, rel=1e-6)


def test_a_sigmoid_gives_what_two_classes_give():
    train, test = np.array([0, 1, 1, 1]), np.array([1, 1, 0, 1, 0])
    two = trivial_measures("classification", 2, train, test)
    assert trivial_measures("classification", 1, train, test) == pytest.approx(two)
    assert two["error_rate"] == 2 / 5


def test_test_labels_out_of_range_are_refused():
    message = r"labels: range 0\.\.2; expected whole numbers 0\.\.1 for classes = 2"
    with pytest.raises(ValueError, match=message):
        trivial_measures("classification", 2, np.array([0, 1]), np.array([0, 2]))


def test_an_explosion_is_a_hundred_times_what_knows_nothing_or_not_finite_beside_no_error():
    assert explosion_limit(0.5) == 0.5 * EXPLODED == 50.0
    assert explosion_limit(0.0) >= 1e300
    assert not math.inf <= explosion_limit(0.0)
    assert not math.nan <= explosion_limit(0.0)
