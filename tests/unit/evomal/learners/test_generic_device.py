"""Networks away from the CPU: moved there, fed and read from here, with the CPU's random numbers.

No GPU is needed: "cpu:0" is the CPU by another name, so that all that is done for another device is
done, and results have to be those of "cpu". To rounding: while operations that draw are looked for,
torch takes other formulas for some derivatives.
"""

import hashlib

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from heliostat_methods.evomal.learners import training, unrolled
from heliostat_methods.evomal.learners.generic import (
    torch_network,
    torch_training,
    torch_unrolled,
)
from heliostat_methods.evomal.learners.generic.layered import LayeredNetwork, network_of
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.losses.ml3 import LossNetwork
from heliostat_methods.evomal.population.program import LossProgram, initial_weights
from heliostat_methods.parts.models import LeNet5, Mlp
from heliostat_search.unrolled import drawn_on_cpu
from heliostat_search.unrolled.drawn_on_cpu import DrawnOnCPU, through_cpu

ELSEWHERE = "cpu:0"
SHAPE = (1, 6, 6)


def streams(*name):
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))


class Drawing:
    """A network that keeps a state and draws in more than one way."""

    def create(self, input_shape, outputs, generator):
        module = nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.RReLU(), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(48, outputs), nn.AlphaDropout(0.1),
        )  # fmt: skip
        for parameter in module.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter, generator=generator)
        return module

    def widths(self, input_shape, outputs):
        return None


def problem_on(device, model=None, shape=SHAPE):
    rng = np.random.default_rng(7)
    x, xv = (rng.normal(size=(n, int(np.prod(shape)))) for n in (30, 19))
    y, yv = (np.clip(np.round(z[:, 0] + 1), 0, 3) for z in (x, xv))
    return TorchProblem.from_rows(
        x, y, xv, yv, task="classification", classes=4, model=model or Drawing(),
        input_shape=shape, device=device,
    )  # fmt: skip


def program():
    losses = [parse(text) for text in ("sqrt(add(square(sub(y, f)), 1))", "square(sub(y, f))")]
    return LossProgram.from_expressions(losses), initial_weights(losses, streams("phi"))


def trained(problem):
    config = training.TrainingConfig(steps=5, batch_size=12, learning_rate=0.05)
    runs = torch_training.train(*program(), problem, config, streams, curve_steps=(2,))
    return runs.metrics, runs.curve, runs.theta, runs.state.velocity


def trained_in_two_parts(problem):
    config = training.TrainingConfig(steps=5, batch_size=12, learning_rate=0.05)
    first = torch_training.train(*program(), problem, config, streams, until=2)
    rest = torch_training.train(*program(), problem, config, streams, state=first.state)
    return rest.metrics, rest.theta, rest.state.velocity


def trained_on_varied_images(problem):
    config = training.AugmentedTraining(steps=3, batch_size=12, padding=1)
    return torch_training.train_replicas(*program(), problem, config, [streams, streams]).theta


def trained_by_a_module(problem):
    loss = LossNetwork.drawn("classification", streams("network"), (3,))
    config = training.TrainingConfig(steps=3, batch_size=12)
    return torch_training.train_module(loss, problem, config, [streams]).theta


def tuned(problem, inner=1):
    config = unrolled.UnrolledConfig(meta_steps=3, batch_size=12, inner_steps=inner)
    found = torch_unrolled.tune(*program(), problem, config, streams)
    return found.weights, found.history


def tuned_over_two_steps(problem):
    return tuned(problem, inner=2)


def tuned_module(problem, inner=1):
    loss = LossNetwork.drawn("classification", streams("network"), (3,))
    config = unrolled.UnrolledConfig(meta_steps=3, batch_size=12, inner_steps=inner)
    history = torch_unrolled.tune_module(loss, problem, config, streams)
    return history, *(layer.detach().numpy() for layer in loss.layers)


def tuned_module_over_two_steps(problem):
    return tuned_module(problem, inner=2)


def predicted(problem):
    return torch_training.fresh_predictions(problem, 10, streams)


WAYS = [trained, trained_in_two_parts, trained_on_varied_images, trained_by_a_module, tuned,
        tuned_over_two_steps, tuned_module, tuned_module_over_two_steps, predicted]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_device_is_given_the_numbers_of_the_cpu_and_gives_its_results_back(way, monkeypatch):
    here = way(problem_on("cpu"))
    drawn = []

    def seen(func, args, kwargs):
        drawn.append(func)
        return through_cpu(func, args, kwargs)

    monkeypatch.setattr(drawn_on_cpu, "through_cpu", seen)
    there = way(problem_on(ELSEWHERE))
    for a, b in zip(*((x if isinstance(x, tuple) else (x,)) for x in (here, there)), strict=True):
        assert b == pytest.approx(a, rel=1e-5, abs=1e-6, nan_ok=True)
        assert isinstance(b, np.ndarray)
    assert drawn


def test_compiled_layers_are_for_the_cpu_alone():
    shape = (1, 28, 28)
    assert type(network_of(problem_on("cpu", LeNet5(), shape))) is LayeredNetwork
    elsewhere = network_of(problem_on(ELSEWHERE, LeNet5(), shape))
    assert type(elsewhere) is torch_network.ModuleNetwork


def test_a_network_is_made_on_the_cpu_and_moved():
    """The meta device keeps no numbers: what lies there shows where things are."""
    problem = problem_on("cpu", Mlp((5,)))
    away = TorchProblem(
        problem.task, problem.classes, problem.input_shape, problem.model,
        problem.x_train.to("meta"), problem.y_train, problem.x_valid.to("meta"), problem.y_valid,
        "meta",
    )  # fmt: skip
    assert np.array_equal(away.fresh(streams("init")), problem.fresh(streams("init")))
    assert {p.device.type for p in away.create(0).parameters()} == {"cpu"}
    network = network_of(away)
    assert {p.device.type for p in network.passes.module.parameters()} == {"meta"}
    assert network.theta.device.type == "meta"


class Far(Tensor):
    """A tensor of another device: its numbers come to the CPU as a copy."""

    def cpu(self):
        return torch.Tensor(self).clone()


def test_what_an_operation_writes_comes_back_to_the_tensor_elsewhere():
    aten, far = torch.ops.aten, torch.zeros(50).as_subclass(Far)
    torch.manual_seed(3)
    made = through_cpu(aten.bernoulli_.float, (far, 0.5), {})
    torch.manual_seed(3)
    expected = torch.zeros(50).bernoulli_(0.5)
    assert made is far
    assert 0 < far.sum() < 50
    assert torch.equal(torch.Tensor(far), expected)


def test_masks_of_the_fused_dropout_of_gpus_are_those_of_the_cpus_dropout():
    x = torch.randn(64, 33)
    torch.manual_seed(3)
    with DrawnOnCPU():
        fused, _ = torch.native_dropout(x, 0.3, True)
    torch.manual_seed(3)
    assert torch.equal(fused, functional.dropout(x, 0.3))


def test_tensors_that_are_drawn_without_an_input_are_made_where_they_were_asked_for():
    torch.manual_seed(3)
    made = through_cpu(torch.ops.aten.rand.default, ([4],), {"device": torch.device("meta")})
    assert made.device.type == "meta"
