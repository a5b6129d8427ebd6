"""Compiled chains of layers: equal to automatic differentiation, and only where they apply."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from heliostat_methods.evomal.learners.generic.layered import LayeredNetwork, network_of, plan_of
from heliostat_methods.evomal.learners.generic.torch_network import ModuleNetwork
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.parts.models import LeNet5, Linear, Mlp


class Recipe:
    """A model made by a function."""

    def __init__(self, make):
        self.make = make

    def create(self, input_shape, outputs, generator):
        return self.make(outputs)

    def widths(self, input_shape, outputs):
        return None


def problem_of(model, shape, classes=3, rows=40, dtype=np.float64):
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(rows, *shape)), rng.integers(classes, size=rows)
    return TorchProblem.from_rows(
        x, y, x[:20], y[:20], task="classification", model=model, classes=classes, dtype=dtype
    )


def both_networks(problem):
    compiled, plain = network_of(problem), ModuleNetwork(problem, problem.create(0))
    assert isinstance(compiled, LayeredNetwork)
    numbers = problem.fresh(np.random.default_rng(3))
    # Fresh biases are 0, which would hide a wrong one.
    numbers += 0.1 * np.random.default_rng(4).normal(size=numbers.shape).astype(numbers.dtype)
    for network in (compiled, plain):
        network.load(numbers)
    return compiled, plain


def assert_equal_passes(problem, samples):
    compiled, plain = both_networks(problem)
    rng, x = np.random.default_rng(5), problem.x_train[:samples]
    outputs = compiled.forward(x, 0)
    assert outputs == pytest.approx(plain.forward(x, 0), abs=1e-10)
    slopes = rng.normal(size=outputs.shape)
    gradient = compiled.pull(slopes).clone()
    assert gradient.numpy() == pytest.approx(plain.pull(slopes, again=True).numpy(), abs=1e-9)
    change = torch.from_numpy(rng.normal(size=compiled.parameters))
    tangent = compiled.push(change)
    assert tangent == pytest.approx(plain.push(change), abs=1e-9)
    # The two products are transposes of each other.
    assert np.sum(slopes * tangent) == pytest.approx(float(gradient @ change), rel=1e-9)
    measured = compiled.evaluate(problem.x_train)
    assert measured == pytest.approx(plain.evaluate(problem.x_train), abs=1e-10)


@given(
    channels=st.integers(1, 3),
    filters=st.integers(1, 9),
    size=st.integers(1, 4),
    padding=st.integers(0, 2),
    pool=st.integers(1, 3),
    activation=st.sampled_from([nn.Tanh, nn.ReLU, nn.Identity]),
    samples=st.sampled_from([1, 7, 16, 33]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_passes_of_any_small_chain_equal_automatic_differentiation(
    channels, filters, size, padding, pool, activation, samples
):
    def make(outputs):
        first = nn.Conv2d(channels, filters, size, padding=padding)
        second = nn.Conv2d(filters, 3, 2, padding=1)
        wide = (8 + 2 * padding - size + 1, 7 + 2 * padding - size + 1)
        after = [n // pool + 1 for n in wide]
        return nn.Sequential(
            nn.Sequential(first, activation(), nn.AvgPool2d(pool)),
            second,
            nn.Tanh(),
            nn.Flatten(),
            nn.Linear(3 * after[0] * after[1], 6),
            nn.ReLU(),
            nn.Linear(6, outputs),
        )

    assert_equal_passes(problem_of(Recipe(make), (channels, 8, 7)), samples)


@pytest.mark.parametrize(
    ("model", "shape"),
    [(LeNet5(), (1, 28, 28)), (LeNet5(), (784,)), (Mlp((9, 5)), (2, 3)), (Linear(), (6,))],
)
def test_passes_of_the_built_in_models_equal_automatic_differentiation(model, shape):
    assert_equal_passes(problem_of(model, shape), 24)


def test_second_batch_leaves_no_trace_of_the_first():
    problem = problem_of(LeNet5(), (1, 28, 28), dtype=np.float32)
    compiled, _ = both_networks(problem)
    slopes = np.ones((3, 10), np.float32)
    alone = compiled.forward(problem.x_train[:10], 0), compiled.pull(slopes).clone()
    compiled.forward(problem.x_train[10:20], 0)
    compiled.pull(5 * slopes)
    compiled.evaluate(problem.x_train)
    again = compiled.forward(problem.x_train[:10], 0), compiled.pull(slopes).clone()
    assert (alone[0] == again[0]).all()
    assert torch.equal(alone[1], again[1])


def hooked():
    layer = nn.Linear(6, 3)
    layer.register_forward_hook(lambda module, inputs, outputs: 2 * outputs)
    return nn.Sequential(layer)


def tied():
    layer = nn.Linear(6, 6)
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Linear(6, 3))


def frozen():
    layer = nn.Linear(6, 6).requires_grad_(False)
    return nn.Sequential(layer, nn.Linear(6, 3))


def images(*layers):
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(3))


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (hooked, (6,)),
        (tied, (6,)),
        (frozen, (6,)),
        (lambda: nn.Sequential(nn.Linear(6, 3), nn.Tanh()), (6,)),
        (lambda: nn.Sequential(nn.Linear(6, 3, bias=False)), (6,)),
        (lambda: nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5), nn.Linear(6, 3)), (6,)),
        (lambda: nn.Sequential(nn.Linear(6, 6), nn.GELU(), nn.Linear(6, 3)), (6,)),
        (lambda: images(nn.Conv2d(1, 2, 3, stride=2)), (1, 8, 8)),
        (lambda: images(nn.Conv2d(1, 2, (3, 2))), (1, 8, 8)),
        (lambda: images(nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect")), (1, 8, 8)),
        (lambda: images(nn.Conv2d(1, 2, 3, padding="same")), (1, 8, 8)),
        (lambda: images(nn.Conv2d(1, 2, 3, dilation=2)), (1, 8, 8)),
        (lambda: images(nn.Conv2d(2, 2, 3, groups=2)), (2, 8, 8)),
        (lambda: images(nn.Conv2d(1, 64, 3)), (1, 8, 8)),
        (lambda: images(nn.BatchNorm2d(1)), (1, 8, 8)),
        (lambda: images(nn.AvgPool2d(2, stride=1)), (1, 8, 8)),
        (lambda: images(nn.AvgPool2d(3, ceil_mode=True)), (1, 8, 8)),
        (lambda: images(nn.MaxPool2d(2)), (1, 8, 8)),
    ],
)
def test_what_a_chain_cannot_express_takes_automatic_differentiation(make, shape):
    def built(outputs):
        module = make()
        module(torch.zeros(2, *shape))  # gives lazy layers their sizes
        return module

    problem = problem_of(Recipe(built), shape)
    assert plan_of(problem.create(0), shape) is None
    assert type(network_of(problem)) is ModuleNetwork
