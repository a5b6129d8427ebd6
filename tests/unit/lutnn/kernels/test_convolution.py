"""A 3x3 convolution by lookup equals the linear layer of unfolded images, bit for bit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.lutnn.kernels import fallback, threads
from heliostat_methods.lutnn.kernels.convolution import lut_conv3x3
from heliostat_methods.lutnn.kernels.linear import lut_linear
from heliostat_methods.lutnn.kernels.packing import pack


def random_layer(channels, outputs, seed=0, search="float", clusters=16):
    generator = torch.Generator().manual_seed(seed)
    return pack(
        torch.randn(channels, clusters, 9, generator=generator),
        torch.randint(-127, 128, (channels, clusters, outputs), generator=generator,
                      dtype=torch.int8),
        torch.rand(outputs, generator=generator), torch.randn(outputs, generator=generator),
        search=search, input_scale=0.03,
    )  # fmt: skip


def images(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).relu()


def by_unfolding(x, packed, stride, padding, kernels):
    patches = torch.nn.functional.unfold(x, 3, stride=stride, padding=padding)
    flat = patches.transpose(1, 2).reshape(-1, packed.in_features)
    y = lut_linear(flat, packed, using=kernels).reshape(len(x), -1, packed.out_features)
    high, wide = ((n + 2 * padding - 3) // stride + 1 for n in x.shape[2:])
    return y.transpose(1, 2).reshape(len(x), packed.out_features, high, wide)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    batch=st.integers(0, 3), channels=st.integers(1, 9), height=st.integers(3, 20),
    width=st.sampled_from((3, 4, 7, 14, 16, 21)), outputs=st.sampled_from((1, 6, 16, 70)),
    stride=st.sampled_from((1, 2)), padding=st.sampled_from((0, 1)),
    search=st.sampled_from(("float", "int8")), clusters=st.integers(2, 16),
)  # fmt: skip
def test_equals_the_linear_layer_of_unfolded_images(
    kernels, batch, channels, height, width, outputs, stride, padding, search, clusters
):
    packed = random_layer(channels, outputs, channels, search, clusters)
    x = images(batch, channels, height, width)
    y = lut_conv3x3(x, packed, stride=stride, padding=padding, using=kernels)
    if batch:  # torch does not unfold no image
        assert torch.equal(y, by_unfolding(x, packed, stride, padding, kernels))
    assert torch.equal(y, fallback.convolution(packed, x, stride, padding))


@pytest.mark.parametrize("stride", [1, 2])
def test_rows_wider_than_a_tile(kernels, stride):
    packed, x = random_layer(2, 5), images(1, 2, 4, 700)
    y = lut_conv3x3(x, packed, stride=stride, using=kernels)
    assert torch.equal(y, fallback.convolution(packed, x, stride, 1))


@pytest.mark.parametrize("search", ["float", "int8"])
def test_inputs_that_are_no_numbers_stay_in_their_patches(kernels, search):
    packed, x = random_layer(3, 5, search=search), images(2, 3, 8, 8)
    x[0, 1, 3, 3], x[1, 0, 0, 7], x[1, 2, 5, 5] = torch.nan, torch.inf, -3e38
    y = lut_conv3x3(x, packed, using=kernels)
    assert torch.equal(y, fallback.convolution(packed, x, 1, 1))
    assert bool(torch.isfinite(y).all())


@pytest.mark.parametrize("search", ["float", "int8"])
def test_any_number_of_threads_gives_the_same_bits(kernels, monkeypatch, search):
    monkeypatch.setattr(threads, "LEAST_WORK", 1)
    packed, x = random_layer(5, 20, search=search), images(2, 5, 30, 14)
    expected = fallback.convolution(packed, x, 1, 1)
    for count in (1, 2, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda count=count: count)
        assert torch.equal(lut_conv3x3(x, packed, using=kernels), expected)


def test_other_types_and_layouts_are_taken(kernels):
    packed, x = random_layer(4, 8), images(2, 4, 9, 9)
    last = x.to(memory_format=torch.channels_last)
    assert torch.equal(lut_conv3x3(last, packed, using=kernels),
                       lut_conv3x3(x, packed, using=kernels))  # fmt: skip
    half = x.half()
    assert torch.equal(lut_conv3x3(half, packed, using=kernels),
                       lut_conv3x3(half.float(), packed, using=kernels))  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stride": 3}, "stride: 3, expected 1 or 2"),
        ({"padding": 2}, "padding: 2, expected 0 or 1"),
        ({"x": torch.zeros(1, 3, 8, 8)}, r"x: shape \(1, 3, 8, 8\), expected \(B, 4, H, W\)"),
        ({"x": torch.zeros(1, 4, 2, 8), "padding": 0}, "H and W of at least 3"),
        ({"packed": pack(torch.zeros(4, 2, 8), torch.zeros(4, 2, 1, dtype=torch.int8), 1.0)},
         "packed: V = 8, expected 9 for a 3x3 convolution"),
    ],
)  # fmt: skip
def test_what_cannot_be_convolved_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        lut_conv3x3(**{"x": torch.zeros(1, 4, 8, 8), "packed": random_layer(4, 2), **change})
