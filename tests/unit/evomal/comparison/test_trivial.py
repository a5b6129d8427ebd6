"""What knows nothing of the inputs is as wrong as the targets are spread."""

import math

import numpy as np
import pytest

from heliostat_methods.evomal.comparison.trivial import trivial_measures
from heliostat_methods.evomal.learners.problem import ProblemData


def problem(task, classes, train, test):
    x = [np.zeros((len(y), 2), np.float32) for y in (train, test)]
    part = [(x[0], np.asarray(train)), (x[0], np.asarray(train)), (x[1], np.asarray(test))]
    return ProblemData("table", task, classes, (2,), None, (), *part)


def test_what_knows_nothing_is_as_wrong_as_the_targets_are_spread():
    found = trivial_measures(problem("regression", 1, [1.0, 3.0], [2.0, 4.0, 0.0, 2.0]))
    assert found == {"mse": 2.0, "rmse": pytest.approx(math.sqrt(2)), "mae": 1.0}
    data = problem("classification", 3, [0, 1, 1, 1], [1, 1, 0, 0])
    found = trivial_measures(data)
    assert found["error_rate"] == 0.5 and found["balanced_error"] == 0.5
    assert found["auc_error"] == 0.5
    assert found["cross_entropy"] == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2, rel=1e-6)
