"""ERM and its balanced form: against a plain loop, seeds, weights, early stopping, odd data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from heliostat.contract import stream
from heliostat_methods.fams.estimators.erm import ERM, BalancedERM
from heliostat_methods.fams.estimators.losses import two_classes
from heliostat_methods.fams.estimators.minibatches import balanced_chances, drawn
from heliostat_methods.fams.estimators.networks import mlp

TINY: dict[str, Any] = {"hidden": (5, 3), "epochs": 4, "batch_size": 32, "lr": 0.02}


def test_erm_is_a_plain_torch_loop(small: Any) -> None:
    found = ERM(**TINY, weight_decay=0.01, seed=3).fit(small.x, small.y)
    x = torch.from_numpy(((small.x - small.x.mean(0)) / small.x.std(0)).clip(-5, 5)).float()
    y = torch.from_numpy(small.y).float()
    network = mlp(4, (5, 3), stream(3, "network"))
    weights = list(network.parameters())
    means, squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    steps = 0
    for epoch in range(4):
        order = stream(3, "batches", epoch).permutation(120)
        for at in range(0, 120, 32):
            rows = order[at : at + 32]
            loss = nn.functional.binary_cross_entropy_with_logits(network(x[rows])[:, 0], y[rows])
            steps += 1
            slopes = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                for w, slope, m, v in zip(weights, slopes, means, squares, strict=True):
                    g = slope + 0.01 * w
                    m.copy_(0.9 * m + 0.1 * g)
                    v.copy_(0.999 * v + 0.001 * g**2)
                    size = (v / (1 - 0.999**steps)).sqrt() + 1e-8
                    w -= 0.02 * m / (1 - 0.9**steps) / size
    plain = torch.sigmoid(network(x))[:, 0].detach().numpy()
    assert_allclose(found.predict_proba(small.x)[:, 1], plain, atol=2e-6)


def test_layers_begin_within_one_over_root_of_their_inputs() -> None:
    network = mlp(400, (100,), stream(0, "network"))
    weight = network[0].weight.detach().numpy()
    assert 0.0499 < np.abs(weight).max() <= 0.05
    assert weight.std() == pytest.approx(0.05 / np.sqrt(3), rel=0.02)


def test_balanced_batches_draw_a_row_by_one_over_its_groups_size() -> None:
    groups = np.repeat([0, 1, 2], [70, 40, 10])
    chances = balanced_chances(groups, np.ones(120))
    assert_allclose(chances, np.repeat([1 / 210, 1 / 120, 1 / 30], [70, 40, 10]))
    draws = stream(0, "test")
    rows = np.concatenate([batch for _ in range(200) for batch in drawn(chances, 50, draws)])
    shares = np.bincount(groups[rows], minlength=3) / len(rows)
    # 24,000 draws: a share of a third has the deviation .003
    assert_allclose(shares, 1 / 3, atol=0.013)


def test_a_weight_counts_as_that_many_rows_of_its_group() -> None:
    chances = balanced_chances(np.array([0, 0, 1, 1]), np.array([3.0, 1.0, 2.0, 0.0]))
    assert_allclose(chances, [0.375, 0.125, 0.5, 0.0])


def test_balanced_erm_of_equal_groups_weighs_as_erm_does(small: Any) -> None:
    # a rare group moves the balanced network and not the other
    flipped = np.where(small.a == 2, 1 - small.y, small.y)
    of_all = ERM(**TINY).fit(small.x, flipped, sensitive_features=small.a)
    assert_array_equal(
        of_all.predict_proba(small.x), ERM(**TINY).fit(small.x, flipped).predict_proba(small.x)
    )
    even = BalancedERM(**TINY).fit(small.x, flipped, sensitive_features=small.a)
    uneven = BalancedERM(**TINY).fit(small.x, flipped)
    assert np.abs(even.predict_proba(small.x) - uneven.predict_proba(small.x)).max() > 1e-3


def test_weights_are_copies_of_rows(small: Any) -> None:
    # one batch an epoch, so that order is a matter of rounding
    erm = ERM(**{**TINY, "batch_size": 1000})
    weights = np.tile([0, 1, 2, 3], 30)
    copies = np.repeat(np.arange(120), weights)
    weighted = erm.fit(small.x, small.y, sample_weight=weights).predict_proba(small.x)
    repeated = erm.fit(small.x[copies], small.y[copies]).predict_proba(small.x)
    assert_allclose(weighted, repeated, atol=2e-5)


def test_the_scale_of_weights_changes_nothing(small: Any) -> None:
    erm = ERM(**TINY)
    plain = erm.fit(small.x, small.y).predict_proba(small.x)
    for weight in (1e308, 1e-300):
        same = erm.fit(small.x, small.y, sample_weight=np.full(120, weight))
        assert_array_equal(same.predict_proba(small.x), plain)


def test_a_loss_of_ones_own_trains_with_and_without_weights(small: Any) -> None:
    def mean_bce(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return nn.functional.softplus(logits).mean() - (logits * targets).mean()

    weights = np.linspace(0.5, 2, 120)
    for given in (None, weights):
        own = ERM(**TINY, loss=mean_bce).fit(small.x, small.y, sample_weight=given)
        usual = ERM(**TINY).fit(small.x, small.y, sample_weight=given)
        assert_allclose(own.predict_proba(small.x), usual.predict_proba(small.x), atol=1e-4)


def test_a_loss_of_two_classes_trains_one_logit(small: Any) -> None:
    own = ERM(**TINY, loss=two_classes(nn.functional.cross_entropy)).fit(small.x, small.y)
    usual = ERM(**TINY).fit(small.x, small.y)
    assert_allclose(own.predict_proba(small.x), usual.predict_proba(small.x), atol=1e-4)


def test_early_stopping_keeps_the_best_epoch(small: Any) -> None:
    settings = {**TINY, "epochs": 60, "lr": 0.1, "validation_fraction": 0.3, "patience": 3}
    found = ERM(**settings).fit(small.x, small.y)
    held = [epoch.validation_loss for epoch in found.history_]
    assert len(held) < 60
    best = int(np.argmin(held))
    assert len(held) == best + 1 + 3
    # the weights are those of the best epoch: training no longer than that gives the same
    short = ERM(**{**settings, "epochs": best + 1}).fit(small.x, small.y)
    assert_array_equal(found.predict_proba(small.x), short.predict_proba(small.x))


def test_equal_seeds_give_equal_bits_whatever_was_drawn_before(small: Any) -> None:
    one = ERM(**TINY, seed=11).fit(small.x, small.y).predict_proba(small.x)
    torch.rand(7)
    np.random.rand(7)
    assert_array_equal(ERM(**TINY, seed=11).fit(small.x, small.y).predict_proba(small.x), one)


def test_another_seed_gives_another_network(small: Any) -> None:
    one, two = (ERM(**TINY, seed=seed).fit(small.x, small.y) for seed in (0, 1))
    assert np.abs(one.predict_proba(small.x) - two.predict_proba(small.x)).max() > 1e-3


def test_training_leaves_torchs_own_numbers_alone(small: Any) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    ERM(**TINY).fit(small.x, small.y)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_score_does_not_depend_on_the_rows_beside_it(small: Any) -> None:
    found = ERM(**TINY).fit(small.x, small.y)
    alone = np.concatenate([found.predict_proba(row[None]) for row in small.x[:9]])
    assert_allclose(alone, found.predict_proba(small.x)[:9], rtol=1e-13)
