"""Whose glyph is the nearest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.strokegan.metrics.retrieval import (
    blurred,
    nearest_truth,
    retrieval_accuracy,
)

MANY = settings(deadline=None, derandomize=True, max_examples=40)


def test_outputs_that_are_the_truth_are_found():
    truth = np.random.default_rng(0).random((9, 6, 6))
    assert retrieval_accuracy(truth, truth) == 1.0
    assert nearest_truth(truth[::-1], truth).tolist() == list(range(8, -1, -1))


def test_outputs_all_alike_find_one():
    truth = np.random.default_rng(0).random((8, 6, 6))
    assert retrieval_accuracy(np.repeat(truth[3:4], 8, axis=0), truth) == 1 / 8


def test_equal_glyphs_find_each_their_own():
    truth = np.repeat(np.random.default_rng(0).random((3, 6, 6)), 2, axis=0)
    assert retrieval_accuracy(truth, truth) == 1.0


def test_the_mean_takes_white_from_outside():
    black = np.zeros((1, 3, 3))
    expected = np.array([[5, 3, 5], [3, 0, 3], [5, 3, 5]]) / 9
    np.testing.assert_allclose(blurred(black)[0], expected)


@MANY
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12), height=st.integers(1, 6))
def test_the_nearest_is_nearest(seed, n, height):
    outputs, truth = np.random.default_rng(seed).random((2, n, height, 5))
    apart = np.square(blurred(outputs)[:, None] - blurred(truth)).sum(axis=(2, 3))
    found = nearest_truth(outputs, truth)
    assert (apart[np.arange(n), found] <= apart.min(axis=1) + 1e-9).all()


def test_one_character_finds_itself_and_shapes_have_to_match():
    assert retrieval_accuracy(np.zeros((1, 3, 3)), np.ones((1, 3, 3))) == 1.0
    with pytest.raises(ValueError, match=r"truth: shape \(2, 3, 3\), expected \(1, 3, 3\)"):
        retrieval_accuracy(np.zeros((1, 3, 3)), np.ones((2, 3, 3)))
