"""The compiled lower level: oracle O6, the authors' loop, separate runs, and its promises."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from heliostat_methods.fams.gaussian.batched import adapt_block
from heliostat_methods.fams.gaussian.batches import Batch, SubgroupBatcher
from heliostat_methods.fams.gaussian.block import LossNotFinite
from heliostat_methods.fams.gaussian.divergence import divergence
from heliostat_methods.fams.gaussian.looped import LoopedFAMS
from heliostat_methods.fams.gaussian.lower_level import lower_level
from heliostat_methods.fams.gaussian.moments import Moments
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.posteriors import Posteriors
from heliostat_methods.fams.gaussian.settings import LowerLevel

GROUPS = 7
RNG = np.random.default_rng(0)
X = RNG.standard_normal((GROUPS * 30, 4))
Y = (X[:, 0] + 0.5 * RNG.standard_normal(len(X)) > 0).astype(float)
BATCHER = SubgroupBatcher(X, Y, np.arange(len(X)) % GROUPS, batch=12, seed=1)
DIMS = (4, 5, 3, 1)
PRIOR = GaussianMLP.initial(DIMS)


def adapted(settings=LowerLevel(), posteriors=None, groups=range(GROUPS), **options):  # noqa: B008
    batch = options.pop("batch", None) or BATCHER(0, groups)
    given = {"keep": True, "prior": PRIOR, "round": 0, "rate": 0.05} | options
    return lower_level(posteriors=posteriors, batch=batch, settings=settings, **given)


def numbers(result):
    return np.stack(result.posteriors.networks.arrays())


def test_two_steps_of_a_logistic_regression():
    """O6, worked out in float64; the kernels compute in float32."""
    rows = np.array([[1, 0], [0, 2], [1, 1]], np.float32)
    inputs = np.concatenate((rows, np.ones((3, 1), np.float32)), 1).T.copy()
    batch = Batch(np.zeros(1, np.int64), np.zeros((1, 3), np.int64), inputs[None],
                  np.array([[1, 0, 1]], np.float32))  # fmt: skip
    flat = np.zeros(3, np.float32)
    prior = GaussianMLP.from_arrays((2, 1), np.array([0, 0.3, 0], np.float32), flat)
    start = GaussianMLP.from_arrays((2, 1), np.array([0.2, -0.1, 0.05], np.float32), flat)
    expected = (
        [0.25, -0.05, 0.10],
        [0.27470671355443693, -0.0264525330105374, 0.11486174761900247],
    )
    for inner, means in enumerate(expected, 1):
        settings = LowerLevel(eps=0, inner=inner)
        found = adapted(settings, Posteriors.fresh(start), prior=prior, batch=batch)
        assert found.posteriors.networks.mean[0].tolist() == pytest.approx(means, abs=2e-7)
        assert (found.posteriors.networks.log_variance == 0).all()
        if inner == 1:
            assert found.loss[0] == pytest.approx(0.6059511718193026, abs=1e-7)
    apart = float(divergence(start, prior, "w2"))
    assert 0.6059511718193026 + 0.4 * apart == pytest.approx(0.6869511718193027, abs=1e-7)


@pytest.mark.parametrize("kind", ("w2", "kl"))
@pytest.mark.parametrize("eps", (0, 0.08, 1))
@pytest.mark.parametrize("dims", ((4, 1), DIMS))
def test_equals_the_authors_loop_on_the_same_batches_and_noise(kind, eps, dims):
    settings, prior = LowerLevel(kind, inner=3, eps=eps, n_mc=3), GaussianMLP.initial(dims)
    state = Posteriors.fresh(GaussianMLP.initial(dims, groups=range(1, 4)))
    loop = LoopedFAMS(prior, state.networks, settings, named_noise=True)
    for round in range(2):
        batch = BATCHER(round, range(3))
        found = adapted(settings, state, prior=prior, batch=batch, round=round)
        state = found.posteriors
        loop.lower(batch, round)
    apart = found.divergence - divergence(loop.stacked(), prior, kind).numpy()
    assert np.abs(apart).max() < 1e-5
    for ours, theirs in zip(state.networks.arrays(), loop.stacked().arrays(), strict=True):
        assert np.abs(ours - theirs).max() < 1e-5


def test_without_coupling_and_noise_groups_are_separate_networks():
    settings = LowerLevel(lam=0, eps=0, inner=4)
    found = adapted(settings)
    batch = BATCHER(0, range(GROUPS))
    for at in range(GROUPS):
        layers = [torch.nn.Linear(i, o) for i, o in pairwise(DIMS)]
        for own, views in zip(layers, PRIOR.layers(), strict=True):
            own.weight.data[:], own.bias.data[:] = views.weight_mean[0], views.bias_mean[0]
        net = torch.nn.Sequential(layers[0], torch.nn.ELU(), layers[1], torch.nn.ELU(), layers[2])
        optimiser = torch.optim.Adagrad(net.parameters(), lr=0.05, eps=1e-10)
        x, y = torch.from_numpy(batch.inputs[at, :-1].T), torch.from_numpy(batch.targets[at])
        for _ in range(4):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(net(x)[:, 0], y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        for own, views in zip(layers, found.posteriors.networks.layers(), strict=True):
            assert (own.weight - views.weight_mean[at]).abs().max() < 1e-5
            assert (own.bias - views.bias_mean[at]).abs().max() < 1e-5


def test_strong_coupling_holds_posteriors_at_the_prior():
    tight, loose = (adapted(LowerLevel(lam=lam, inner=200), rate=1e-3) for lam in (1e6, 0))
    assert tight.divergence.max() < 1e-3 * loose.divergence.min()


@pytest.mark.parametrize("size", (1, 2, 3, 7))
@pytest.mark.parametrize("persistent", (False, True))
def test_cutting_a_block_changes_no_bit(size, persistent):
    start = Posteriors.at_prior(PRIOR, GROUPS) if persistent else None
    whole = adapted(posteriors=start)
    for begin in range(0, GROUPS, size):
        part = slice(begin, begin + size)
        own = start.at(part) if start else None
        found = adapted(posteriors=own, groups=range(GROUPS)[part])
        assert (numbers(found) == numbers(whole)[:, part]).all()
        assert (found.loss == whole.loss[part]).all()
        assert (found.divergence == whole.divergence[part]).all()


def test_threads_allowed_to_blas_change_no_bit():
    from threadpoolctl import threadpool_limits

    wide = GaussianMLP.initial((4, 300, 200, 1))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(numbers(adapted(LowerLevel(inner=2), prior=wide, groups=[0])))
    assert (found[0] == found[1]).all()


def test_restart_is_the_prior_with_no_memory():
    again = adapted(posteriors=Posteriors.at_prior(PRIOR, GROUPS))
    assert (numbers(adapted()) == numbers(again)).all()
    assert adapted(keep=False).posteriors is None
    assert (adapted(keep=False).moments.mean == adapted().moments.mean).all()


def test_given_posteriors_and_prior_stay_as_they_were():
    start = Posteriors.at_prior(PRIOR, GROUPS)
    before, prior = start.copy(), PRIOR.mean.clone()
    adapted(posteriors=start)
    assert torch.equal(start.networks.mean, before.networks.mean)
    assert torch.equal(start.sum_mean, before.sum_mean) and torch.equal(PRIOR.mean, prior)


def test_moments_weigh_groups_by_their_shares():
    shares = np.arange(GROUPS, dtype=float)
    found = adapted(shares=shares)
    expected = Moments.of(found.posteriors.networks, shares)
    for name in ("weight", "mean", "m2", "sum_sigma"):
        assert getattr(found.moments, name) == pytest.approx(getattr(expected, name), rel=1e-12)


@pytest.mark.parametrize("kind", ("w2", "kl"))
def test_divergences_are_those_of_the_posteriors(kind):
    found = adapted(LowerLevel(kind))
    expected = divergence(found.posteriors.networks, PRIOR, kind).numpy()
    assert found.divergence == pytest.approx(expected, rel=1e-6)


def test_number_of_draws_is_irrelevant_without_noise():
    one, five = (adapted(LowerLevel(eps=0, n_mc=n)) for n in (1, 5))
    assert (numbers(one) == numbers(five)).all()


def test_normalised_divergence_is_divided_by_the_parameters():
    size = PRIOR.mean.shape[1]
    plain, divided = adapted(LowerLevel(lam=2)), adapted(LowerLevel(lam=2 * size, normalise=True))
    assert numbers(plain) == pytest.approx(numbers(divided), abs=1e-6)


def weighted():
    weights = np.linspace(0, 2, len(X))
    return SubgroupBatcher(X, Y, np.arange(len(X)) % GROUPS, 12, 1, weights)(0, range(GROUPS))


class OwnLoss:
    def per_sample(self, logits, targets):
        return cross_entropy(logits, targets, reduction="none")

    def __call__(self, logits, targets):
        return cross_entropy(logits, targets)


@pytest.mark.parametrize("batch", (None, weighted()), ids=("plain", "weighted"))
def test_cross_entropy_from_outside_trains_as_the_own_one(batch):
    own, other = (
        adapted(LowerLevel(loss=loss, inner=3), batch=batch) for loss in (None, OwnLoss())
    )
    assert numbers(own) == pytest.approx(numbers(other), abs=1e-5)
    assert own.loss == pytest.approx(other.loss, abs=1e-6)


@pytest.mark.parametrize("loss", (None, OwnLoss()))
@pytest.mark.parametrize("eps", (0, 0.08))
@pytest.mark.parametrize("kind", ("w2", "kl"))
def test_batched_products_for_other_devices_give_the_same_to_rounding(loss, eps, kind):
    settings = LowerLevel(kind, eps=eps, inner=3, loss=loss, chunk=3)
    own, shares = adapted(settings), np.ones(GROUPS)
    other = adapt_block(PRIOR, None, BATCHER(0, range(GROUPS)), 0, 0.05, settings, shares, True)
    assert numbers(own) == pytest.approx(numbers(other), abs=1e-5)
    assert own.loss == pytest.approx(other.loss, abs=1e-5)
    assert own.divergence == pytest.approx(other.divergence, rel=1e-4, abs=1e-6)
    assert own.moments.m2 == pytest.approx(other.moments.m2, rel=1e-4)


@pytest.mark.parametrize("loss", (None, OwnLoss()))
def test_loss_that_is_not_finite_names_group_and_round(loss):
    start = Posteriors.at_prior(PRIOR, GROUPS)
    start.networks.mean[4] = 1e38
    with pytest.raises(LossNotFinite, match="group 4, round 9: the loss is not finite"):
        adapted(LowerLevel(loss=loss), start, round=9)


def test_log_variances_are_clamped_and_counted():
    found = adapted(LowerLevel(inner=1), rate=100.0)
    spread = found.posteriors.networks.log_variance
    assert found.clamped > 0 and spread.min() >= -20 and spread.max() <= 10
    assert adapted().clamped == 0


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="prior holds 2 networks, expected 1"):
        adapted(prior=PRIOR.at([0, 0]))
    with pytest.raises(ValueError, match="batch has 4 features, prior expects 3"):
        adapted(prior=GaussianMLP.initial((3, 1)))
    with pytest.raises(ValueError, match="posteriors are of 2 groups, batch of 7"):
        adapted(posteriors=Posteriors.at_prior(PRIOR, 2))
