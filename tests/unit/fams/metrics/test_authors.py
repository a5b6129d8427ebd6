"""The released metric against its definition in scikit-learn's words, and where it breaks."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from fams_laws import congruential
from sklearn.calibration import calibration_curve

from heliostat_methods.fams import sufficiency_gap, sufficiency_gap_authors


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_scikit_learns_curves_with_scores_on_edges_and_groups_of_one_label(seed):
    generator = np.random.default_rng(seed)
    score = np.round(generator.random(300), 1)  # most on an edge of tenths
    group = generator.integers(0, 6, 300)
    y = (generator.random(300) < score).astype(int)
    y[group == 2] = 1
    y[group == 3] = 0
    group[np.flatnonzero(group == 4)[1:]] = 5  # one row is left
    rates, at = calibration_curve(y, score, n_bins=5)
    gaps = []
    for a in range(6):
        own, own_at = calibration_curve(y[group == a], score[group == a], n_bins=5)
        gaps.append(np.abs(rates - np.interp(at, own_at, own)).mean())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sufficiency_gap_authors(y, score, sensitive_features=group, n_bins=5)
    assert found == pytest.approx(np.mean(gaps), rel=1e-12)


def test_an_empty_bin_makes_it_a_perfect_zero_and_it_says_so():
    y, score, group = congruential(2000, 7, 4)
    score = score * 0.45
    assert sufficiency_gap(y, score, sensitive_features=group) > 0.13
    with pytest.warns(UserWarning, match="5 of 10 score bins are empty, so the released metric is"):
        assert sufficiency_gap_authors(y, score, sensitive_features=group) == 0


def test_scores_of_one_bin_make_it_the_mean_rate_of_subgroups_and_it_says_so():
    """Of a shorter curve only one of length 1 can be assigned; the overall rates are zeros."""
    with pytest.warns(UserWarning, match="the mean rate of subgroups, whatever"):
        found = sufficiency_gap_authors(
            [1, 1, 0, 1], [0.52, 0.53, 0.54, 0.55], sensitive_features=["a", "a", "b", "b"]
        )
    assert found == 0.75


def test_the_warning_points_at_the_caller():
    with pytest.warns(UserWarning) as caught:
        sufficiency_gap_authors([0, 1], [0.1, 0.9], sensitive_features=[0, 1])
    assert caught[0].filename == __file__
