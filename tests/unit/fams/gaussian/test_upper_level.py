import numpy as np
import pytest
import torch

from heliostat_methods.fams.gaussian.barycenter import barycenter
from heliostat_methods.fams.gaussian.divergence import divergence
from heliostat_methods.fams.gaussian.looped import LoopedFAMS
from heliostat_methods.fams.gaussian.moments import Moments
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.settings import LowerLevel
from heliostat_methods.fams.gaussian.upper_level import PriorState, adagrad, closed_form

DIMS = (2, 3, 1)
PRIOR = GaussianMLP.initial(DIMS)
POSTERIORS = GaussianMLP.initial(DIMS, groups=range(1, 6))
MOMENTS = Moments.of(POSTERIORS)


@pytest.mark.parametrize("kind", ("kl", "w2"))
def test_closed_form_takes_the_barycentre(kind):
    found, expected = closed_form(PRIOR, MOMENTS, kind), barycenter(POSTERIORS, kind)
    assert torch.equal(found.mean, expected.mean)
    assert torch.equal(found.log_variance, expected.log_variance)


def test_damping_goes_a_part_of_the_way():
    whole, part = (closed_form(PRIOR, MOMENTS, "w2", damping=r) for r in (1, 0.25))
    assert part.mean.numpy() == pytest.approx((0.75 * PRIOR.mean + 0.25 * whole.mean).numpy())


@pytest.mark.parametrize("damping", (0, -1, 1.5, float("nan")))
def test_damping_outside_its_range_is_refused(damping):
    with pytest.raises(ValueError, match=r"damping = .*: expected a number above 0, at most 1"):
        closed_form(PRIOR, MOMENTS, "w2", damping)


@pytest.mark.parametrize("kind", ("kl", "w2"))
def test_adagrad_from_moments_is_the_authors_loop_over_groups(kind):
    loop = LoopedFAMS(PRIOR, POSTERIORS, LowerLevel(kind), prior_rate=0.05)
    state = PriorState.fresh(PRIOR)
    for _ in range(2):
        loop.upper(steps=5)
        state = adagrad(state, MOMENTS, kind, rate=0.05, steps=5)
    found = loop.prior.stacked()
    assert found.mean.numpy() == pytest.approx(state.prior.mean.numpy(), abs=1e-5)
    assert found.log_variance.numpy() == pytest.approx(state.prior.log_variance.numpy(), abs=1e-5)


@pytest.mark.parametrize("kind", ("kl", "w2"))
def test_many_steps_of_adagrad_come_to_the_closed_form(kind):
    found = adagrad(PriorState.fresh(PRIOR), MOMENTS, kind, rate=0.1, steps=3000).prior
    best = closed_form(PRIOR, MOMENTS, kind)
    means = [float(divergence(POSTERIORS, q, kind).mean()) for q in (found, best)]
    assert means[0] == pytest.approx(means[1], rel=1e-6)


def test_noise_of_the_upper_level_depends_on_seed_and_round():
    def moved(**names):
        options = {"rate": 0.01, "kappa": 0.1, "seed": 1, "round": 2} | names
        return adagrad(PriorState.fresh(PRIOR), MOMENTS, "w2", **options).prior.mean.numpy()

    assert (moved() == moved()).all()
    assert (moved() != moved(seed=2)).any() and (moved() != moved(round=3)).any()
    assert np.isfinite(moved()).all()
