from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.distillation import losses
from heliostat_methods.pnag.supernet.sandwich import Sandwich
from heliostat_methods.pnag.supernet.schedule import StepPlan
from heliostat_methods.pnag.supernet.shrinking import ProgressiveShrinking
from heliostat_methods.pnag.supernet.training import (
    StepReport,
    SupernetTrainer,
    TrainingSettings,
)

SETTINGS = TrainingSettings(epochs=3, batch=30, rate=0.1)
Make = Callable[..., SupernetTrainer]


@pytest.fixture
def make(build: Any, space: Any, choices: SubnetChoices, named: Any) -> Make:
    def trainer(schedule: Any = None, settings: TrainingSettings = SETTINGS, **more: Any) -> Any:
        schedule = schedule or Sandwich()
        return SupernetTrainer(build(space), choices, schedule, settings, named, **more)

    return trainer


def parameters(trainer: SupernetTrainer) -> Tensor:
    return torch.cat([p.detach().reshape(-1) for p in trainer.net.parameters()]).clone()


def test_the_gradient_is_the_sum_of_the_subnets_gradients_taken_apart(
    build: Any, space: Any, choices: SubnetChoices, images: Tensor, labels: Tensor
) -> None:
    net = build(space)
    plan = Sandwich(4).plan(choices, 0, 1, np.random.default_rng(5))
    found = losses(net, None, choices.largest, plan, images, labels, F.cross_entropy, 0.5)
    shared = torch.autograd.grad(
        sum(found), list(net.parameters()), allow_unused=True, materialize_grads=True
    )
    total = [torch.zeros_like(p) for p in net.parameters()]
    teacher = net(images, choices.largest).detach().softmax(1)
    for index, blocks in enumerate(plan.subnets):
        logits = net(images, blocks)
        loss = F.cross_entropy(logits, labels)
        if index:
            soft = -(teacher * logits.log_softmax(1)).sum(1).mean()
            loss = 0.5 * loss + 0.5 * soft
        torch.testing.assert_close(loss, found[index], atol=1e-5, rtol=1e-5)
        slopes = torch.autograd.grad(loss, list(net.parameters()), allow_unused=True)
        for at, slope in zip(total, slopes, strict=True):
            if slope is not None:
                at += slope
    for mine, right in zip(shared, total, strict=True):
        torch.testing.assert_close(mine, right, atol=2e-5, rtol=1e-3)


@pytest.mark.parametrize(
    "schedule", [Sandwich(1), ProgressiveShrinking((0.4, 0.2, 0.2, 0.2), random=1)]
)
@pytest.mark.parametrize("stop", [2, 7])
def test_a_training_goes_on_from_its_state_with_equal_bits(
    make: Make, images: Tensor, labels: Tensor, schedule: Any, stop: int
) -> None:
    whole = make(schedule)
    whole.train(images, labels)
    first = make(schedule)
    first.train(images, labels, until=stop)
    second = make(schedule)
    with torch.no_grad():
        for parameter in second.net.parameters():
            parameter.zero_()
    second.load(first.state())
    assert second.steps_done == stop
    second.train(images, labels)
    assert whole.steps_done == second.steps_done == 9
    assert torch.equal(parameters(whole), parameters(second))
    state = second.state()
    assert all(type(value) is np.ndarray for value in state.values())
    assert all(np.array_equal(state[name], value) for name, value in whole.state().items())


@pytest.mark.parametrize(
    ("schedule", "share"), [(Sandwich(1), 0.9), (ProgressiveShrinking((0.3, 0.1, 0.1, 0.5)), 0.98)]
)
def test_training_lowers_the_loss_of_largest_and_smallest(
    make: Make, choices: SubnetChoices, images: Tensor, labels: Tensor, schedule: Any, share: float
) -> None:
    trainer = make(schedule, TrainingSettings(epochs=8, batch=30, rate=0.1))

    def loss(blocks: Any) -> float:
        with torch.no_grad():
            return F.cross_entropy(trainer.net(images, blocks), labels).item()

    before = loss(choices.largest), loss(choices.smallest)
    reports: list[StepReport] = []
    trainer.train(images, labels, progress=reports.append)
    assert loss(choices.largest) < 0.8 * before[0]
    assert loss(choices.smallest) < share * before[1]
    assert [r.step for r in reports] == list(range(24))
    assert trainer.done(len(images))


def test_batches_of_an_epoch_hold_each_image_once(make: Make) -> None:
    trainer, seen = make(), []
    for _ in range(6):
        seen.append(trainer.batch(90))
        trainer.steps_done += 1
    assert sorted(np.concatenate(seen[:3])) == list(range(90))
    assert sorted(np.concatenate(seen[3:])) == list(range(90))
    assert not np.array_equal(seen[0], seen[3])


def test_fewer_images_than_a_batch_are_one_batch(
    make: Make, images: Tensor, labels: Tensor
) -> None:
    trainer = make(settings=TrainingSettings(epochs=2, batch=200))
    trainer.train(images, labels)
    assert trainer.steps_done == 2


def test_any_loss_trains(make: Make, images: Tensor, labels: Tensor) -> None:
    asked = []

    def brier(logits: Tensor, targets: Tensor) -> Tensor:
        asked.append(logits.shape)
        return (logits.softmax(1) - F.one_hot(targets, 4)).square().sum(1).mean()

    report = make(loss=brier).step(images, labels)
    assert asked == [(30, 4)] * 4 and len(report.losses) == 4


def test_a_loss_that_diverged_names_step_and_rate(
    make: Make, images: Tensor, labels: Tensor
) -> None:
    trainer = make(settings=TrainingSettings(epochs=400, batch=30, rate=1e30))
    with pytest.raises(ConfigError, match=r"rate = 1e\+30: expected .*finite; at step \d+ of 1200"):
        trainer.train(images, labels)
    broken = make(loss=lambda logits, targets: logits.sum() * float("nan"))
    before = parameters(broken)
    with pytest.raises(ConfigError, match=r"at step 0 of 9, with rate 0.004, they are nan"):
        broken.step(images, labels)
    assert torch.equal(before, parameters(broken))


def test_a_state_of_another_network_is_refused(make: Make) -> None:
    state = make().state()
    with pytest.raises(DataError, match=r"state of a training: velocity nothing, the network has"):
        make().load({k: v for k, v in state.items() if k != "velocity"})
    with pytest.raises(DataError, match=r"parameters \(7,\), the network has \d+"):
        make().load({**state, "parameters": np.zeros(7, np.float32)})


def test_the_teacher_of_shrinking_stays_what_the_first_phase_left(
    make: Make, images: Tensor, labels: Tensor
) -> None:
    trainer = make(ProgressiveShrinking((0.25, 0.25, 0.25, 0.25)))
    trainer.train(images, labels, until=2)
    frozen = parameters(trainer)
    assert not any(name.startswith("teacher") for name in trainer.state())
    trainer.train(images, labels, until=9)
    taught = {k.removeprefix("teacher "): v for k, v in trainer.state().items() if "teacher" in k}
    values = [taught[name].reshape(-1) for name, _ in trainer.net.named_parameters()]
    assert np.array_equal(np.concatenate(values), frozen.numpy())


def test_a_frozen_teacher_teaches_by_half(
    build: Any, space: Any, choices: SubnetChoices, images: Tensor, labels: Tensor
) -> None:
    net, teacher = build(space), build(space, seed=1)
    plan = StepPlan((choices.smallest,), "frozen")
    (found,) = losses(net, teacher, choices.largest, plan, images, labels, F.cross_entropy, 0.5)
    logits, shares = net(images, choices.smallest), teacher(images, choices.largest).softmax(1)
    wanted = 0.5 * F.cross_entropy(logits, labels) + 0.5 * F.cross_entropy(logits, shares)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("epochs", 0, "epochs = 0: expected 1 or more"),
        ("batch", 1, "batch = 1: expected 2 or more"),
        ("rate", float("nan"), "rate = nan: expected a number above 0"),
        ("momentum", 1.5, "momentum = 1.5: expected 0 to 1"),
        ("soft", -0.1, "soft = -0.1: expected 0 to 1"),
        ("rates", "one-cycle", "rates = 'one-cycle'.*did you mean 'one_cycle'"),
    ],
)
def test_settings_outside_their_range_are_refused(field: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingSettings(**{field: value})
