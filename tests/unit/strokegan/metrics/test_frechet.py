"""Fréchet distance: the values of section 5.3, identities, scales, too few samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from sklearn.covariance import ledoit_wolf_shrinkage

from heliostat_methods.strokegan.metrics.frechet import frechet_distance, shrinkage_intensity

MANY = settings(deadline=None, derandomize=True, max_examples=60)
SQUARE = np.array([[0, 0], [2, 0], [0, 2], [2, 2]])


def clouds(seed, n=40, m=30, d=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)), rng.normal(size=(m, d)) + 0.5


def test_known_values():
    """strokegan.md 5.3"""
    assert frechet_distance(SQUARE, 2 * SQUARE + 1) == pytest.approx(10.6666666667, abs=1e-10)
    state = np.random.RandomState(0)
    x = state.randn(500, 8)
    y = state.randn(400, 8) * np.arange(1, 9) / 4 + 0.3
    assert frechet_distance(x, y) == pytest.approx(3.46834615, abs=6e-9)
    assert abs(frechet_distance(x, x)) < 1e-8


@MANY
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 6))
def test_it_is_the_formula_with_a_root_of_a_matrix(seed, d):
    x, y = clouds(seed, d=d)
    s, t = np.atleast_2d(np.cov(x.T)), np.atleast_2d(np.cov(y.T))
    apart = ((x.mean(0) - y.mean(0)) ** 2).sum()
    expected = apart + np.trace(s + t - 2 * np.real(sqrtm(s @ t)))
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@MANY
@given(seed=st.integers(0, 2**32 - 1), power=st.integers(-200, 150))
def test_it_grows_with_the_square_of_the_scale(seed, power):
    x, y = clouds(seed)
    scale = 10.0**power
    here = frechet_distance(x, y)
    assert frechet_distance(x * scale, y * scale) == pytest.approx(here * scale * scale, rel=1e-9)
    assert frechet_distance(y, x) == pytest.approx(here, rel=1e-9)


@MANY
@given(seed=st.integers(0, 2**32 - 1), kept=st.integers(0, 5))
def test_features_that_never_vary_add_nothing(seed, kept):
    x, y = clouds(seed)
    x[:, kept:], y[:, kept:] = 3.0, 3.0
    expected = frechet_distance(x[:, :kept], y[:, :kept]) if kept else 0.0
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert frechet_distance(x, x) < 1e-12


def test_few_samples_are_refused_or_shrunk_and_said():
    x, y = clouds(0, n=4, m=9)
    with pytest.raises(ValueError, match=r"x: 4 samples of 5 features .* or shrinkage=True"):
        frechet_distance(x, y)
    with pytest.warns(UserWarning, match=r"shrunk by 0\.\d+ of x and 0\.\d+ of y"):
        assert np.isfinite(frechet_distance(x, y, shrinkage=True))
    with pytest.warns(UserWarning, match="shrunk"):
        assert frechet_distance(x, x, shrinkage=True) < 1e-10


@pytest.mark.parametrize(("n", "d"), [(4, 6), (30, 6), (12, 1), (3, 80)])
def test_the_intensity_is_that_of_ledoit_and_wolf(n, d):
    x = np.random.default_rng(n).normal(size=(n, d)) * np.arange(1, d + 1)
    assert shrinkage_intensity(x) == pytest.approx(ledoit_wolf_shrinkage(x), abs=1e-12)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(4), r"x: shape \(4,\), expected features \(n, d\)"),
        (np.zeros((1, 2)), "x: 1 samples, expected at least 2"),
        (np.full((4, 2), np.inf), "x: 8 values are not finite"),
        (np.array([["a", "b"]] * 3), "x: <U1, expected numbers"),
        (np.zeros((4, 1)), "y: 2 features, expected 1 as x has"),
        (SQUARE * 1e300, r"features up to 2e\+300 have squares beyond float64"),
    ],
)
def test_what_is_no_cloud_is_refused(x, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(x, SQUARE)
