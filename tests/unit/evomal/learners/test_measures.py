"""Measures beside the kernels' metrics agree with scikit-learn, and with the kernels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from heliostat_methods.evomal.comparison.trivial import trivial_measures
from heliostat_methods.evomal.learners.measures import OF_TASK, measured, standard_error
from heliostat_methods.evomal.learners.output_slopes import metric_means
from heliostat_methods.evomal.learners.problem import ProblemData, label_rows


def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(0, 10_000))
def test_classifications_agree_with_scikit_learn(classes, seed):
    rng = np.random.default_rng(seed)
    labels = np.r_[np.arange(classes), rng.integers(classes, size=40)]
    outputs = rng.normal(size=(classes, len(labels))) * 3
    rows = label_rows(labels, "classification", classes, np.float64)
    error, balanced, loss, area = measured(OF_TASK["classification"], outputs, rows)
    guess, p = outputs.argmax(axis=0), softmax(outputs).T
    assert error == pytest.approx(1 - metrics.accuracy_score(labels, guess))
    assert balanced == pytest.approx(1 - metrics.balanced_accuracy_score(labels, guess))
    assert loss == pytest.approx(metrics.log_loss(labels, p))
    scores = p[:, 1] if classes == 2 else p
    peer = metrics.roc_auc_score(labels, scores, multi_class="ovr")
    assert area == pytest.approx(1 - peer, abs=1e-9)
    kernels = metric_means(outputs, rows, True)
    assert (kernels[1], kernels[2]) == (pytest.approx(error), pytest.approx(loss))


def test_one_output_is_a_sigmoid():
    labels, outputs = np.array([0, 1, 1, 0, 1]), np.array([[-1.0, 2.0, -0.5, 0.3, 0.1]])
    rows = label_rows(labels, "classification", 1, np.float64)
    error, balanced, loss, area = measured(OF_TASK["classification"], outputs, rows)
    p = 1 / (1 + np.exp(-outputs[0]))
    assert error == 2 / 5
    assert balanced == pytest.approx(1 - metrics.balanced_accuracy_score(labels, p > 0.5))
    assert loss == pytest.approx(metrics.log_loss(labels, p))
    assert area == pytest.approx(1 - metrics.roc_auc_score(labels, p))


def test_regressions_by_hand():
    outputs, labels = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 0.0, 7.0]])
    assert measured(OF_TASK["regression"], outputs, labels).tolist() == [
        pytest.approx(20 / 3), pytest.approx(math.sqrt(20 / 3)), pytest.approx(2.0),
    ]  # fmt: skip


def test_a_broken_model_has_no_error():
    outputs = np.array([[1.0, np.nan]])
    assert np.isinf(measured(OF_TASK["regression"], outputs, np.zeros((1, 2)))).all()
    assert math.isinf(standard_error("mse", outputs, np.zeros((1, 2))))


def test_the_standard_error_is_that_of_a_mean_over_rows():
    rng = np.random.default_rng(3)
    errors = rng.normal(size=2000)
    jackknife = standard_error("mae", errors[None, :], np.zeros((1, 2000)))
    assert jackknife == pytest.approx(np.abs(errors).std(ddof=1) / math.sqrt(2000), rel=0.35)
    assert standard_error("mae", np.ones((1, 40)), np.zeros((1, 40))) == 0
    assert math.isnan(standard_error("mae", np.ones((1, 1)), np.zeros((1, 1))))


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
