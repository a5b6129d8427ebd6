"""Folding: equal to the bit over shapes, strides, groups, dilations and padding modes."""

import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from heliostat_methods.gmconv import (
    DynamicGMConv2d,
    GMConv1d,
    GMConv2d,
    GMConv3d,
    convert_gmconv,
    fold_gmconv,
)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1, 2, 3, 5, (2, 3), (1, 4)]),
    st.sampled_from([1, 2, (2, 1)]),
    st.sampled_from([0, 1, "valid"]),
    st.sampled_from([1, 2]),
    st.sampled_from([(2, 3, 1), (4, 6, 2), (3, 3, 3)]),
    st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
    st.floats(0.01, 30),
    st.booleans(),
    st.booleans(),
)
def test_a_folded_layer_gives_the_same_bits(
    kernel, stride, padding, dilation, channels, padding_mode, sigma, per_channel, last
):
    into, out, groups = channels
    layer = GMConv2d(
        into, out, kernel, stride, padding, dilation, groups, padding_mode=padding_mode,
        sigma_init=sigma, per_channel=per_channel,
    )  # fmt: skip
    order = torch.channels_last if last else torch.contiguous_format
    layer.to(memory_format=order)
    x = torch.randn(2, into, 11, 10).contiguous(memory_format=order)
    folded = fold_gmconv(layer).model
    assert type(folded) is nn.Conv2d
    assert torch.equal(folded(x), layer(x))
    assert torch.equal(folded.eval()(x), layer.eval()(x))
    with torch.no_grad():
        assert torch.equal(folded(x), layer(x))


@pytest.mark.parametrize(("kind", "rank"), [(GMConv1d, 1), (GMConv3d, 3)])
@pytest.mark.parametrize("options", [{}, {"learn_sigma": False}, {"sigma_param": "softplus"}])
def test_other_ranks_and_settings_fold_to_the_bit(kind, rank, options):
    layer, x = kind(2, 3, 3, sigma_init=1.0, **options), torch.randn(2, 2, *[5] * rank)
    assert torch.equal(fold_gmconv(layer).model(x), layer(x))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_types_fold_to_the_bit(dtype):
    layer, x = GMConv2d(2, 3, 3, sigma_init=1.0).to(dtype), torch.randn(2, 2, 5, 5).to(dtype)
    folded = fold_gmconv(layer).model
    assert folded.weight.dtype == dtype
    assert torch.equal(folded(x), layer(x))


def test_the_given_model_stays_and_the_folded_one_is_plain():
    plain = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 5, padding=2))
    masked = convert_gmconv(plain, "circle").model
    masked[0] = GMConv2d(2, 3, 3, sigma_init=1.0)
    masked[0].weight.requires_grad_(False)
    done = fold_gmconv(masked)
    assert done.folded == ("0", "2")
    assert done.left == ()
    assert isinstance(masked[0], GMConv2d)
    assert [type(m) for m in done.model] == [nn.Conv2d, nn.ReLU, nn.Conv2d]
    assert set(done.model.state_dict()) == set(plain.state_dict())
    assert not done.model[0].weight.requires_grad
    assert done.model[2].weight.requires_grad
    assert not dict(done.model.named_buffers())
    assert "sigma" not in repr(done.model)
    before = masked[0].masked_weight()
    with torch.no_grad():
        done.model[0].weight.zero_()
    assert torch.equal(masked[0].masked_weight(), before)


def test_a_dynamic_layer_is_refused_or_left():
    model = nn.Sequential(DynamicGMConv2d(2, 3, 3), GMConv2d(3, 2, 3))
    with pytest.raises(ValueError) as error:
        fold_gmconv(model)
    assert str(error.value) == (
        "skip_dynamic must be True to leave dynamic layers as they are, got False: the input says "
        "the mask of 0"
    )
    done = fold_gmconv(model, skip_dynamic=True)
    assert (done.folded, done.left) == (("1",), ("0",))
    assert isinstance(done.model[0], DynamicGMConv2d)
    x = torch.randn(2, 2, 9, 9)
    assert torch.equal(done.model(x), model(x))


def test_a_width_that_is_nan_is_refused():
    model = nn.Sequential(GMConv2d(1, 1, 3))
    nn.init.constant_(model[0].sigma, float("nan"))
    with pytest.raises(ValueError) as error:
        fold_gmconv(model)
    assert str(error.value) == "0: sigma must be a number to be folded, got nan"


def test_a_folded_model_is_exported_to_onnx():
    onnx = pytest.importorskip("onnx", reason="the optional package onnx is not installed")
    model = fold_gmconv(nn.Sequential(GMConv2d(2, 3, 3, sigma_init=1.0), nn.ReLU())).model.eval()
    file = io.BytesIO()
    torch.onnx.export(model, (torch.randn(1, 2, 5, 5),), file, dynamo=False)
    graph = onnx.load_from_string(file.getvalue()).graph
    assert [node.op_type for node in graph.node] == ["Conv", "Relu"]
    (kernel,) = (one for one in graph.initializer if len(one.dims) == 4)
    found = torch.tensor(onnx.numpy_helper.to_array(kernel))
    assert torch.equal(found, model[0].weight)
