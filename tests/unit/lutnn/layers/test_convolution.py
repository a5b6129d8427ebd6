"""Convolutions by table lookup, of every geometry, against the dense ones; frozen and trained."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from heliostat_methods.lutnn.layers.convolution import LutConv2d
from heliostat_methods.lutnn.layers.geometry import Geometry
from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings

FLOAT_TABLES = LutSettings(quantise_tables=False)
GEOMETRIES = {
    "3x3": {"kernel_size": 3, "padding": 1},
    "3x3, no padding": {"kernel_size": 3},
    "3x3, stride 2": {"kernel_size": 3, "stride": 2, "padding": 1},
    "3x3, stride 2, no padding": {"kernel_size": 3, "stride": 2},
    "3x3, stride 3": {"kernel_size": 3, "stride": 3, "padding": 1},
    "3x3, strides 2 and 1": {"kernel_size": 3, "stride": (2, 1), "padding": 1},
    "3x3, padding 2": {"kernel_size": 3, "padding": 2},
    "3x3, paddings 1 and 0": {"kernel_size": 3, "padding": (1, 0)},
    "3x3, dilated": {"kernel_size": 3, "dilation": 2, "padding": 2},
    "3x3, dilations 1 and 2": {"kernel_size": 3, "dilation": (1, 2), "padding": (1, 2)},
    "3x3, reflect": {"kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
    "3x3, circular": {"kernel_size": 3, "padding": 1, "padding_mode": "circular", "stride": 2},
    "3x3, replicate": {"kernel_size": 3, "padding": (2, 1), "padding_mode": "replicate"},
    "3x3, same": {"kernel_size": 3, "padding": "same"},
    "3x3, same, dilated": {"kernel_size": 3, "padding": "same", "dilation": (2, 1)},
    "2x4, same": {"kernel_size": (2, 4), "padding": "same"},
    "2x4, same, reflect": {"kernel_size": (2, 4), "padding": "same", "padding_mode": "reflect"},
    "3x3, valid": {"kernel_size": 3, "padding": "valid"},
    "1x3": {"kernel_size": (1, 3), "padding": (0, 1)},
    "3x2, strides 1 and 2": {"kernel_size": (3, 2), "stride": (1, 2), "padding": (2, 1)},
    "5x5": {"kernel_size": 5, "padding": 2},
    "1x1": {"kernel_size": 1},
    "1x1, stride 2": {"kernel_size": 1, "stride": 2},
    "1x1, stride 3, padding 1": {"kernel_size": 1, "stride": (3, 2), "padding": 1},
    "9x1": {"kernel_size": (9, 1), "padding": (4, 0)},
}
ALL = pytest.mark.parametrize("options", GEOMETRIES.values(), ids=GEOMETRIES.keys())


def dense_of(options, dtype=torch.float32, bias=True):
    torch.manual_seed(0)
    return nn.Conv2d(3, 5, bias=bias, dtype=dtype, **options)


def exact_layer(dense, x, length=None, pad=False):
    """A layer whose centroids are all patches of the images, so that nothing is lost."""
    rows = LutConv2d(dense, length, pad=pad).rows(x)
    layer = LutConv2d.from_convolution(dense, length, len(rows), pad=pad, settings=FLOAT_TABLES)
    c, k, v = layer.centroids.shape
    layer.set_centroids(rows.reshape(k, c, v).transpose(0, 1))
    return layer


def trained_layer(made, options, **more):
    layer = LutConv2d(dense_of(options), **more)
    layer.set_centroids(made.drawn(*layer.centroids.shape, seed=1))
    return layer


def by_rows(images):
    """Outputs (B, M, H, W) as rows."""
    return images.permute(0, 2, 3, 1).flatten(0, 2)


@ALL
@pytest.mark.parametrize("bias", [True, False])
def test_where_centroids_are_the_patches_the_dense_convolution_comes_out(made, options, bias):
    dense = dense_of(options, torch.float64, bias)
    x = made.drawn(2, 3, 8, 7, dtype=torch.float64)
    layer = exact_layer(dense, x)
    torch.testing.assert_close(layer(x), dense(x), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(layer(x[1]), dense(x[1]), rtol=1e-11, atol=1e-11)
    assert layer(x).is_contiguous()


@ALL
def test_frozen_gives_what_the_trained_convolution_gives(made, options):
    layer, x = trained_layer(made, options).eval(), made.drawn(3, 3, 9, 8, seed=2)
    frozen = layer.freeze()
    clear = made.is_clear(layer.rows(x), layer.centroids)
    expected = layer(x).detach()
    made.assert_alike(by_rows(frozen(x)), by_rows(expected), clear)
    assert torch.equal(frozen(x[1]), frozen(x)[1])
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        other = x.to(dtype)
        assert frozen(other).dtype == dtype
        assert torch.equal(frozen(other), frozen(other.float()).to(dtype))


@ALL
def test_no_image_at_all(made, options):
    layer = trained_layer(made, options)
    x = torch.empty(0, 3, 9, 8)
    expected = dense_of(options)(torch.ones(1, 3, 9, 8)).shape[1:]
    y = layer(x)
    assert y.shape == (0, *expected)
    assert layer.freeze()(x).shape == (0, *expected)
    y.sum().backward()
    assert not layer.centroids.grad.any()


@pytest.mark.parametrize("length", [None, 9, 3, 27, 1])
def test_codebooks_of_any_length_that_divides(made, length):
    dense, x = dense_of(GEOMETRIES["3x3"], torch.float64), made.drawn(2, 3, 6, 5).double()
    layer = exact_layer(dense, x, length)
    assert layer.centroids.shape == (27 // (length or 9), 60, length or 9)
    torch.testing.assert_close(layer(x), dense(x), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("name", "length"), [("3x3", 4), ("3x3", 9), ("1x1", 2), ("5x5", 16)])
def test_padding_with_zeros_is_exact(made, name, length):
    dense, x = dense_of(GEOMETRIES[name], torch.float64), made.drawn(2, 3, 6, 5).double()
    layer = exact_layer(dense, x, length, pad=True)
    assert layer.padding == -(3 * layer.geometry.taps) % length
    torch.testing.assert_close(layer(x), dense(x), rtol=1e-11, atol=1e-11)
    layer = trained_layer(made, GEOMETRIES[name], length=length, pad=True)
    x = made.drawn(3, 3, 9, 8, seed=2)
    rows = layer.rows(x)
    assert not rows[:, rows.shape[1] - layer.padding :].any() or layer.padding == 0
    clear = made.is_clear(rows, layer.centroids)
    made.assert_alike(by_rows(layer.freeze()(x)), by_rows(layer(x).detach()), clear)


def test_a_padded_3x3_layer_of_length_9_is_not_taken_for_whole_patches(made):
    """2x2 kernels in pieces of 9 have the length of a 3x3 patch, and none of its shape."""
    options = {"kernel_size": 2, "padding": 1}
    layer, x = trained_layer(made, options, length=9, pad=True), made.drawn(2, 3, 7, 6, seed=2)
    clear = made.is_clear(layer.rows(x), layer.centroids)
    made.assert_alike(by_rows(layer.freeze()(x)), by_rows(layer(x).detach()), clear)


def test_a_convolution_is_a_linear_layer_over_patches_gradients_too(made):
    dense = dense_of(GEOMETRIES["3x3, stride 2"], torch.float64)
    layer = LutConv2d(dense)
    layer.set_centroids(made.drawn(3, 16, 9).double())
    x = made.drawn(2, 3, 8, 7).double().requires_grad_()
    linear = LutLinear.from_tensors(layer.centroids, layer.weight, layer.bias)
    patches = functional.unfold(x, 3, padding=1, stride=2).transpose(1, 2).flatten(0, 1)
    expected = linear(patches).reshape(2, 4, 4, 5).permute(0, 3, 1, 2)
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)
    factors = made.drawn(*expected.shape, seed=3).double()
    leaves = (layer.centroids, layer.weight, layer.bias, layer.theta)
    others = (linear.centroids, linear.weight, linear.bias, linear.theta)
    found = torch.autograd.grad((layer(x) * factors).sum(), (x, *leaves))
    wanted = torch.autograd.grad((expected * factors).sum(), (x, *others))
    for one, other in zip(found, wanted, strict=True):
        assert bool(other.any())
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["3x3", "1x1, stride 2", "5x5"])
def test_inputs_of_any_strides_and_types(made, name):
    layer = trained_layer(made, GEOMETRIES[name])
    frozen, x = layer.freeze(), made.drawn(4, 6, 9, 16, seed=2)
    for strided in (
        x[::2, ::2, :, ::2],
        x[:, :3].to(memory_format=torch.channels_last),
        x[:, :3].transpose(2, 3),
    ):
        assert not strided.is_contiguous()
        assert torch.equal(layer(strided), layer(strided.contiguous()))
        assert torch.equal(frozen(strided), frozen(strided.contiguous()))
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        other = x[:, :3].to(dtype)
        torch.testing.assert_close(layer(other), layer(other.float()))


def test_what_the_compiled_convolution_takes():
    def simple(**options):
        return Geometry.of(nn.Conv2d(3, 5, **options)).simple

    assert simple(kernel_size=3) == (1, 0)
    assert simple(kernel_size=3, padding=1) == (1, 1)
    assert simple(kernel_size=3, padding="same") == (1, 1)
    assert simple(kernel_size=3, stride=2, padding=1) == (2, 1)
    assert simple(kernel_size=3, padding_mode="circular") == (1, 0)
    for options in (
        {"kernel_size": 3, "padding": 2},
        {"kernel_size": 3, "padding": (1, 0)},
        {"kernel_size": 3, "padding": 1, "padding_mode": "circular"},
        {"kernel_size": 3, "stride": (2, 1)},
        {"kernel_size": 3, "stride": 3},
        {"kernel_size": 3, "dilation": 2},
        {"kernel_size": 1},
        {"kernel_size": (9, 1)},
    ):
        assert simple(**options) is None, options


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        (
            "3x3",
            (2, 4, 8, 8),
            "x: shape (2, 4, 8, 8), expected (B, 3, H, W): the layer has in_channels 3",
        ),
        ("3x3", (3, 8), "x: shape (3, 8), expected (B, 3, H, W): the layer has in_channels 3"),
        (
            "3x3, no padding",
            (1, 3, 2, 8),
            "x: images of 2x8, expected at least as large as the kernel 3x3 after padding",
        ),
        (
            "1x3",
            (1, 3, 2, 0),
            "x: images of 2x0, expected at least as large as the kernel 1x3 after padding",
        ),
    ],
)
def test_images_that_do_not_fit_are_refused(made, frozen, name, shape, message):
    layer = trained_layer(made, GEOMETRIES[name])
    with pytest.raises(ValueError) as error:
        (layer.freeze() if frozen else layer)(torch.ones(*shape))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LutConv2d(nn.Conv2d(4, 4, 3, groups=2)), "groups: 2, expected 1"),
        (
            lambda: LutConv2d(nn.Conv2d(3, 4, 3), 4),
            "length: 4 (V), expected a divisor of in_channels x kernel = 27; pad=True adds 1 zero",
        ),
        (
            lambda: LutConv2d(nn.Conv2d(3, 4, 3)).freeze(),
            "centroids: never set; init_centroids(rows), set_centroids(centroids) or "
            "load_state_dict come first",
        ),
    ],
)
def test_what_is_not_so_is_refused(make, message):
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == message


def test_layers_show_their_sizes(made):
    layer = trained_layer(made, GEOMETRIES["3x3, stride 2"])
    sizes = "codebooks=3, clusters=16, length=9"
    assert str(layer) == (f"LutConv2d(3, 5, kernel_size=(3, 3), stride=(2, 2), {sizes}, bias=True)")
    assert str(layer.freeze()) == f"FrozenLutConv2d(outputs=5, {sizes}, search='float')"
