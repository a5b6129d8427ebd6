"""What GroupDRO, EIIL, FSCS and SNN minimise: the oracles, and the cases in which two agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from heliostat.contract import stream
from heliostat_methods.fams.estimators.eiil import (
    EIIL,
    environment_objective,
    inferred_environments,
    scale_gradients,
)
from heliostat_methods.fams.estimators.erm import ERM, BalancedERM
from heliostat_methods.fams.estimators.fscs import FSCS
from heliostat_methods.fams.estimators.group_dro import GroupDRO, reweighted
from heliostat_methods.fams.estimators.losses import group_losses
from heliostat_methods.fams.estimators.snn import SNN

TINY: dict[str, Any] = {"hidden": (5, 3), "epochs": 3, "batch_size": 32, "lr": 0.02}

# Origin of both: plain numpy in double precision (specification, section 5.2, O8).
LOSSES = [0.2, 0.9, 0.4, 1.3]
GROUP_WEIGHTS = [0.24875081810161942, 0.25049818246854966, 0.24924881757129252, 0.25150218185853834]
ROBUST_LOSS = 0.7018508912866355
LOGITS, LABELS, FIRST = [0.3, -1.2, 2.0, 0.7], [1.0, 0.0, 1.0, 0.0], [0.9, 0.2, 0.6, 0.5]
GRADIENTS = [
    -0.12766724495650228,
    -0.27777025980117886,
    -0.23840584404423537,
    0.46773144051771626,
]
ENVIRONMENT_OBJECTIVE = 0.0009781010027402135


def test_group_dro_weights_follow_the_oracle() -> None:
    weights = torch.full((4,), 0.25, dtype=torch.float64)
    found = reweighted(weights, torch.tensor(LOSSES, dtype=torch.float64), 0.01)
    assert_allclose(found.numpy(), GROUP_WEIGHTS, rtol=1e-12)
    assert float(found @ torch.tensor(LOSSES, dtype=torch.float64)) == pytest.approx(
        ROBUST_LOSS, rel=1e-12
    )


def test_an_absent_group_contributes_loss_0() -> None:
    losses = torch.tensor([1.0, 3.0, 5.0])
    found = group_losses(losses, torch.tensor([1.0, 3.0, 1.0]), torch.tensor([0, 0, 2]), 4)
    assert_allclose(found.numpy(), [2.5, 0.0, 5.0, 0.0])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0, 1e30), min_size=1, max_size=6),
    st.floats(0, 1e3),
)
def test_group_weights_stay_shares(losses: list[float], eta: float) -> None:
    weights = torch.full((len(losses),), 1 / len(losses), dtype=torch.float64)
    for _ in range(3):
        weights = reweighted(weights, torch.tensor(losses, dtype=torch.float64), eta)
        assert float(weights.sum()) == pytest.approx(1)
        assert bool((weights >= 0).all())
    # losses that differ by rounding have weights that do
    assert float(weights[int(np.argmax(losses))]) >= float(weights.max()) - 1e-12


def test_environment_objective_follows_the_oracle() -> None:
    gradients = scale_gradients(np.array(LOGITS), np.array(LABELS))
    assert_allclose(gradients, GRADIENTS, rtol=1e-12)
    found = environment_objective(np.array(FIRST), gradients)
    assert found == pytest.approx(ENVIRONMENT_OBJECTIVE, rel=1e-9)


def test_inferred_environments_reach_the_maximum() -> None:
    gradients = stream(2, "test").standard_normal(50)
    found = inferred_environments(gradients, 3000, 0.01, stream(0, "environments"))
    # derived: the objective is convex, so its maximum has all g > 0 on one side
    most = np.mean(np.maximum(gradients, 0)) ** 2 + np.mean(np.minimum(gradients, 0)) ** 2
    assert environment_objective(found, gradients) <= most
    assert environment_objective(found, gradients) == pytest.approx(most, rel=1e-2)


def test_group_dro_of_one_group_is_balanced_erm(small: Any) -> None:
    robust = GroupDRO(**TINY, eta=0.5).fit(small.x, small.y)
    balanced = BalancedERM(**TINY).fit(small.x, small.y)
    assert_allclose(robust.predict_proba(small.x), balanced.predict_proba(small.x), atol=1e-5)


def test_group_dro_without_eta_is_balanced_erm(small: Any) -> None:
    # equal groups in one whole batch, where the balanced risk is the mean over rows
    groups = np.arange(120) % 4
    whole = {**TINY, "batch_size": 120}
    robust = GroupDRO(**whole, eta=0.0, balanced=False).fit(
        small.x, small.y, sensitive_features=groups
    )
    erm = ERM(**whole).fit(small.x, small.y)
    assert_allclose(robust.predict_proba(small.x), erm.predict_proba(small.x), atol=1e-5)
    assert_allclose(robust.group_weights_, 0.25)


def test_group_dro_without_eta_weighs_uneven_groups_evenly(small: Any) -> None:
    # the same inputs three times and once, so that weights do not move the standardisation
    x = np.tile(small.x[:20], (4, 1))
    groups = np.repeat([0, 1], [60, 20])
    y = np.where(groups == 1, 1 - np.tile(small.y[:20], 4), np.tile(small.y[:20], 4))
    whole = {**TINY, "batch_size": 80}
    robust = GroupDRO(**whole, eta=0.0, balanced=False).fit(x, y, sensitive_features=groups)
    even = ERM(**whole).fit(x, y, sample_weight=1 / np.bincount(groups)[groups])
    assert_allclose(robust.predict_proba(x), even.predict_proba(x), atol=1e-5)
    assert np.abs(robust.predict_proba(x) - ERM(**whole).fit(x, y).predict_proba(x)).max() > 1e-3


def test_group_dro_puts_weight_on_the_group_that_cannot_be_learned(small: Any) -> None:
    noisy = np.where(small.a == 1, np.arange(120) % 2, small.x[:, 0] > 0)
    robust = GroupDRO(**{**TINY, "epochs": 30}, eta=0.1)
    robust.fit(small.x, noisy, sensitive_features=small.a)
    assert int(np.argmax(robust.group_weights_)) == 1


def test_fscs_without_its_penalty_is_erm(small: Any) -> None:
    alone = FSCS(**TINY, lam=0.0).fit(small.x, small.y, sensitive_features=small.a)
    erm = ERM(**TINY).fit(small.x, small.y)
    assert_array_equal(alone.predict_proba(small.x), erm.predict_proba(small.x))


def test_fscs_of_one_group_is_erm(small: Any) -> None:
    # the drawn group is the own one, so that the penalty vanishes
    alone = FSCS(**TINY, lam=3.0).fit(small.x, small.y)
    erm = ERM(**TINY).fit(small.x, small.y)
    assert_allclose(alone.predict_proba(small.x), erm.predict_proba(small.x), atol=1e-5)


def test_the_penalty_of_fscs_moves_the_features(small: Any) -> None:
    apart = FSCS(**TINY, lam=3.0).fit(small.x, small.y, sensitive_features=small.a)
    erm = ERM(**TINY).fit(small.x, small.y)
    assert np.abs(apart.predict_proba(small.x) - erm.predict_proba(small.x)).max() > 1e-4


def test_eiil_starts_from_erm(small: Any) -> None:
    found = EIIL(**TINY, reference_epochs=3, environment_steps=50).fit(small.x, small.y)
    erm = ERM(**TINY).fit(small.x, small.y)
    assert_array_equal(found.reference_.scores(small.x), erm.predict_proba(small.x)[:, 1])
    assert found.environments_.shape == (120,)


def test_eiil_without_penalty_learns_what_erm_learns(small: Any) -> None:
    longer = {**TINY, "epochs": 60}
    found = EIIL(**longer, penalty=0.0, environment_steps=0).fit(small.x, small.x[:, 0] > 0)
    assert found.score(small.x, small.x[:, 0] > 0) > 0.95


def test_snn_with_hardly_any_noise_is_its_mean_network(small: Any) -> None:
    found = SNN(**TINY, eps=1e-7, n_mc=1).fit(small.x, small.y)
    more = SNN(**TINY, eps=1e-7, n_mc=4).fit(small.x, small.y)
    assert_allclose(found.predict_proba(small.x), more.predict_proba(small.x), atol=1e-4)


def test_a_score_of_snn_depends_on_its_row_alone(small: Any) -> None:
    found = SNN(**TINY, eps=1.0).fit(small.x, small.y)
    whole = found.predict_proba(small.x)
    assert_allclose(found.predict_proba(small.x[5:9]), whole[5:9], rtol=1e-13)
