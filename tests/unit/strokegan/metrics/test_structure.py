"""SSIM: the values of section 5.3, and its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.strokegan.metrics import structure
from heliostat_methods.strokegan.metrics.pixels import psnr
from heliostat_methods.strokegan.metrics.structure import ssim

MANY = settings(deadline=None, derandomize=True, max_examples=40)
GRADIENT = (np.arange(256).reshape(1, 16, 16)) / 255.0
BOARD = ((np.add.outer(np.arange(16) // 4, np.arange(16) // 4)) % 2).astype(float)[None]
# strokegan.md 5.3
ORACLES = [
    (GRADIENT, GRADIENT, 1.0),
    (GRADIENT, 1 - GRADIENT, -0.82622942),
    (GRADIENT, GRADIENT / 2 + 0.1, 0.76758153),
    (BOARD, np.roll(BOARD, 1, axis=2), 0.48595823),
]


@pytest.mark.parametrize(("a", "b", "value"), ORACLES)
def test_known_values(a, b, value):
    assert ssim(a, b)[0] == pytest.approx(value, abs=6e-9)


def test_psnr_of_the_rolled_board():
    assert psnr(BOARD, np.roll(BOARD, 1, axis=2))[0] == pytest.approx(6.02059991, abs=6e-9)


def test_portions_change_nothing(monkeypatch):
    a, b = np.random.default_rng(0).random((2, 7, 13, 15))
    whole = ssim(a, b)
    monkeypatch.setattr(structure, "PORTION", 400)
    assert (ssim(a, b) == whole).all()


@MANY
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(11, 20), width=st.integers(11, 20),
       amount=st.sampled_from([0.0, 1e-300, 1e-9, 0.5, 1.0]))  # fmt: skip
def test_it_is_symmetric_and_within_its_bounds(seed, height, width, amount):
    a, b = np.random.default_rng(seed).random((2, 2, height, width)) * amount
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-12)
    assert (np.abs(ssim(a, b)) <= 1 + 1e-9).all()
    assert ssim(a, a) == pytest.approx([1.0, 1.0], abs=1e-9)


def test_images_smaller_than_a_window_are_refused():
    with pytest.raises(ValueError, match=r"a: images of \(10, 30\) pixels, expected at least 11"):
        ssim(np.ones((1, 10, 30)), np.ones((1, 10, 30)))
