"""Variety of outputs: all alike, all as the truth, and between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from heliostat_methods.strokegan.metrics import distances
from heliostat_methods.strokegan.metrics.modes import (
    mean_pair_distance,
    mode_coverage,
    pair_distance_ratio,
)

MANY = settings(deadline=None, derandomize=True, max_examples=40)


def images(seed, n=6):
    return np.random.default_rng(seed).random((n, 5, 4))


def test_outputs_that_are_all_alike_have_one_mode():
    found = mode_coverage(np.zeros(6, int), np.repeat(images(1, 1), 6, axis=0), images(0))
    assert (found.distinct, found.coverage, found.pair_distance_ratio) == (1, 1 / 6, 0.0)


def test_outputs_that_are_the_truth_have_all():
    found = mode_coverage(np.arange(6), images(0), images(0))
    assert (found.coverage, found.pair_distance_ratio) == (1.0, 1.0)


@MANY
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 9), copies=st.integers(1, 3))
def test_distances_are_those_of_all_pairs(seed, n, copies):
    some = np.concatenate([images(seed, n)] * copies)
    expected = pdist(some.reshape(len(some), -1)).mean()
    assert mean_pair_distance(some) == pytest.approx(expected, rel=1e-7)


def test_portions_change_nothing(monkeypatch):
    whole = pair_distance_ratio(images(1, 9), images(0, 9))
    monkeypatch.setattr(distances, "NUMBERS", 20)
    assert pair_distance_ratio(images(1, 9), images(0, 9)) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize(
    ("predicted", "outputs", "truth", "message"),
    [
        ([0], images(0, 1), images(0, 1), "truth: 1 image, expected at least 2"),
        ([0] * 6, images(0), np.ones((6, 5, 4)), "truth: 6 equal images, expected glyphs"),
        ([0] * 5, images(0), images(1), r"predicted: int64 of shape \(5,\), expected 6 integers"),
        ([0.0] * 6, images(0), images(1), "predicted: float64 of shape"),
        ([0] * 6, images(0, 5), images(1), r"truth: shape \(6, 5, 4\), expected \(5, 5, 4\)"),
    ],
)
def test_what_has_no_answer_is_refused(predicted, outputs, truth, message):
    with pytest.raises(ValueError, match=message):
        mode_coverage(predicted, outputs, truth)
