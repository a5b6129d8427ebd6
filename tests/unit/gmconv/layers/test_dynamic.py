"""Dynamic layers: numbers of the specification, both forms of the sum, their start and state."""

import copy
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from heliostat_methods.gmconv import DynamicGMConv2d, GMConv2d, gaussian_mask
from heliostat_methods.gmconv.layers import sample_kernels
from heliostat_methods.gmconv.layers.sample_kernels import by_columns, convolve_samples, grouped
from heliostat_methods.gmconv.masks.taps import squared_distances


def pattern(shape, step, start, modulus, shift, scale):
    i = torch.arange(math.prod(shape))
    return ((((step * i + start) % modulus) - shift).double() / scale).reshape(shape)


@pytest.mark.parametrize("form", [by_columns, grouped])
def test_given_widths_give_the_numbers_of_the_specification(form):
    # docs/methods/gmconv.md, computed in float64 apart from this code.
    weight = pattern((2, 2, 3, 3), 7, 3, 11, 5, 4)
    x = pattern((2, 2, 4, 4), 5, 1, 13, 6, 2)
    sigma = torch.tensor([[0.8], [2.0]], dtype=torch.float64)
    r2 = squared_distances(3, torch.float64)
    y = form(x, weight, sigma, r2, None, (1, 1), (1, 1), (1, 1), 1)
    found = (y[0, 0, 0, 0], y[1, 0, 0, 0], y[0].sum(), y[1].sum(), y.square().sum())
    wanted = (-2.2985686853, -0.1802998042, 6.0305023271, -5.7093889813, 546.0294473330)
    assert [float(v) for v in found] == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([(1, 1), (3, 3), (2, 3), (4, 2)]),
    st.sampled_from([(1, 1), (2, 1), (3, 2)]),
    st.sampled_from([(0, 0), (1, 2)]),
    st.sampled_from([(1, 1), (2, 1)]),
    st.sampled_from([(4, 6, 1), (4, 6, 2), (3, 3, 3), (4, 8, 4)]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 3),
)
def test_both_forms_are_a_convolution_for_each_sample(
    kernel, stride, padding, dilation, channels, per_channel, with_bias, samples
):
    into, out, groups = channels
    generator = torch.Generator().manual_seed(0)
    exact = {"generator": generator, "dtype": torch.float64}
    x = torch.randn(samples, into, 8, 9, **exact).requires_grad_()
    weight = torch.randn(out, into // groups, *kernel, **exact).requires_grad_()
    sigma = (torch.rand(samples, out if per_channel else 1, **exact) + 0.4).requires_grad_()
    bias = torch.randn(out, **exact).requires_grad_() if with_bias else None
    leaves = [leaf for leaf in (x, weight, sigma, bias) if leaf is not None]
    rest = stride, padding, dilation, groups
    masks = gaussian_mask(kernel, sigma).unsqueeze(2)
    wanted = torch.cat(
        [F.conv2d(x[n : n + 1], weight * masks[n], bias, *rest) for n in range(samples)]
    )
    slopes = torch.autograd.grad(wanted.square().sum(), leaves)
    r2 = squared_distances(kernel, torch.float64)
    for form in (grouped, by_columns, convolve_samples):
        y = form(x, weight, sigma, r2, bias, *rest)
        torch.testing.assert_close(y, wanted, rtol=1e-10, atol=1e-10)
        for one, other in zip(torch.autograd.grad(y.square().sum(), leaves), slopes, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("size", "form"), [(5, "by_columns"), (6, "grouped")])
def test_the_form_is_chosen_by_the_places_of_the_output(size, form, monkeypatch):
    chosen = []
    for name in ("by_columns", "grouped"):
        monkeypatch.setattr(sample_kernels, name, lambda *_, name=name: chosen.append(name))
    x, weight = torch.zeros(1, 1, size, size), torch.zeros(1, 1, 3, 3)
    convolve_samples(x, weight, None, None, None, (1, 1), (1, 1), (1, 1), 1)
    assert chosen == [form]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": 1, "padding_mode": "reflect"},
        {"padding": "same"},
        {"padding": "same", "kernel_size": (2, 4)},
        {"padding": "valid", "stride": 2},
        {"padding": 2, "dilation": 2, "groups": 2, "bias": False},
        {"per_channel": True},
        {"sigma_init": 0.7},
    ],
)
@pytest.mark.parametrize("size", [5, 9])
def test_at_the_start_it_is_a_static_layer(options, size):
    torch.manual_seed(1)
    arguments = {"kernel_size": 3, **options}
    static = {k: v for k, v in arguments.items() if k != "per_channel"}
    fixed = GMConv2d(4, 6, **static)
    torch.manual_seed(1)
    layer = DynamicGMConv2d(4, 6, **arguments)
    assert torch.equal(layer.weight, fixed.weight)
    x = torch.randn(3, 4, size, size)
    torch.testing.assert_close(layer(x), fixed(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer(x[0]), fixed(x[0]), rtol=1e-4, atol=1e-5)
    widths = 6 if options.get("per_channel") else 1
    assert layer.last_sigma.shape == (1, widths)
    assert not layer.last_sigma.requires_grad


def test_widths_are_what_the_formula_says():
    torch.manual_seed(0)
    layer = DynamicGMConv2d(3, 5, 3, reduction=1, per_channel=True)
    nn.init.normal_(layer.predict.weight)
    x = torch.randn(4, 3, 6, 6)
    z = x.mean((2, 3))
    u = torch.relu(z @ layer.squeeze.weight.T + layer.squeeze.bias)
    wanted = F.softplus(u @ layer.predict.weight.T + layer.predict.bias) + 1e-2
    torch.testing.assert_close(layer.predicted_sigma(x), wanted)
    layer(x)
    torch.testing.assert_close(layer.last_sigma, wanted.detach())
    assert len(set(layer.last_sigma[:, 0].tolist())) == 4


@pytest.mark.parametrize(("channels", "reduction", "hidden"), [(3, 4, 4), (64, 4, 16), (64, 2, 32)])
def test_it_has_the_parameters_that_the_specification_counts(channels, reduction, hidden):
    layer = DynamicGMConv2d(channels, 8, 3, reduction=reduction)
    plain = sum(p.numel() for p in nn.Conv2d(channels, 8, 3).parameters())
    extra = channels * hidden + hidden + hidden + 1
    assert sum(p.numel() for p in layer.parameters()) == plain + extra


def test_every_parameter_gets_a_gradient_once_widths_differ():
    layer = DynamicGMConv2d(3, 5, 3)
    nn.init.ones_(layer.predict.weight)
    layer(torch.randn(2, 3, 8, 8)).square().sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    assert float(layer.squeeze.weight.grad.abs().sum()) > 0


def test_an_empty_batch_gives_an_empty_map():
    layer = DynamicGMConv2d(2, 3, 3)
    assert layer(torch.zeros(0, 2, 5, 5)).shape == (0, 3, 3, 3)
    assert layer.last_sigma.shape == (0, 1)


def test_copies_keep_widths_and_short_types_predict_in_float32():
    layer = DynamicGMConv2d(2, 3, 3, sigma_init=2.0)
    layer(torch.randn(2, 2, 5, 5))
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other.last_sigma, layer.last_sigma)
    short = copy.deepcopy(layer).bfloat16()
    assert short(torch.randn(2, 2, 5, 5).bfloat16()).dtype == torch.bfloat16
    assert short.last_sigma.dtype == torch.float32
    assert short.r2.dtype == torch.float32


def test_a_layer_built_on_no_device_is_whole_once_it_has_one():
    layer = nn.utils.skip_init(DynamicGMConv2d, 2, 3, 3, sigma_init=2.0)
    layer.reset_parameters()
    x = torch.randn(2, 2, 5, 5)
    assert bool(layer(x).isfinite().all())
    assert layer.last_sigma.tolist() == [[2.0], [2.0]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma_init": 0.0}, "sigma_init must be a finite positive number, got 0.0"),
        (
            {"sigma_init": 0.01},
            "sigma_init must be above 0.01 where softplus gives sigma, got 0.01",
        ),
        ({"reduction": 0}, "reduction must be a positive whole number, got 0"),
        ({"reduction": 2.5}, "reduction must be a positive whole number, got 2.5"),
        (
            {"kernel_size": 0},
            "kernel_size must be a positive whole number in every dimension, got 0",
        ),
    ],
)
def test_arguments_that_are_not_so_are_refused(options, message):
    with pytest.raises(ValueError) as error:
        DynamicGMConv2d(2, 3, **{"kernel_size": 3, **options})
    assert str(error.value) == message


def test_a_width_that_is_no_number_is_refused_where_that_is_asked_for():
    layer, x = DynamicGMConv2d(2, 3, 3, check_finite=True), torch.randn(2, 2, 5, 5)
    layer(x)
    x[1] = math.nan
    with pytest.raises(FloatingPointError) as error:
        layer(x)
    assert str(error.value) == "sigma must be finite, got [nan] for sample 1 of the batch"
