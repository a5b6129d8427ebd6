"""Frozen layers: what they keep, and that nothing done to a model changes what they give."""

from __future__ import annotations

import copy
import io
import pickle
import warnings

import pytest
import torch
from torch import nn

from heliostat_methods.lutnn.codebooks.tables import quantised_tables
from heliostat_methods.lutnn.layers.convolution import LutConv2d
from heliostat_methods.lutnn.layers.frozen import FrozenLutConv2d, FrozenLutLinear
from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings


def linear_of(made, seed=0, bias=True, table_scale="per_layer"):
    return LutLinear.from_tensors(
        made.drawn(3, 8, 4, seed=seed), made.drawn(3, 4, 5, seed=seed + 1),
        made.drawn(5, seed=seed + 2) if bias else None, table_scale=table_scale,
    )  # fmt: skip


def convolution_of(made, seed=0):
    torch.manual_seed(seed)
    layer = LutConv2d(nn.Conv2d(3, 5, 3, padding=1))
    layer.set_centroids(made.drawn(3, 16, 9, seed=seed))
    return layer


@pytest.fixture(params=["linear", "convolution"])
def pair(request, made):
    """A trained layer's frozen form, that of another one of its sizes, and inputs."""
    if request.param == "linear":
        first, second, x = linear_of(made), linear_of(made, 7), made.drawn(20, 12, seed=3)
    else:
        first, second = convolution_of(made), convolution_of(made, 7)
        x = made.drawn(2, 3, 8, 7, seed=3)
    return first.freeze(), second.freeze(), x


def test_int8_tables_centroids_and_scales_are_kept_and_no_weights(made):
    layer = linear_of(made, table_scale="per_output")
    state = layer.freeze().state_dict()
    shapes = {name: (tuple(v.shape), v.dtype) for name, v in state.items()}
    assert shapes == {
        "centroids": ((3, 8, 4), torch.float32),
        "tables": ((3, 8, 5), torch.int8),
        "scale": ((5,), torch.float32),
        "bias": ((5,), torch.float32),
        "input_scale": ((), torch.float32),
    }
    tables, step = quantised_tables(layer.centroids, layer.weight, "per_output")
    assert torch.equal(state["tables"], tables)
    assert torch.equal(state["scale"], step)
    assert float(state["input_scale"]) == 0
    assert "bias" not in linear_of(made, bias=False).freeze().state_dict()
    assert not list(layer.freeze().parameters())


def test_training_goes_on_without_changing_what_was_frozen(made):
    layer, x = linear_of(made), made.drawn(20, 12, seed=3)
    frozen = layer.freeze()
    before = frozen(x)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(1.0)
    assert torch.equal(frozen(x), before)
    for name, value in frozen.state_dict().items():
        for parameter in layer.parameters():
            assert value.data_ptr() != parameter.data_ptr(), name


def test_casts_leave_the_numbers_alone(pair):
    frozen, _, x = pair
    expected = frozen(x)
    state = {name: value.clone() for name, value in frozen.state_dict().items()}
    holder = nn.Sequential(frozen, nn.Linear(5, 5))
    for cast in (nn.Module.double, nn.Module.half, nn.Module.bfloat16, nn.Module.float):
        cast(holder)
        assert torch.equal(frozen(x), expected)
        for name, value in frozen.state_dict().items():
            assert value.dtype == state[name].dtype
            assert torch.equal(value, state[name])


def test_a_loaded_state_is_looked_up(pair):
    frozen, other, x = pair
    expected = frozen(x)
    assert not torch.equal(other(x), expected)
    holder = nn.ModuleDict({"inner": nn.Sequential(other)})
    holder.load_state_dict(nn.ModuleDict({"inner": nn.Sequential(frozen)}).state_dict())
    assert torch.equal(other(x), expected)


def test_copies_are_the_layer_and_apart_from_it(pair):
    frozen, other, x = pair
    expected, theirs = frozen(x), other(x)
    copies = [copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen))]
    for one in copies:
        assert torch.equal(one(x), expected)
        one.load_state_dict(other.state_dict())
        assert torch.equal(one(x), theirs)
    assert torch.equal(frozen(x), expected)


def test_a_state_in_bytes_is_the_state(pair):
    frozen, other, x = pair
    file = io.BytesIO()
    torch.save(frozen.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(x), frozen(x))
    third = pickle.loads(pickle.dumps(frozen.state_dict()))
    assert all(torch.equal(third[name], value) for name, value in frozen.state_dict().items())


def test_an_int8_search_comes_near_and_survives_a_state(made):
    layer = linear_of(made)
    x = made.drawn(2000, 12, seed=3)
    frozen = layer.freeze("int8", float(x.abs().max()) / 127)
    exact = layer.freeze()(x)
    error = float((frozen(x) - exact).norm() / exact.norm())
    assert 0 < error < 0.2
    assert float(frozen.state_dict()["input_scale"]) == pytest.approx(float(x.abs().max()) / 127)
    other = linear_of(made, 7).freeze("int8", 1.0)
    other.load_state_dict(frozen.state_dict())
    assert torch.equal(other(x), frozen(x))
    assert "search='int8'" in str(frozen)


def test_an_int8_search_needs_the_size_of_inputs(made):
    for step in (None, 0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=r"^input_scale: .* expected a positive number for"):
            linear_of(made).freeze("int8", step)
    with pytest.raises(ValueError, match=r"^search: 'int4', expected 'float' or 'int8'$"):
        linear_of(made).freeze("int4")


def test_outputs_have_no_gradient(pair):
    frozen, _, x = pair
    assert not frozen(x.requires_grad_()).requires_grad


def test_trained_layers_of_any_type_are_frozen_in_float32(made):
    x = made.drawn(20, 12, seed=3)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        layer = linear_of(made).to(dtype)
        frozen = layer.freeze()
        assert {v.dtype for v in frozen.state_dict().values()} == {torch.float32, torch.int8}
        again = LutLinear.from_tensors(
            layer.centroids.detach().float(), layer.weight.detach().float(), layer.bias.float(),
            settings=LutSettings(),
        ).freeze()  # fmt: skip
        error = (frozen(x) - again(x)).abs().max() / again(x).abs().max()
        assert float(error) < 0.02, dtype


def test_nan_and_infinite_inputs_give_finite_outputs(pair):
    frozen, _, x = pair
    x = x.clone()
    x.view(-1)[::5] = float("nan")
    x.view(-1)[1::7] = float("inf")
    x.view(-1)[2::9] = -float("inf")
    assert bool(torch.isfinite(frozen(x)).all())


class Network(nn.Module):
    def __init__(self, made):
        super().__init__()
        self.first = convolution_of(made).freeze()
        torch.manual_seed(1)
        wide = LutConv2d(nn.Conv2d(5, 4, 5, padding=2, padding_mode="circular"))
        wide.set_centroids(made.drawn(5, 16, 25))
        self.second = wide.freeze()
        self.last = LutLinear.from_linear(nn.Linear(4, 3), 3, 8, pad=True)
        self.last.set_centroids(made.drawn(2, 8, 3))
        self.last = self.last.freeze()

    def forward(self, x):
        return self.last(self.second(self.first(x).relu()).mean((2, 3)))


def test_an_exported_model_gives_the_same_bits(made):
    network, x = Network(made).eval(), made.drawn(3, 3, 8, 7)
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(network, (x,), dynamic_shapes=({0: batch},), strict=False)
    called = [str(node.target) for node in program.graph.nodes if "lutnn" in str(node.target)]
    assert called == [
        "heliostat_lutnn.conv3x3.default",
        "heliostat_lutnn.linear.default",
        "heliostat_lutnn.linear.default",
    ]
    for inputs in (x, made.drawn(5, 3, 8, 7, seed=4)):
        assert torch.equal(program.module()(inputs), network(inputs))
    assert network(x).unique().numel() > 3


def test_kinds(pair):
    assert isinstance(pair[0], FrozenLutLinear | FrozenLutConv2d)
    assert pair[0].out_features == 5


@pytest.mark.parametrize("kind", ["jit", "make_fx"])
def test_every_way_to_trace_keeps_the_operators(made, kind):
    layer = LutLinear(16, 5, length=4)
    layer.init_centroids(made.drawn(60, 16))
    frozen, first, other = layer.freeze(), made.drawn(7, 16), made.drawn(7, 16) + 1
    if kind == "jit":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(frozen, first)
    else:
        traced = torch.fx.experimental.proxy_tensor.make_fx(frozen)(first)
    assert torch.equal(traced(other), frozen(other))


def test_a_view_of_the_other_sign_is_read_as_it_is(made):
    layer = LutLinear(16, 5, length=4)
    layer.init_centroids(made.drawn(60, 16))
    x = made.drawn(7, 16)
    assert torch.equal(layer.freeze()(torch._neg_view(x)), layer.freeze()(-x))


def test_an_autocast_changes_nothing_that_is_frozen(made):
    layer = LutLinear(16, 5, length=4)
    layer.init_centroids(made.drawn(60, 16))
    x = made.drawn(7, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        seen = layer(x)
    torch.testing.assert_close(seen, layer(x))
