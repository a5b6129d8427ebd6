"""A plain training is torch's own loop to the bit, and goes on to the bit from any step."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from heliostat import PartRef
from heliostat.values.canonical import decode, encode
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.module_training import (
    ModuleTraining,
    module_outputs,
    schedule_factor,
)
from heliostat_search.supervised.problem import Data, Problem
from heliostat_search.supervised.streams import streams_from
from heliostat_search.unrolled.drawing import draw_seeds

STEPS = 12
Optimiser = Callable[[Any], torch.optim.Optimizer]


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=1e-3)


def adam(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=0.01)


def problem(task: str = "classification") -> Problem:
    rng = np.random.default_rng(0)

    def part(rows: int) -> Any:
        x = rng.normal(size=(rows, 16)).astype(np.float32)
        if task == "regression":
            return x, x[:, 0] - 0.5 * x[:, 1]
        return x, (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 1)

    return Problem(
        "made", task, 3 if task == "classification" else 1, (1, 4, 4), PartRef("cnn"), None,  # type: ignore[arg-type]
        part(30), part(12), part(300), "error_rate" if task == "classification" else "mse",
    )  # fmt: skip


def network(outputs: int = 3) -> nn.Module:
    """Statistics and masks, so that a state is more than parameters."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3),
        nn.Linear(64, outputs),
    )  # fmt: skip


def cosine(step: int) -> float:
    return schedule_factor("cosine", step, STEPS)


def training(make: Optimiser = sgd, **more: Any) -> ModuleTraining:
    module, data = network(), Data.of(problem())
    batches = Batches([streams_from(4)], "train", len(data.train), 8)
    return ModuleTraining(
        module, make(module.parameters()), data, batches, "classification", 3, factor=cosine,
        seeds=draw_seeds(streams_from(4)("dropout"), STEPS), **more,
    )  # fmt: skip


@pytest.mark.parametrize("make", [sgd, adam])
def test_it_is_the_plain_loop_of_torch_to_the_bit(make: Optimiser) -> None:
    mine = training(make, loss=F.cross_entropy)
    losses = [mine.step() for _ in range(STEPS)]

    module, data = network(), Data.of(problem())
    optimiser = make(module.parameters())
    rates = [group["lr"] for group in optimiser.param_groups]
    batches = Batches([streams_from(4)], "train", 30, 8)
    seeds = draw_seeds(streams_from(4)("dropout"), STEPS)
    plain = []
    for step in range(STEPS):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * (0.5 * (1 + math.cos(math.pi * step / STEPS)))
        rows = batches.at(step)[0]
        torch.manual_seed(seeds[step])
        loss = F.cross_entropy(module(data.train.x[rows]), data.train.targets[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plain.append(float(loss.detach()))
    assert losses == plain
    for (name, a), (_, b) in zip(
        mine.module.state_dict().items(), module.state_dict().items(), strict=True
    ):
        assert torch.equal(a, b), name


@pytest.mark.parametrize("make", [sgd, adam])
@pytest.mark.parametrize("stop", [0, 1, 7])
def test_it_goes_on_to_the_bit_from_what_was_stored(make: Optimiser, stop: int) -> None:
    whole, before, after = training(make), training(make), training(make)
    expected = [whole.step() for _ in range(STEPS)]
    found = [before.step() for _ in range(stop)]
    after.load(decode(encode(before.state())))
    assert after.taken == stop
    found += [after.step() for _ in range(stop, STEPS)]
    assert found == expected
    assert encode(after.state()) == encode(whole.state())


def test_a_state_is_a_copy_that_later_steps_leave_alone() -> None:
    one = training()
    one.step()
    state = one.state()
    text = encode(state)
    one.step()
    assert encode(state) == text and encode(one.state()) != text


def test_groups_keep_their_own_rates_under_a_schedule() -> None:
    def grouped(parameters: Any) -> torch.optim.Optimizer:
        first, *others = parameters
        return torch.optim.SGD([{"params": [first], "lr": 3.0}, {"params": others}], lr=0.1)

    one = training(grouped)
    for step in range(3):
        one.step()
        rates = [group["lr"] for group in one.optimiser.param_groups]
        assert rates == [3.0 * cosine(step), 0.1 * cosine(step)]


def test_schedules_have_their_values() -> None:
    assert [schedule_factor("constant", step, 8) for step in (0, 5)] == [1.0, 1.0]
    found = [schedule_factor("cosine", step, 8) for step in (0, 2, 4, 6)]
    assert found == pytest.approx([1.0, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2])


def test_another_loss_is_taken_in_place_of_the_task_s() -> None:
    one = training(loss=lambda outputs, targets: outputs.square().mean())
    with torch.no_grad():
        rows = Batches([streams_from(4)], "train", 30, 8).at(0)[0]
        module = network()
        torch.manual_seed(draw_seeds(streams_from(4)("dropout"), 1)[0])
        expected = float(module(Data.of(problem()).train.x[rows]).square().mean())
    assert one.step() == expected


def test_a_regression_has_one_output_and_squared_error() -> None:
    made = problem("regression")
    data, module = Data.of(made), network(1)
    batches = Batches([streams_from(4)], "train", 30, 30)
    one = ModuleTraining(module, sgd(module.parameters()), data, batches, "regression", 1)
    with torch.no_grad():
        torch.manual_seed(0)  # what a training without seeds begins at
        outputs = copy.deepcopy(module)(data.train.x[batches.at(0)[0]])
        expected = F.mse_loss(outputs[:, 0], data.train.targets[batches.at(0)[0]])
    assert one.step() == pytest.approx(float(expected))
    assert one.outputs(data.valid).shape == (1, 12)


def test_outputs_are_of_evaluation_mode_in_portions_and_leave_the_mode() -> None:
    one = training()
    one.step()
    data = Data.of(problem())
    whole = one.module.eval()(data.test.x).detach().numpy().T  # 300 rows, more than a portion
    for mode in (True, False):
        one.module.train(mode)
        np.testing.assert_allclose(one.outputs(data.test), whole, rtol=1e-5, atol=1e-6)
        assert one.module.training == mode
    assert module_outputs(one.module, data.valid.x, 3).shape == (3, 12)


def test_drawing_inside_leaves_torch_s_own_generator_alone() -> None:
    one = training()
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    one.step()
    assert torch.equal(torch.rand(3), expected)
