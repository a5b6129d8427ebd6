"""Measures of raw outputs agree with scikit-learn, and with what can be done by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from heliostat_search.trainings.labels import label_rows
from heliostat_search.trainings.measures import OF_TASK, measured, standard_error


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
