"""L1 and PSNR: known values, and what is no image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.strokegan.metrics.pixels import l1, psnr

MANY = settings(deadline=None, derandomize=True, max_examples=60)


def images(seed, n=3, side=12):
    return np.random.default_rng(seed).random((n, side, side))


def test_psnr_of_a_tenth_is_20_db():
    zeros = np.zeros((2, 4, 4))
    assert psnr(zeros, zeros + 0.1) == pytest.approx([20.0, 20.0], abs=1e-3)


def test_equal_images_have_an_infinite_psnr_and_no_distance():
    assert psnr(images(0), images(0)).tolist() == [np.inf] * 3
    assert l1(np.ones((1, 2, 5)), np.ones((1, 2, 5))).tolist() == [0.0]


def test_l1_is_the_mean_of_each_image():
    a, b = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    b[1, 0, 0] = 1.0
    assert l1(a, b).tolist() == [0.0, 0.25]


def test_values_of_float32_that_round_past_one_are_taken():
    assert l1(np.full((1, 2, 2), 1.0000001, np.float32), np.ones((1, 2, 2))).tolist() == [0.0]


@MANY
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4), side=st.integers(1, 9))
def test_both_are_symmetric_and_bounded(seed, n, side):
    a, b = images(seed, n, side), images(seed + 1, n, side)
    assert (l1(a, b) == l1(b, a)).all()
    assert ((l1(a, b) >= 0) & (l1(a, b) <= 1)).all()
    assert (psnr(a, b) == psnr(b, a)).all()
    assert (psnr(a, b) >= 0).all()
    # a mean of squares is at least the square of the mean
    assert (psnr(a, b) <= -20 * np.log10(l1(a, b)) + 1e-9).all()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((4, 4)), r"a: shape \(4, 4\), expected images \(N, H, W\)"),
        (np.zeros((0, 4, 4)), r"a: shape \(0, 4, 4\), expected images"),
        (np.zeros((1, 4, 4), np.uint8), "a: uint8, expected floats in .* bytes are / 255"),
        (np.full((1, 4, 4), np.nan), "a: 16 values are not finite"),
        (np.full((1, 4, 4), -1.0), r"a: values from -1 to -1, expected \[0, 1\]; from \[-1, 1\]"),
        (np.zeros((2, 4, 4)), r"b: shape \(1, 4, 4\), expected \(2, 4, 4\) as a has"),
    ],
)
@pytest.mark.parametrize("metric", [l1, psnr])
def test_what_is_no_image_is_refused(metric, bad, message):
    with pytest.raises(ValueError, match=message):
        metric(bad, np.zeros((1, 4, 4)))
