"""The method keeps the contract; its classifier gives the numbers of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from heliostat.testing import MethodContract

from heliostat_plugin_feature_subset.classifier import (
    cross_validated,
    error_rate,
    f_scores,
    fit,
    trained_error,
)
from heliostat_plugin_feature_subset.report import claim
from heliostat_plugin_feature_subset.search import ALL, FOUND, RANDOM, RANKED, bred, drawn


class TestFeatureSubset(MethodContract):
    method = "feature_subset"


def data() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_wine

    found = load_wine()
    return found.data, found.target


def test_classifier_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import RidgeClassifier

    x, labels = data()
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    ours = fit(x, labels, 3, ridge=2.0)
    theirs = RidgeClassifier(alpha=2.0).fit(x, labels)
    # its targets are -1 and 1 instead of 0 and 1: twice the weights
    assert np.allclose(2 * ours[1:], theirs.coef_.T, atol=1e-6)
    assert error_rate(ours, x, labels) == pytest.approx(1 - theirs.score(x, labels))


def test_f_scores_agree_with_scikit_learn() -> None:
    from sklearn.feature_selection import f_classif

    x, labels = data()
    assert np.allclose(f_scores(x, labels, 3), f_classif(x, labels)[0])


def test_an_empty_subset_is_always_wrong() -> None:
    x, labels = data()
    none, folds = np.zeros(x.shape[1], dtype=bool), np.arange(len(x)) % 2
    assert cross_validated(x, labels, none, folds, 3, 1.0) == 1.0


def test_a_column_that_is_the_label_makes_no_error() -> None:
    labels = np.arange(40) % 2
    x = np.column_stack([labels, np.ones(40)]).astype(float)
    only = np.array([True, False])
    assert trained_error((x, labels), (x, labels), only, 2, 1.0) == 0.0


@pytest.mark.parametrize("renew", [bred, drawn])
def test_new_subsets_are_never_empty(renew) -> None:
    rng = np.random.Generator(np.random.Philox(3))
    kept = [np.array([True, False]), np.array([False, True])]
    assert all(mask.any() and mask.shape == (2,) for mask in renew(kept, rng, 200, 2))


def test_equal_errors_claim_nothing() -> None:
    errors = np.array([0.1, 0.2, 0.3])
    names = (FOUND, RANDOM, RANKED, ALL)
    result = {"errors": dict.fromkeys(names, errors), "sizes": dict.fromkeys(names, 2)}
    assert claim(result).endswith("not shown to differ from any baseline")


def test_a_clear_difference_is_claimed_in_the_right_direction() -> None:
    base = np.linspace(0.1, 0.2, 20)
    errors = {FOUND: base, RANDOM: base + 0.1 + base / 9, RANKED: base, ALL: base - 0.05 - base / 9}
    result = {"errors": errors, "sizes": dict.fromkeys(errors, 2)}
    assert claim(result).endswith("is better than random search and worse than all features")
