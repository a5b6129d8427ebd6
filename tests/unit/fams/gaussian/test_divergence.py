"""Oracles O3 of the method's specification: a plain numpy script in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.fams.gaussian.divergence import divergence, divergence_gradient
from heliostat_methods.fams.gaussian.network import GaussianMLP

MEANS, SIGMAS = np.array([[0, 1, -2], [0.5, 0, 1]]), np.array([[1, 0.5, 2], [2, 1, 0.25]])
PRIOR_MEAN, PRIOR_SIGMA = np.array([0.25, -0.5, 0.75]), np.array([1.5, 0.8, 1.2])


def stack(means, sigmas):
    return GaussianMLP.from_arrays((2, 1), means, 2 * np.log(sigmas))


POSTERIORS, PRIOR = stack(MEANS, SIGMAS), stack(PRIOR_MEAN, PRIOR_SIGMA)


def test_kl_of_posterior_from_prior_and_not_the_reverse():
    assert divergence(POSTERIORS, PRIOR, "kl").numpy() == pytest.approx(
        [5.06863617, 1.48053335], abs=1e-8
    )
    reverse = [float(divergence(PRIOR, POSTERIORS.at([a]), "kl")) for a in (0, 1)]
    assert reverse == pytest.approx([6.19691939, 10.19627221], abs=1e-8)


def test_squared_wasserstein_distance():
    assert divergence(POSTERIORS, PRIOR, "w2").numpy() == pytest.approx([10.855, 1.5675], rel=1e-12)


numbers = st.floats(-15, 9, width=32)
vectors = st.lists(numbers, min_size=6, max_size=6)


@settings(max_examples=25, deadline=None)
@given(vectors, vectors, st.sampled_from(("kl", "w2")))
def test_never_negative_and_zero_at_the_prior(first, second, kind):
    a, b = (
        GaussianMLP.from_arrays((2, 1), np.array(x[:3], np.float32), np.array(x[3:], np.float32))
        for x in (first, second)
    )
    assert float(divergence(a, b, kind)) >= 0
    assert float(divergence(a, a, kind)) == 0


@pytest.mark.parametrize("kind", ("kl", "w2"))
def test_gradient_is_that_of_autograd(kind):
    mean = POSTERIORS.mean.clone().requires_grad_()
    spread = POSTERIORS.log_variance.clone().requires_grad_()
    total = divergence(GaussianMLP((2, 1), mean, spread), PRIOR, kind).sum()
    expected = torch.autograd.grad(total, (mean, spread))
    for ours, autograd in zip(divergence_gradient(POSTERIORS, PRIOR, kind), expected, strict=True):
        assert ours.numpy() == pytest.approx(autograd.numpy(), rel=1e-12)


def test_unknown_kind_and_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"kind = 'kll': expected 'kl' or 'w2'; did you mean 'kl'"):
        divergence(POSTERIORS, PRIOR, "kll")
    with pytest.raises(ValueError, match="prior holds 2 networks, expected 1"):
        divergence(POSTERIORS, POSTERIORS)
    with pytest.raises(ValueError, match=r"prior has dims \(1, 1, 1\)"):
        divergence(POSTERIORS, GaussianMLP.initial((1, 1, 1)))
