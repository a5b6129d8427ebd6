"""The three passes of a module: each against automatic differentiation of the module itself."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call

from heliostat_search.unrolled.drawing import drawing_from
from heliostat_search.unrolled.functional_module import (
    FunctionalModule,
    module_numbers,
    split_numbers,
)

QUICK = settings(max_examples=20, deadline=None)
SEEDS = st.integers(0, 2**32)


class Tied(nn.Module):
    """The same weights on the way in and on the way out."""

    def __init__(self):
        super().__init__()
        self.way_in, self.way_out = nn.Linear(3, 3), nn.Linear(3, 3)
        self.way_out.weight = self.way_in.weight
        self.last = nn.Linear(3, 2)

    def forward(self, x):
        return self.last(torch.tanh(self.way_out(torch.tanh(self.way_in(x)))))


class Frozen(nn.Module):
    """A first layer that is not trained."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)
        self.first.requires_grad_(False)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)))


class Recording(nn.Module):
    """Replaces a buffer in every pass, by numbers that hang on the pass's graph."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.register_buffer("seen", torch.zeros(2))

    def forward(self, x):
        made = torch.tanh(self.layer(x))
        self.seen = 0.5 * self.seen + made.mean(0)
        return made


class Idle(nn.Module):
    """Has parameters that no output takes."""

    def __init__(self):
        super().__init__()
        self.before, self.layer, self.after = nn.Linear(2, 2), nn.Linear(3, 2), nn.Linear(5, 1)

    def forward(self, x):
        return torch.tanh(self.layer(x))


MAKES = {
    "dense": lambda: nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)),
    "dropout": lambda: nn.Sequential(
        nn.Linear(3, 20), nn.Dropout(0.5), nn.Tanh(), nn.Linear(20, 8), nn.Dropout(0.3),
        nn.Linear(8, 2),
    ),
    "batchnorm": lambda: nn.Sequential(
        nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 2)
    ),
    "tied": Tied,
    "frozen": Frozen,
    "recording": Recording,
    "idle": Idle,
}  # fmt: skip


def made(name, seed=0):
    with drawing_from(seed):
        return MAKES[name]()


def passes(name, seed=0):
    return FunctionalModule(made(name, seed), 2, dtype=torch.float64)


def normal(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def plain(name, x, seed):
    """Outputs as a function of the trained parameters, by a module of its own in training mode."""
    module = made(name).double().train()
    trained = {n: p.detach() for n, p in module.named_parameters() if p.requires_grad}

    def outputs_of(*parts):
        other = copy.deepcopy(module)
        with drawing_from(seed):
            return functional_call(other, dict(zip(trained, parts, strict=True)), (x,))

    return outputs_of, tuple(trained.values())


@pytest.mark.parametrize("name", MAKES)
def test_the_three_passes_are_those_of_the_module(name):
    x, e = normal(1, 6, 3), normal(2, 6, 2)
    one = passes(name)
    outputs_of, parts = plain(name, x, seed=9)
    v = normal(3, one.parameters)
    expected, pulled = torch.autograd.functional.vjp(outputs_of, parts, e)
    jacobians = torch.autograd.functional.jacobian(outputs_of, parts)
    flat = torch.cat([j.reshape(6, 2, -1) for j in jacobians], dim=2)
    assert torch.allclose(one.forward(x, 9), expected, rtol=1e-12)
    found = one.pull(e).clone()
    assert torch.allclose(found, torch.cat([p.reshape(-1) for p in pulled]), atol=1e-12)
    assert torch.allclose(one.push(v), flat @ v, atol=1e-12)


@pytest.mark.parametrize("name", MAKES)
@given(seed=SEEDS)
@QUICK
def test_pull_is_the_adjoint_of_push(name, seed):
    one = passes(name, seed)
    x, e, v = normal(seed, 5, 3), normal(seed + 1, 5, 2), normal(seed + 2, one.parameters)
    one.forward(x, seed)
    left = (e * one.push(v)).sum().item()
    assert left == pytest.approx((one.pull(e) @ v).item(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", MAKES)
def test_outputs_of_other_parameters_are_those_of_a_module_that_has_them(name):
    one, other, x, e = passes(name, 1), passes(name, 2), normal(0, 6, 3), normal(1, 6, 2)
    one.forward(x, 3)
    kept, theta = one.state(), other.theta.clone().requires_grad_()
    other.load_buffers(kept)
    outputs = one.outputs_of(theta, x, 7)
    assert torch.equal(outputs.detach(), other.forward(x, 7))
    (slopes,) = torch.autograd.grad(outputs, theta, e)
    assert torch.allclose(slopes, other.pull(e), rtol=1e-10, atol=1e-12)
    # its own parameters and buffers stay, and the pass before is still there
    assert np.array_equal(one.state(), kept)
    one.pull(e)


def test_masks_are_the_seeds_alone_and_the_same_in_all_passes():
    one, x = passes("dropout"), normal(0, 5, 3)
    first, other = one.forward(x, 4), one.forward(x, 5)
    assert not torch.equal(first, other)
    torch.rand(7)
    assert torch.equal(one.forward(x, 4), first)
    # the last layer is linear in its bias alone, and its weights see what masks have left
    weights = torch.zeros(one.parameters, dtype=torch.float64)
    last = one.split(weights)[-2]
    last.copy_(dict(one.module.named_parameters())["5.weight"].detach())
    bias = dict(one.module.named_parameters())["5.bias"].detach()
    assert torch.allclose(one.push(weights), first - bias, rtol=1e-12)


def test_statistics_of_a_batch_are_taken_once_a_forward_pass():
    one, x, e = passes("batchnorm"), normal(0, 6, 3), normal(1, 6, 2)
    one.forward(x, 0)
    kept = one.buffers()
    assert kept["1.num_batches_tracked"].item() == 1
    assert not torch.equal(kept["1.running_mean"], torch.zeros(5, dtype=torch.float64))
    one.push(normal(2, one.parameters))
    one.pull(e)
    assert all(torch.equal(part, kept[name]) for name, part in one.buffers().items())


def test_buffers_come_back_as_they_were():
    one, x = passes("batchnorm"), normal(0, 6, 3)
    start, kept = one.state(), one.buffers()
    one.forward(x, 0)
    moved = one.state()
    assert not np.array_equal(moved, start)
    one.restore_buffers(kept)
    assert np.array_equal(one.state(), start)
    one.forward(x, 0)
    assert np.array_equal(one.state(), moved)
    one.load_buffers(start)
    assert np.array_equal(one.state(), start)


@pytest.mark.parametrize("name", MAKES)
def test_all_numbers_go_out_and_come_in(name):
    one, other, x = passes(name, 1), passes(name, 2), normal(0, 6, 3)
    one.forward(x, 3)
    kept = one.state()
    other.load(kept)
    assert np.array_equal(other.state(), kept)
    assert np.array_equal(module_numbers(other.module), kept)
    assert torch.equal(one.forward(x, 4), other.forward(x, 4))
    assert torch.equal(one.evaluate(x), other.evaluate(x))
    one.theta.zero_()
    assert not np.array_equal(one.state(), kept)


def test_numbers_stand_in_order_trained_frozen_buffers():
    module = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1), nn.Linear(1, 1))
    for number, parameter in enumerate(module.parameters()):
        parameter.data.fill_(number)
    module[0].bias.requires_grad_(False)
    trained, rest = split_numbers(module)
    assert list(trained) == ["0.weight", "1.weight", "1.bias", "2.weight", "2.bias"]
    assert list(rest) == ["0.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"]
    numbers = module_numbers(module)
    assert numbers.dtype == np.float32 and numbers.tolist() == [0, 2, 3, 4, 5, 1, 0, 1, 0]
    assert np.array_equal(FunctionalModule(module, 1).state(), numbers)


def test_frozen_parameters_are_no_part_of_theta_and_stay():
    one = passes("frozen")
    before = one.module.first.weight.detach().clone()
    one.theta.add_(1.0)
    assert one.parameters == 10 and one.names == ["last.weight", "last.bias"]
    assert torch.equal(one.module.first.weight, before)


def test_tied_parameters_are_one_and_move_together():
    one = passes("tied")
    assert one.parameters == 9 + 3 + 3 + 8
    one.split(one.theta)[0].fill_(0.5)
    assert one.module.way_out.weight is one.module.way_in.weight
    assert (one.module.way_out.weight == 0.5).all()


@pytest.mark.parametrize("name", MAKES)
def test_the_module_takes_the_type_that_is_asked_for(name):
    module = made(name)
    one = FunctionalModule(module, 2, dtype=torch.float64)
    assert one.theta.dtype == torch.float64
    assert all(part.dtype == torch.float64 for part in module.parameters())
    assert one.evaluate(normal(0, 300, 3)).shape == (300, 2)
    assert FunctionalModule(made(name), 2).theta.dtype == torch.float32


def test_a_batch_may_be_asked_again():
    one, e = passes("dense"), normal(1, 6, 2)
    one.forward(normal(0, 6, 3), 0)
    first = one.pull(e, again=True).clone()
    assert torch.allclose(one.pull(2 * e), 2 * first, rtol=1e-12)
    with pytest.raises(RuntimeError, match="second time"):
        one.pull(e)


def test_a_module_with_nothing_to_train_has_empty_passes():
    module = nn.Linear(3, 2).requires_grad_(False)
    one, x = FunctionalModule(module, 2, dtype=torch.float64), normal(0, 4, 3)
    assert torch.equal(one.forward(x, 0), module(x))
    assert one.pull(normal(1, 4, 2)).shape == (0,)
    assert torch.equal(one.push(one.theta), torch.zeros(4, 2, dtype=torch.float64))


def test_evaluation_is_without_masks_and_with_kept_statistics_in_parts_of_any_length():
    one, x = passes("dropout"), normal(0, 600, 3)
    whole = one.evaluate(x)
    parts = torch.cat([one.evaluate(part) for part in x.split(77)])
    assert torch.allclose(whole, parts, rtol=1e-12)
    module = copy.deepcopy(one.module).eval()
    assert torch.allclose(whole, module(x).detach(), rtol=1e-12)
    assert one.module.training and not whole.requires_grad


def test_passes_of_outputs_in_other_shapes_are_rows():
    module = nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (2, 2)))
    one = FunctionalModule(module, 4, dtype=torch.float64)
    x, v = normal(0, 5, 3), normal(1, 16)
    assert one.forward(x, 0).shape == one.push(v).shape == (5, 4)
    assert one.evaluate(x).shape == (5, 4)
