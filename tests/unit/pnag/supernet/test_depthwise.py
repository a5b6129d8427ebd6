"""The compiled gradient against the library's, over the shapes that occur."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from heliostat_methods.pnag.supernet.depthwise import depthwise

SIZES = st.integers(1, 9)


@settings(max_examples=20, deadline=None)
@given(
    SIZES, SIZES, SIZES, st.integers(1, 20), st.sampled_from([1, 3, 5, 7]), st.integers(1, 3),
    st.integers(0, 2**31), st.booleans(),
)  # fmt: skip
def test_outputs_and_gradients_are_those_of_the_library(
    batch: int, height: int, width: int, channels: int, kernel: int, stride: int, seed: int,
    channels_last: bool,
) -> None:  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    form = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.randn(batch, channels, height, width, generator=generator)
    x = x.contiguous(memory_format=form).requires_grad_()
    weight = torch.randn(channels, 1, kernel, kernel, generator=generator, requires_grad=True)
    ours = depthwise(x, weight, stride)
    theirs = F.conv2d(x, weight, None, stride, kernel // 2, 1, channels)
    slope = torch.randn(ours.shape, generator=generator)
    torch.testing.assert_close(ours, theirs)
    found = torch.autograd.grad(ours, (x, weight), slope)
    exact = torch.autograd.grad(
        F.conv2d(x.double(), weight.double(), None, stride, kernel // 2, 1, channels),
        (x, weight), slope.double(),
    )  # fmt: skip
    for mine, right in zip(found, exact, strict=True):
        torch.testing.assert_close(mine, right, rtol=1e-4, atol=1e-4)


def test_equal_inputs_give_equal_gradients() -> None:
    x = torch.randn(4, 6, 7, 7, generator=torch.Generator().manual_seed(0))
    x = x.contiguous(memory_format=torch.channels_last)
    weight = torch.ones(6, 1, 5, 5, requires_grad=True)
    first, second = (torch.autograd.grad(depthwise(x, weight, 1).sum(), weight) for _ in "ab")
    assert torch.equal(first[0], second[0])
