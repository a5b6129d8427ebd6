"""Static layers: numbers of the specification, limits, state, the kept kernel, refusals."""

import copy
import io
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from heliostat_methods.gmconv import GMConv1d, GMConv2d, GMConv3d

PLAIN = {GMConv1d: nn.Conv1d, GMConv2d: nn.Conv2d, GMConv3d: nn.Conv3d}
RANKS = pytest.mark.parametrize(("kind", "rank"), [(GMConv1d, 1), (GMConv2d, 2), (GMConv3d, 3)])


def pattern(shape, step, start, modulus, shift, scale):
    """Return ((step * i + start) mod modulus - shift) / scale by flat index i, in float64."""
    i = torch.arange(math.prod(shape))
    return ((((step * i + start) % modulus) - shift).double() / scale).reshape(shape)


def weights(shape):
    return pattern(shape, 7, 3, 11, 5, 4)


def inputs(shape):
    return pattern(shape, 5, 1, 13, 6, 2)


# y[0,0,0,0], y[0,-1,-1,-1], sum y, sum y^2, dL/dsigma, sum dW, sum dW^2, sum dx^2 for
# L = sum c y, c_i = (3 i + 2) mod 7 - 3. docs/methods/gmconv.md, computed apart from this code.
ORACLES = [
    (
        {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "padding": 1, "sigma_init": 1.0},
        5,
        (-1.2028257437, -1.7369119298, 6.8565991799, 754.52963812),
        (29.5521521478, -12.4731313738, 2639.14678883, 925.10059863),
    ),
    (
        {"in_channels": 2, "out_channels": 2, "kernel_size": 5, "stride": 2, "padding": 2}
        | {"sigma_init": 2.0},
        7,
        (-4.5171232693, 7.4425207267, 10.7247154403, 2116.16484263),
        (11.7789949762, 4.8652640459, 9799.95652997, 1332.86639824),
    ),
    (
        {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "padding": 2, "dilation": 2}
        | {"groups": 2, "sigma_init": 1.5},
        6,
        (-1.1088196116, -1.4389671601, 29.1645717771, 1825.06147203),
        (-3.9803721170, 34.2045698588, 7078.23985001, 1810.11784724),
    ),
]


@pytest.mark.parametrize(("options", "size", "forward", "backward"), ORACLES)
@pytest.mark.parametrize("sigma_param", ["raw", "softplus"])
def test_outputs_and_gradients_are_those_of_the_specification(
    options, size, forward, backward, sigma_param
):
    layer = GMConv2d(**options, bias=False, dtype=torch.float64, sigma_param=sigma_param)
    with torch.no_grad():
        layer.weight.copy_(weights(layer.weight.shape))
    x = inputs((1, options["in_channels"], size, size)).requires_grad_()
    y = layer(x)
    (y * pattern(y.shape, 3, 2, 7, 3, 1)).sum().backward()
    along = layer.sigma.grad
    if sigma_param == "softplus":
        along = along / torch.sigmoid(layer.sigma.detach())
    dw, flat = layer.weight.grad, y.detach()
    found = (flat[0, 0, 0, 0], flat[0, -1, -1, -1], flat.sum(), flat.square().sum(), along)
    found += (dw.sum(), dw.square().sum(), x.grad.square().sum())
    assert [float(v) for v in found] == pytest.approx((*forward, *backward), rel=1e-9, abs=1e-7)


@RANKS
def test_a_layer_is_torchs_layer_with_one_more_entry(kind, rank):
    torch.manual_seed(3)
    plain = PLAIN[kind](2, 4, 3)
    torch.manual_seed(3)
    layer = kind(2, 4, 3)
    assert isinstance(layer, PLAIN[kind])
    assert set(layer.state_dict()) == {"weight", "bias", "sigma"}
    assert layer.sigma.shape == ()
    assert float(layer.sigma.detach()) == 5.0
    assert torch.equal(plain.weight, layer.weight)
    assert torch.equal(plain.bias, layer.bias)
    torch.rand(1)
    x = torch.randn(2, 2, *[5] * rank)
    wanted = PLAIN[kind](2, 4, 3)
    wanted.load_state_dict({"weight": layer.masked_weight().detach(), "bias": plain.bias.detach()})
    assert torch.equal(layer(x), wanted(x))


def test_a_narrow_mask_leaves_a_convolution_of_the_centre_tap():
    layer = GMConv2d(2, 3, 3, padding=1, sigma_init=0.01, dtype=torch.float64)
    x = inputs((2, 2, 5, 5))
    wanted = nn.functional.conv2d(x, layer.weight[:, :, 1:2, 1:2], layer.bias)
    torch.testing.assert_close(layer(x), wanted, atol=1e-12, rtol=0)


def test_a_wide_mask_leaves_the_convolution():
    layer = GMConv2d(2, 3, 3, sigma_init=1e30)
    x = torch.randn(2, 2, 5, 5)
    assert torch.equal(layer(x), nn.functional.conv2d(x, layer.weight, layer.bias))


@settings(max_examples=25, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.01, 20), st.sampled_from([2, 3, (1, 4)]))
def test_outputs_are_linear_in_the_weight(a, b, sigma, kernel):
    layer = GMConv2d(2, 2, kernel, bias=False, sigma_init=sigma, dtype=torch.float64)
    first = weights(layer.weight.shape)
    second = weights(layer.weight.shape).flip(0)
    x = inputs((1, 2, 5, 5))

    def output(weight):
        with torch.no_grad():
            layer.weight.copy_(weight)
            return layer(x)

    both = output(a * first + b * second)
    torch.testing.assert_close(both, a * output(first) + b * output(second), atol=1e-10, rtol=1e-10)


def test_a_width_for_each_output_channel_masks_each_by_its_own():
    layer = GMConv2d(2, 3, 3, per_channel=True)
    assert layer.sigma.shape == (3,)
    with torch.no_grad():
        layer.sigma.copy_(torch.tensor([0.5, 1.0, 4.0]))
    for row in range(3):
        one = GMConv2d(2, 1, 3, sigma_init=float(layer.sigma[row].detach()))
        with torch.no_grad():
            one.weight.copy_(layer.weight[row : row + 1])
        torch.testing.assert_close(one.masked_weight()[0], layer.masked_weight()[row])
        torch.testing.assert_close(one.mask(), layer.mask()[row])


def test_a_constant_width_is_no_parameter_and_is_in_the_state():
    layer = GMConv2d(2, 3, 3, sigma_init=2.0, learn_sigma=False)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    assert float(layer.state_dict()["sigma"]) == 2.0
    layer(torch.randn(1, 2, 5, 5)).sum().backward()
    assert layer.weight.grad is not None


def test_a_circle_has_no_width():
    layer = GMConv2d(1, 1, 5, mask="circle")
    assert set(layer.state_dict()) == {"weight", "bias"}
    wanted = layer.weight.detach().clone()
    wanted[..., ::4, ::4] = 0
    assert torch.equal(layer.masked_weight(), wanted)
    with pytest.raises(ValueError, match=r"^mask must be 'gaussian' for .*, got 'circle'$"):
        layer.effective_sigma()


def test_a_plain_state_dict_loads_and_lacks_sigma_alone():
    plain, layer = nn.Conv2d(2, 3, 3), GMConv2d(2, 3, 3, sigma_init=2.0)
    with pytest.raises(RuntimeError, match=r'Missing key.*: "sigma"') as error:
        layer.load_state_dict(plain.state_dict())
    assert "weight" not in str(error.value)
    assert "r2" not in str(error.value)
    loaded = layer.load_state_dict(plain.state_dict(), strict=False)
    assert loaded.missing_keys == ["sigma"]
    assert loaded.unexpected_keys == []
    assert torch.equal(layer.weight, plain.weight)
    assert float(layer.sigma.detach()) == 2.0


def passed_on(layer):
    kept = io.BytesIO()
    torch.save(layer, kept)
    kept.seek(0)
    return torch.load(kept, weights_only=False)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), passed_on]
)
def test_copies_and_files_give_the_same_and_are_apart(copied):
    layer, x = GMConv2d(2, 3, 3, sigma_init=1.0).eval(), torch.randn(2, 2, 5, 5)
    with torch.no_grad():
        before = layer(x)
        other = copied(layer)
        assert torch.equal(other(x), before)
        other.sigma.fill_(3.0)
        assert not torch.equal(other(x), before)
        assert torch.equal(layer(x), before)


def double(layer):
    layer.weight.mul_(2)


def widen(layer):
    layer.sigma.fill_(4.0)


def load(layer):
    layer.load_state_dict({k: v + 1 for k, v in layer.state_dict().items()})


def assign(layer):
    layer.load_state_dict({k: v + 1 for k, v in layer.state_dict().items()}, assign=True)


def replace_weight(layer):
    layer.weight = nn.Parameter(layer.weight + 1)


def through_half(layer):
    layer.half().float()


def data_and_mode(layer):
    layer.weight.data.view(-1).add_(1.0)
    layer.eval()


def other_data(layer):
    layer.weight.data = layer.weight + 1


CHANGES = [double, widen, load, assign, replace_weight, through_half, data_and_mode, other_data]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_kept_kernel_is_made_anew_when_something_changes(change, mode):
    torch.manual_seed(0)
    layer, x = GMConv2d(2, 3, 3, sigma_init=1.0).eval(), torch.randn(2, 2, 5, 5)
    with mode():
        before = layer(x)
    with torch.no_grad():
        change(layer)
    with mode():
        after = layer(x)
    wanted = layer._conv_forward(x, layer.masked_weight(), layer.bias)
    assert torch.equal(after, wanted)
    assert not torch.equal(after, before)


def test_in_evaluation_the_kernel_is_masked_once(monkeypatch):
    layer, x = GMConv2d(2, 3, 3).eval(), torch.randn(2, 2, 5, 5)
    with torch.no_grad():
        before = layer(x)

        def refused(*_):
            raise AssertionError("masked again")

        monkeypatch.setattr(layer, "masked_weight", refused)
        assert torch.equal(layer(x), before)
        layer.sigma.add_(1.0)
        with pytest.raises(AssertionError, match="masked again"):
            layer(x)


def test_evaluation_with_gradients_follows_them():
    layer, x = GMConv2d(2, 3, 3).eval(), torch.randn(2, 2, 5, 5)
    with torch.no_grad():
        layer(x)
    layer(x).sum().backward()
    assert layer.sigma.grad is not None
    # What was kept during inference serves a later pass that follows the input alone.
    layer.requires_grad_(False)
    with torch.inference_mode():
        layer(x)
    x.requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None


def test_a_layer_built_on_no_device_is_whole_once_it_has_one():
    layer = nn.utils.skip_init(GMConv2d, 2, 3, 3, sigma_init=2.0)
    layer.reset_parameters()
    assert float(layer.sigma.detach()) == 2.0
    assert layer.r2.tolist() == [[2.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 2.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_short_type_masks_in_float32(dtype):
    layer = GMConv2d(1, 1, 41, sigma_init=0.25, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    wanted = layer.masked_weight().to(dtype)
    layer.to(dtype)
    assert layer.r2.dtype == torch.float32
    assert torch.equal(layer.masked_weight(), wanted)


def test_channels_last_keeps_its_order_and_numbers():
    torch.manual_seed(0)
    layer, x = GMConv2d(4, 6, 3, padding=1), torch.randn(2, 4, 5, 5)
    last = copy.deepcopy(layer).to(memory_format=torch.channels_last)
    assert last.masked_weight().is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(last.masked_weight(), layer.masked_weight())
    for one, images in ((layer, x), (last, x.contiguous(memory_format=torch.channels_last))):
        one(images).square().sum().backward()
    torch.testing.assert_close(last.weight.grad, layer.weight.grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(last.sigma.grad, layer.sigma.grad, rtol=1e-4, atol=1e-4)


def test_an_empty_batch_gives_an_empty_map():
    layer = GMConv2d(2, 3, 3)
    y = layer(torch.zeros(0, 2, 5, 5))
    assert y.shape == (0, 3, 3, 3)
    y.sum().backward()
    assert float(layer.sigma.grad) == 0.0


def test_a_width_that_goes_to_zero_gives_numbers():
    layer = GMConv2d(2, 3, 3)
    with torch.no_grad():
        layer.sigma.zero_()
    y = layer(torch.randn(1, 2, 5, 5))
    y.sum().backward()
    assert bool(y.isfinite().all())
    assert float(layer.sigma.grad) == 0.0
    assert bool(layer.weight.grad.isfinite().all())


@pytest.mark.parametrize("training", [True, False])
def test_a_width_that_becomes_nan_is_refused_where_that_is_asked_for(training):
    x = torch.randn(1, 2, 5, 5)
    layer = GMConv2d(2, 3, 3, check_finite=True).train(training)
    with torch.no_grad():
        layer(x)
        layer.sigma.fill_(math.nan)
        with pytest.raises(FloatingPointError, match=r"^sigma must be finite, got nan$"):
            layer(x)
        layer.settings = GMConv2d(1, 1, 3).settings
        assert bool(layer(x).isnan().all())


@pytest.mark.parametrize("size", [0, -1, (3, 0)])
def test_kernels_without_taps_are_refused(size):
    with pytest.raises(ValueError) as error:
        GMConv2d(2, 3, size)
    assert str(error.value).endswith(f"in every dimension, got {size!r}")


def test_a_width_at_the_start_that_is_not_so_is_refused():
    with pytest.raises(ValueError, match=r"^sigma_init must be a finite positive number, got -1$"):
        GMConv2d(2, 3, 3, sigma_init=-1)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_modes_are_those_of_the_base_class(mode):
    layer, x = GMConv2d(2, 3, 3, padding=1, padding_mode=mode), torch.randn(1, 2, 5, 5)
    plain = nn.Conv2d(2, 3, 3, padding=1, padding_mode=mode)
    plain.load_state_dict({"weight": layer.masked_weight().detach(), "bias": layer.bias.detach()})
    assert torch.equal(layer(x), plain(x))


def test_a_layer_says_its_settings():
    assert repr(GMConv2d(2, 3, 3, per_channel=True)).endswith("sigma_init=5.0, per_channel=True)")
    assert repr(GMConv2d(2, 3, 5, mask="circle")).endswith("stride=(1, 1), mask='circle')")
