"""The loss of pairs and tau: specification 5.2, equal to the loop over pairs, never NaN."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from torch.nn.functional import softplus

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.labels import pareto_labels
from heliostat_methods.pnag.generator.ranking import kendall_tau, pairwise_rank_loss

ACCURACY = (0.70, 0.72, 0.75, 0.78, 0.80)
COST = (50, 80, 110, 140, 170)
SCORES = (0.1, 0.4, -0.2, 0.9, 0.3)
# Specification 5.2: budget, logistic loss, hinge loss, tau.
ORACLES = [
    (60, 0.823281187879, 1.18, -0.2),
    (110, 0.883281187879, 1.30, -0.4),
    (200, 0.643281187879, 0.83, 0.2),
]


def looped(scores, labels, kind):
    """The mean over pairs, one after the other."""
    terms = []
    for i in range(len(scores)):
        for j in range(i + 1, len(scores)):
            if labels[i, j] != 0:
                z = int(labels[i, j]) * (scores[i] - scores[j])
                terms.append(softplus(-z) if kind == "logistic" else torch.relu(1 - z))
    return torch.stack(terms).mean() if terms else (scores * 0).sum()


@pytest.mark.parametrize(("budget", "logistic", "hinge", "tau"), ORACLES)
def test_losses_and_tau_of_the_specification(budget, logistic, hinge, tau):
    scores = torch.tensor(SCORES, dtype=torch.float64)
    labels = pareto_labels(ACCURACY, COST, budget)
    loss = pairwise_rank_loss(scores, labels)
    assert loss.pairs == 10
    assert float(loss.value) == pytest.approx(logistic, abs=1e-12)
    assert float(pairwise_rank_loss(scores, labels, "hinge").value) == pytest.approx(hinge)
    assert kendall_tau(scores, labels) == pytest.approx(tau)


batches = st.integers(0, 9).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(-1e30, 1e30) | st.floats(-3, 3), min_size=n, max_size=n),
        st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4]), min_size=n, max_size=n),
        st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=n, max_size=n),
        st.sampled_from([0.5, 1.0, 2.0, 4.0]),
        st.sampled_from([0, "minus_one"]),
        st.sampled_from(["logistic", "hinge"]),
    )
)


@settings(deadline=None, max_examples=40)
@given(batches)
def test_value_and_gradient_are_those_of_the_loop(case):
    scores, accuracy, cost, budget, ties, kind = case
    labels = pareto_labels(accuracy, cost, budget, ties)
    ours = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    loss = pairwise_rank_loss(ours, labels, kind)
    (2 * loss.value).backward()
    expected = looped(theirs, labels, kind)
    (2 * expected).backward()
    assert loss.defined == (np.count_nonzero(np.triu(labels)) > 0)
    assert_allclose(float(loss.value.detach()), float(expected.detach()), rtol=1e-9, atol=1e-8)
    # softplus of torch is linear beyond 20, which leaves 2e-9; at the hinge's corner either side is
    # a gradient, and both take 0.
    assert_allclose(ours.grad, theirs.grad, rtol=1e-9, atol=1e-8)


@settings(deadline=None, max_examples=40)
@given(batches, st.floats(-100, 100), st.randoms(use_true_random=False))
def test_neither_a_constant_nor_the_order_changes_the_loss(case, constant, shuffler):
    scores, accuracy, cost, budget, _, kind = case
    scores = np.clip(scores, -100, 100)
    order = list(range(len(scores)))
    shuffler.shuffle(order)
    labels = pareto_labels(accuracy, cost, budget)
    value = pairwise_rank_loss(torch.tensor(scores, dtype=torch.float64), labels, kind).value
    moved = torch.tensor(scores[order] + constant, dtype=torch.float64)
    other = pairwise_rank_loss(moved, labels[np.ix_(order, order)], kind).value
    assert float(value) == pytest.approx(float(other), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("labels", [np.zeros((0, 0)), np.zeros((1, 1)), np.zeros((4, 4))])
def test_nothing_to_learn_is_told_and_has_no_gradient(labels):
    scores = torch.ones(len(labels), requires_grad=True)
    loss = pairwise_rank_loss(scores, labels)
    loss.value.backward()
    assert (loss.pairs, loss.defined, float(loss.value.detach())) == (0, False, 0)
    assert torch.equal(scores.grad, torch.zeros(len(labels)))
    assert kendall_tau(scores, labels) is None


def test_equal_scores_cost_log_two_and_have_tau_zero():
    labels = pareto_labels(ACCURACY, COST, 110)
    assert float(pairwise_rank_loss(torch.zeros(5), labels).value) == pytest.approx(math.log(2))
    assert kendall_tau(torch.zeros(5), labels) == 0
    # The authors count level scores as R_i < R_j: -mean of the labels.
    assert kendall_tau(torch.zeros(5), labels, "minus_one") == pytest.approx(-0.4)


def test_scores_of_ten_thousand_stay_finite():
    labels = pareto_labels(ACCURACY, COST, 110)
    scores = torch.tensor([1e4, -1e4, 1e4, -1e4, 0], requires_grad=True)
    loss = pairwise_rank_loss(scores, labels)
    loss.value.backward()
    assert math.isfinite(float(loss.value.detach())) and bool(torch.isfinite(scores.grad).all())


def test_unusable_scores_and_kinds_are_named():
    labels = pareto_labels(ACCURACY, COST, 110)
    with pytest.raises(DataError, match=r"scores \(n,\) and labels \(n, n\) needed, got \(4,\)"):
        pairwise_rank_loss(torch.zeros(4), labels)
    with pytest.raises(DataError, match="scores: finite numbers needed"):
        pairwise_rank_loss(torch.full((5,), math.nan), labels)
    with pytest.raises(ConfigError, match=r"kind = 'hing'.*did you mean 'hinge'"):
        pairwise_rank_loss(torch.zeros(5), labels, "hing")
