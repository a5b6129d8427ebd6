"""Offline beginnings for models of one's own: what they refuse, and that they repeat themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from heliostat_methods.adalfl.training.initializer import OfflineInitializer
from heliostat_methods.adalfl.training.stacked import TrainingDivergedError
from heliostat_search.loss_networks.network import MetaLossNetwork
from heliostat_search.loss_networks.shape import LossShape

SHAPE = LossShape((5,))


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.3), nn.Linear(4, 2))


def rows(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 3, generator=generator)
    return x, (x[:, 0] > 0).long()


def initializer(**settings: Any) -> OfflineInitializer:
    return OfflineInitializer(
        **{"create": model, "task": "classification", "steps": 3, "inner": 2, **settings}
    )


def loss(task: Any = "classification") -> MetaLossNetwork:
    return MetaLossNetwork.drawn(task, np.random.default_rng(0), SHAPE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": -1}, "steps: got -1; expected at least 0"),
        ({"inner": 0}, "inner: got 0; expected at least 1"),
        ({"batch_size": 0}, "batch_size: got 0; expected at least 1"),
        ({"learning_rate": 0.0}, "learning_rate: got 0.0; expected more than 0"),
        ({"learning_rate": float("nan")}, "learning_rate: got nan; expected more than 0"),
        ({"learning_rate": float("inf")}, "learning_rate: got inf; expected more than 0"),
        ({"task": "ranking"}, "task: got 'ranking'; expected 'regression' or 'classification'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initializer(**settings)


def test_a_part_without_rows_or_with_more_targets_is_named() -> None:
    with pytest.raises(ValueError, match="train: 0 inputs, 0 targets; expected as many, and 1"):
        initializer().loss(loss(), rows(0), rows(5))
    with pytest.raises(ValueError, match="valid: 0 inputs, 0 targets"):
        initializer().rate(rows(5), rows(0))
    x, y = rows(6)
    with pytest.raises(ValueError, match="valid: 6 inputs, 5 targets"):
        initializer().loss(loss(), rows(5), (x, y[:5]))


def test_labels_out_of_range_are_named() -> None:
    x, y = rows(6)
    with pytest.raises(ValueError, match="targets: got 2; expected whole numbers from 0 to 1"):
        initializer().loss(loss(), (x, y + 1), rows(5))
    with pytest.raises(ValueError, match="targets: got -1; expected whole numbers"):
        initializer().rate(rows(5), (x, y - 1))


def test_a_loss_of_the_other_task_is_refused() -> None:
    with pytest.raises(ValueError, match="loss: it is for regression; expected one for class"):
        initializer().loss(loss("regression"), rows(6), rows(5))


def test_it_repeats_itself_whatever_was_drawn_before_and_draws_nothing_of_others() -> None:
    ends = []
    for other in range(2):
        torch.manual_seed(other)
        here, mine = torch.get_rng_state(), loss()
        history = initializer(seed=4).loss(mine, rows(20), rows(9, 1))
        assert torch.equal(torch.get_rng_state(), here)
        ends.append((mine.vector, history))
    assert torch.equal(ends[0][0], ends[1][0]) and (ends[0][1] == ends[1][1]).all()
    third = loss()
    initializer(seed=5).loss(third, rows(20), rows(9, 1))
    assert not torch.equal(third.vector, ends[0][0])


def test_no_step_leaves_the_loss_as_it_was() -> None:
    mine = loss()
    history = initializer(steps=0).loss(mine, rows(20), rows(9, 1))
    assert len(history) == 0 and torch.equal(mine.vector, loss().vector)


def test_one_output_stands_for_two_classes() -> None:
    mine = loss()
    history = initializer(create=lambda: nn.Linear(3, 1)).loss(mine, rows(20), rows(9, 1))
    assert np.isfinite(history).all() and not torch.equal(mine.vector, loss().vector)


def double_rows(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    x, y = rows(count, seed)
    return x.double(), y


def test_models_in_double_teach_a_loss_of_either_precision() -> None:
    ends = []
    for kind in (torch.float32, torch.float64):
        mine = loss().to(kind)
        double = initializer(create=lambda: model().double())
        history = double.loss(mine, double_rows(20), double_rows(9, 1))
        assert np.isfinite(history).all() and mine.vector.dtype == kind
        assert not torch.equal(mine.vector, loss().vector.to(kind))
        ends.append(mine.vector.double())
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-6, atol=1e-6)


def test_precisions_that_do_not_go_together_are_named() -> None:
    wanted = "valid: inputs in torch.float64, models in torch.float32; expected one precision"
    with pytest.raises(ValueError, match=wanted):
        initializer().loss(loss(), rows(20), double_rows(9, 1))
    with pytest.raises(ValueError, match=r"create: models in torch\.bfloat16; expected float32"):
        initializer(create=lambda: model().bfloat16()).rate(rows(20), rows(9, 1))
    with pytest.raises(ValueError, match="create: expected models with parameters to train"):
        initializer(create=nn.Flatten).rate(rows(20), rows(9, 1))


def test_targets_of_a_regression_may_be_a_column() -> None:
    ends = []
    for column in (False, True):
        mine = loss("regression")
        teacher = initializer(create=lambda: nn.Linear(3, 1), task="regression")
        parts = [(x, x[:, :1] if column else x[:, 0]) for x, _ in (rows(20), rows(9, 1))]
        teacher.loss(mine, *parts)
        ends.append(mine.vector)
    assert torch.equal(*ends) and not torch.equal(ends[0], loss("regression").vector)


def test_a_teaching_without_one_finite_meta_step_says_so() -> None:
    mine, (x, y) = loss(), rows(20)
    with pytest.raises(TrainingDivergedError, match="meta step 2: neither it nor one before it ga"):
        initializer().loss(mine, (x * torch.nan, y), rows(9, 1))
    assert torch.equal(mine.vector, loss().vector)
