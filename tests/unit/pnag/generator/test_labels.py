"""Who beats whom: specification 5.2, the sort key, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.labels import dominance_ranks, pareto_labels

ACCURACY = (0.70, 0.72, 0.75, 0.78, 0.80)
COST = (50, 80, 110, 140, 170)
# Specification 5.2; the authors' function gives the same.
ORACLES = [(60, "++++++++++"), (110, "--++-+++++"), (200, "----------")]


@pytest.mark.parametrize(("budget", "signs"), ORACLES)
@pytest.mark.parametrize("ties", [0, "minus_one"])
def test_labels_of_the_specification(budget, signs, ties):
    labels = pareto_labels(ACCURACY, COST, budget, ties)
    expected = [1 if sign == "+" else -1 for sign in signs]
    assert_array_equal(labels[np.triu_indices(5, 1)], expected)


def test_ties_are_level_or_as_the_authors_have_them():
    accuracy, cost = [0.5, 0.5, 0.9, 0.8], [10, 20, 70, 70]
    assert_array_equal(
        pareto_labels(accuracy, cost, 30),
        [[0, 0, 1, 1], [0, 0, 1, 1], [-1, -1, 0, 0], [-1, -1, 0, 0]],
    )
    theirs = pareto_labels(accuracy, cost, 30, "minus_one")
    assert theirs[0, 1] == theirs[1, 0] == theirs[2, 3] == -1
    assert_array_equal(np.diag(theirs), 0)


samples = st.lists(
    st.tuples(
        st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0]),
        st.floats(5e-324, 1.7e308) | st.sampled_from([1.0, 2.0, 3.0]),
    ),
    max_size=12,
)
budgets = st.floats(5e-324, 1.7e308) | st.sampled_from([1.0, 2.0, 3.0])


@settings(deadline=None, max_examples=40)
@given(samples, budgets)
def test_labels_are_the_order_of_the_sort_key(rows, budget):
    accuracy, cost = [row[0] for row in rows], [row[1] for row in rows]
    keys = [(c > budget, c if c > budget else -a) for a, c in rows]
    expected = [[(one < other) - (one > other) for other in keys] for one in keys]
    labels = pareto_labels(accuracy, cost, budget)
    assert labels.tolist() == expected
    assert_array_equal(labels, -labels.T)


@settings(deadline=None, max_examples=40)
@given(samples, budgets)
def test_only_the_rank_of_feasible_accuracies_matters(rows, budget):
    cost = np.array([row[1] for row in rows])
    accuracy = np.array([row[0] for row in rows])
    _, places = np.unique(accuracy, return_inverse=True)
    ranked = np.where(cost <= budget, places / max(len(rows), 1), 0.3)
    assert_array_equal(
        dominance_ranks(ranked, cost, budget), dominance_ranks(accuracy, cost, budget)
    )


@pytest.mark.parametrize(
    ("accuracy", "cost", "message"),
    [
        ([0.5, np.nan], [1, 2], r"accuracy\[1\] = nan: expected a finite number"),
        ([np.inf, 0.5], [1, 2], r"accuracy\[0\] = inf: expected a finite number"),
        ([78.3, 0.5], [1, 2], r"accuracy\[0\] = 78.3: expected accuracy as a fraction"),
        ([-0.1, 0.5], [1, 2], r"accuracy\[0\] = -0.1: expected accuracy as a fraction"),
        ([0.1, 0.5], [1, np.nan], r"cost\[1\] = nan: expected a finite number"),
        ([0.1, 0.5], [-np.inf, 2], r"cost\[0\] = -inf: expected a finite number"),
        ([0.1, 0.5], [1, 0], r"cost\[1\] = 0: expected a cost above 0"),
        ([0.1, 0.5], [1, -2], r"cost\[1\] = -2: expected a cost above 0"),
        ([0.1, 0.5], [1], "2 of accuracy, 1 of cost"),
        ([[0.1], [0.5]], [1, 2], r"accuracy: one value .* shape \(2, 1\)"),
    ],
)
def test_refused_measures_are_named(accuracy, cost, message):
    with pytest.raises(DataError, match=message):
        pareto_labels(accuracy, cost, 10)


@pytest.mark.parametrize("budget", [0, -1, np.nan, np.inf])
def test_refused_budgets_are_named(budget):
    with pytest.raises(ConfigError, match=r"budget = .*: expected a finite number above 0"):
        pareto_labels([0.5], [1], budget)


def test_unknown_ties_are_refused():
    with pytest.raises(ConfigError, match=r"ties = 'plus'.*minus_one"):
        pareto_labels([0.5], [1], 1, "plus")
