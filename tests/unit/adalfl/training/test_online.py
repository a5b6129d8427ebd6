"""The library's trainer of one model: oracles, resuming, divergence, and what it refuses."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from heliostat_methods.adalfl import (
    SGD,
    LearningRateAdapter,
    LossShape,
    MetaLossNetwork,
    OnlineTrainer,
    TrainingDivergedError,
)

X = torch.tensor([[1.0, 2.0], [-1.0, 0.5], [0.5, -1.0]], dtype=torch.float64)
Y = torch.tensor([1.0, -0.5, 0.2], dtype=torch.float64)
VALID_X = torch.tensor([[0.5, 1.0], [1.0, -1.0]], dtype=torch.float64)
VALID_Y = torch.tensor([0.6, 0.1], dtype=torch.float64)


def test_two_steps_are_those_of_the_specification() -> None:
    """Specification, oracle 2: a linear model, MSE, plain SGD on both levels."""
    model = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.1, -0.2]], dtype=torch.float64))
    layers = [
        torch.tensor([[0.5, -0.4], [-0.3, 0.6]], dtype=torch.float64),
        torch.tensor([[0.7, 0.8]], dtype=torch.float64),
    ]
    loss = MetaLossNetwork(layers, "regression", LossShape((2,), 0.01, 10.0))
    trainer = OnlineTrainer(
        model, loss, sgd=SGD(0.1, 0.0, False, 0.0), meta_learning_rate=0.05, meta_optimizer="sgd"
    )
    table = [
        (0.2568515793, [0.1145816437, -0.1855383332], 0.2851962215),
        (0.2528905853, [0.1291771340, -0.1709741868], 0.2695205975),
    ]
    for number, (value, theta, objective) in enumerate(table):
        said = trainer.step((X, Y), (VALID_X, VALID_Y))
        assert said.number == number and said.taken
        assert (said.loss, said.objective) == pytest.approx((value, objective), abs=1e-9)
        assert model.weight.detach().numpy()[0] == pytest.approx(theta, abs=1e-9)
    ends = [0.5010594328, -0.3996346080, -0.3036903569, 0.6001613093, 0.7005482834, 0.8015084180]
    assert loss.vector.numpy() == pytest.approx(ends, abs=1e-9)


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 2)
    )


def rows(number: int, count: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(number)
    x = torch.randn(count, 3, generator=generator)
    return x, (x[:, 0] > 0).long()


def loss(task: Any = "classification") -> MetaLossNetwork:
    return MetaLossNetwork.drawn(task, np.random.default_rng(2), LossShape((5,)))


def trainer(**settings: Any) -> OnlineTrainer:
    return OnlineTrainer(network(), loss(), **{"meta_learning_rate": 1e-3, **settings})


def numbers(one: OnlineTrainer) -> list[Tensor]:
    return [*(t.clone() for t in one.model.state_dict().values()), one.loss.vector]  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_it_goes_on_bit_for_bit_from_a_state(kind: Any) -> None:
    whole = trainer(meta_optimizer=kind)
    for step in range(9):
        if step == 4:
            kept = copy.deepcopy(whole.state_dict())
        whole.step(rows(step), rows(100 + step), note=step % 2 == 0)
    again = trainer(meta_optimizer=kind)
    again.step(rows(50), rows(51))  # what it was before must not matter
    again.load_state_dict(kept)
    for step in range(4, 9):
        again.step(rows(step), rows(100 + step))
    assert all(torch.equal(a, b) for a, b in zip(numbers(whole), numbers(again), strict=True))


def test_a_state_is_no_view_of_what_goes_on() -> None:
    one = trainer()
    one.step(rows(0), rows(100))
    kept = one.state_dict()
    before = copy.deepcopy(kept)
    one.step(rows(1), rows(101))
    flat, also = (torch.cat([v.flatten().double() for v in d["model"].values()])
                  for d in (kept, before))  # fmt: skip
    assert torch.equal(flat, also)
    for name, part in before["momentum"].items():
        assert torch.equal(kept["momentum"][name], part)
    for number, moments in before["meta"]["state"].items():
        assert torch.equal(kept["meta"]["state"][number]["exp_avg"], moments["exp_avg"])


def test_a_step_leaves_torchs_generator_alone() -> None:
    one = trainer()
    before = torch.get_rng_state()
    one.step(rows(0), rows(1), note=True)
    assert torch.equal(torch.get_rng_state(), before)


def test_at_meta_rate_0_the_loss_stays_bit_for_bit() -> None:
    one = trainer(meta_learning_rate=0.0)
    for step in range(5):
        one.step(rows(step), rows(100 + step))
    assert torch.equal(one.loss.vector, loss().vector)  # type: ignore[operator]


def bad() -> tuple[Tensor, Tensor]:
    x, y = rows(3)
    return torch.full_like(x, torch.nan), y


def test_raise_names_the_step_and_leaves_all_as_it_was() -> None:
    one = trainer()
    for step in range(3):
        one.step(rows(step), rows(100 + step))
    before = numbers(one)
    with pytest.raises(TrainingDivergedError, match="step 3: the loss, the parameters or the"):
        one.step(bad(), rows(103))
    assert all(torch.equal(a, b) for a, b in zip(before, numbers(one), strict=True))


@pytest.mark.parametrize("where", ["batch", "valid_batch"])
def test_revert_undoes_the_step_and_goes_on(where: str) -> None:
    one = trainer(on_divergence="revert")
    one.step(rows(0), rows(100))
    before = numbers(one)
    said = one.step(*((bad(), rows(1)) if where == "batch" else (rows(1), bad())))
    assert not said.taken and one.reverts == 1
    assert all(torch.equal(a, b) for a, b in zip(before, numbers(one), strict=True))
    assert one.step(rows(2), rows(102)).taken
    assert not torch.equal(before[0], numbers(one)[0])


def test_stop_takes_no_further_step() -> None:
    one = trainer(on_divergence="stop")
    one.step(rows(0), rows(100))
    before = numbers(one)
    assert not one.step(bad(), rows(1)).taken
    said = one.step(rows(2), rows(102))
    assert not said.taken and one.stopped_at == 1 and np.isnan(said.loss)
    assert all(torch.equal(a, b) for a, b in zip(before, numbers(one), strict=True))


def test_a_gradient_too_large_to_square_is_no_step() -> None:
    """Adam's second moment would be infinite, and the loss stand still without a word."""
    one = trainer(on_divergence="revert")
    x, y = rows(100)
    one.model[1], one.model[2] = nn.Identity(), nn.Identity()  # type: ignore[operator]
    one.step(rows(0), (x * 1e27, y))
    moments = [s["exp_avg_sq"] for s in one.state_dict()["meta"]["state"].values()]
    assert all(bool(m.isfinite().all()) for m in moments)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"meta_learning_rate": -1e-5}, "meta_learning_rate: got -1e-05; expected 0 or more"),
        ({"meta_learning_rate": float("inf")}, "meta_learning_rate: got inf; expected 0 or more"),
        ({"on_divergence": "ignore"}, "on_divergence: got 'ignore'; expected stop, revert or"),
        ({"meta_optimizer": "lbfgs"}, "meta_optimizer: got 'lbfgs'; expected 'adam' or 'sgd'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trainer(**settings)


def test_models_and_losses_that_cannot_be_are_named() -> None:
    with pytest.raises(ValueError, match="loss: expected a module with parameters that adapt"):
        OnlineTrainer(network(), nn.MSELoss())
    with pytest.raises(ValueError, match="model: expected parameters to train"):
        OnlineTrainer(nn.Flatten(), loss())
    with pytest.raises(ValueError, match="objective: expected one, since the loss does not say"):
        OnlineTrainer(network(), nn.Bilinear(2, 2, 1))


def test_empty_batches_labels_out_of_range_and_losses_that_are_no_scalar_are_named() -> None:
    one = trainer()
    with pytest.raises(ValueError, match=r"^batch: got no rows; expected at least 1"):
        one.step(rows(0, 0), rows(1))
    with pytest.raises(ValueError, match=r"^valid_batch: got no rows"):
        one.step(rows(0), rows(1, 0))
    x, y = rows(0)
    with pytest.raises(ValueError, match=r"targets: range 1..2; expected 0..1"):
        one.step((x, y + 1), rows(1))
    with pytest.raises(ValueError, match=r"targets: range 1..2; expected 0..1"):
        one.step(rows(1), (x, y + 1))

    class Rowwise(nn.Module):
        task = "classification"

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return self.scale * outputs.sum(1)

    with pytest.raises(ValueError, match=r"loss: got shape \(12,\); expected a scalar"):
        OnlineTrainer(network(), Rowwise()).step(rows(0), rows(1))


def test_a_sigmoid_takes_labels_0_and_1() -> None:
    one = OnlineTrainer(nn.Linear(3, 1), loss(), meta_learning_rate=1e-3)
    x, y = rows(0)
    assert one.step((x, y), rows(1)).taken
    with pytest.raises(ValueError, match=r"targets: range 1..2; expected 0..1"):
        one.step((x, y + 1), rows(1))


# The learning rate


def test_a_rate_that_adapts_refuses_what_cannot_be() -> None:
    for step in (0.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=rf"log_rate_step: got {step}; expected more than 0"):
            LearningRateAdapter(network(), "classification", log_rate_step=step)
    with pytest.raises(ValueError, match="model: expected parameters to train"):
        LearningRateAdapter(nn.Flatten(), "classification")


def test_numbers_that_are_not_finite_are_not_taken_by_a_rate_that_adapts() -> None:
    model = network()
    one = LearningRateAdapter(model, "classification")
    one.step(rows(0), rows(1))
    before = [p.detach().clone() for p in model.parameters()]
    rate = one.learning_rate
    for batches in ((bad(), rows(1)), (rows(1), bad())):
        with pytest.raises(FloatingPointError, match="step 1: the loss or its slope is not finite"):
            one.step(*batches)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert one.learning_rate == rate


def test_statistics_of_validation_batches_are_not_kept() -> None:
    ends = []
    for number in (100, 200):
        model = network()
        LearningRateAdapter(model, "classification").step(rows(0), rows(number))
        ends.append(dict(model.named_buffers()))
    assert all(torch.equal(part, ends[1][name]) for name, part in ends[0].items())
