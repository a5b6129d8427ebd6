"""Oracles O4 and the identities of the closed-form upper level, and of its moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.fams.gaussian.barycenter import barycenter, nearest
from heliostat_methods.fams.gaussian.divergence import divergence
from heliostat_methods.fams.gaussian.moments import Moments, merge_moments
from heliostat_methods.fams.gaussian.network import GaussianMLP

MEANS, SIGMAS = np.array([[0, 1, -2], [0.5, 0, 1]]), np.array([[1, 0.5, 2], [2, 1, 0.25]])
POSTERIORS = GaussianMLP.from_arrays((2, 1), MEANS, 2 * np.log(SIGMAS))
LEAST = {"kl": 1.477422077714174, "w2": 3.640625}


def random_stack(seed, groups, size=3):
    rng = np.random.default_rng(seed)
    mean, spread = rng.normal(size=(2, groups, size))
    return GaussianMLP.from_arrays((2, 1), mean, spread)


def test_moments_matched_for_kl():
    mean, log_variance = (x[0] for x in barycenter(POSTERIORS, "kl").arrays())
    assert mean == pytest.approx([0.25, 0.5, -0.5], rel=1e-12)
    assert np.exp(log_variance) == pytest.approx([2.5625, 0.875, 4.28125], rel=1e-12)


def test_deviations_averaged_for_w2():
    mean, log_variance = (x[0] for x in barycenter(POSTERIORS, "w2").arrays())
    assert mean == pytest.approx([0.25, 0.5, -0.5], rel=1e-12)
    assert np.exp(log_variance / 2) == pytest.approx([1.5, 0.75, 1.125], rel=1e-12)


@pytest.mark.parametrize("kind", LEAST)
def test_mean_divergence_is_least_there(kind):
    best = barycenter(POSTERIORS, kind)
    assert float(divergence(POSTERIORS, best, kind).mean()) == pytest.approx(LEAST[kind], rel=1e-12)
    rng = np.random.default_rng(0)
    for _ in range(50):
        off = GaussianMLP.from_arrays(
            (2, 1), *(x + rng.normal(0, 0.01, (1, 3)) for x in best.arrays())
        )
        assert float(divergence(POSTERIORS, off, kind).mean()) > LEAST[kind]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_wasserstein_barycentre_is_never_wider(seed, groups):
    stack = random_stack(seed, groups)
    kl, w2 = (barycenter(stack, kind).arrays()[1] for kind in ("kl", "w2"))
    assert (w2 <= kl + 1e-9).all()
    assert (np.exp(kl) >= np.exp(stack.arrays()[1]).mean(0) * (1 - 1e-9)).all()


@pytest.mark.parametrize("kind", LEAST)
def test_equal_posteriors_are_their_own_barycentre(kind):
    one = random_stack(4, 1)
    found = barycenter(one.at([0, 0, 0]), kind, [0.2, 3, 1])
    for ours, given_ in zip(found.arrays(), one.arrays(), strict=True):
        assert ours == pytest.approx(given_, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9), st.data())
def test_merged_moments_are_those_of_all(seed, groups, data):
    stack = random_stack(seed, groups)
    weights = np.random.default_rng(seed).uniform(0.1, 2, groups)
    cut = data.draw(st.integers(1, groups - 1))
    merged = merge_moments(
        Moments.of(stack.at(part), weights[part]) for part in (slice(0, cut), slice(cut, None))
    )
    whole = Moments.of(stack, weights)
    for name in ("weight", "mean", "m2", "sum_sigma"):
        assert getattr(merged, name) == pytest.approx(getattr(whole, name), rel=1e-10, abs=1e-12)


def test_small_spread_beside_a_large_mean_keeps_its_digits():
    rng = np.random.default_rng(0)
    mean = rng.normal(5, 1e-3, (1000, 3)).astype(np.float32)
    stack = GaussianMLP.from_arrays((2, 1), mean, np.full((1000, 3), -20, np.float32))
    parts = [Moments.of(stack.at(slice(at, at + 8))) for at in range(0, 1000, 8)]
    variance = np.exp(nearest(merge_moments(parts), "kl")[1])
    expected = mean.astype(float).var(0) + np.exp(-20.0)
    assert variance == pytest.approx(expected, rel=1e-9)


def test_group_of_weight_zero_counts_for_nothing():
    stack = random_stack(1, 3)
    with_it = barycenter(stack, "kl", [1, 0, 2]).arrays()
    without = barycenter(stack.at([0, 2]), "kl", [1, 2]).arrays()
    assert with_it[1] == pytest.approx(without[1], rel=1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    (
        ([1, -1], r"weights\[1\] is -1.0, expected a number, 0 or more"),
        ([0, np.nan], r"weights\[1\] is nan"),
        ([0, 0], "weights is 0 everywhere"),
        ([1], r"weights has shape \(1,\), expected \(2,\)"),
    ),
)
def test_unusable_weights_are_named(weights, message):
    with pytest.raises(ValueError, match=message):
        barycenter(POSTERIORS, "kl", weights)


def test_no_parts_are_refused():
    with pytest.raises(ValueError, match="parts is empty"):
        merge_moments([])
