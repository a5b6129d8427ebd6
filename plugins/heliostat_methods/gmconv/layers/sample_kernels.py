"""Convolution of each sample with a kernel of its own: the same weight under another mask.

Two forms of the same sum. Grouped: all samples become the channels of one, and each has groups of
its own. By columns: patches become columns, which the mask multiplies, and one matrix product does
the rest. A grouped convolution reads a kernel for each sample, which is slow where kernels are
large and maps small; columns are kernel-size times the input, which is slow where maps are large.
Measured in benchmarks/gmconv.py.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from heliostat_methods.gmconv.masks.gaussian import mask_at

FEW_PLACES = 32
"""Output places of a map up to which columns are the faster form."""

Pair = tuple[int, int]


def out_size(x: Tensor, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """Return (H_out, W_out) for inputs (batch, channels, height, width)."""
    sizes = zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
    height, width = ((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in sizes)
    return height, width


def grouped(
    x: Tensor, weight: Tensor, sigma: Tensor, r2: Tensor, bias: Tensor | None,
    stride: Pair, padding: Pair, dilation: Pair, groups: int,
) -> Tensor:  # fmt: skip
    """Return (N, C_out, H_out, W_out) as one convolution of N * ``groups`` groups.

    ``x``: (N, C_in, H, W). ``weight``: (C_out, C_in / groups, kH, kW). ``sigma``: (N, 1) or
    (N, C_out), at least 0.01. ``r2``: (kH, kW). ``bias``: (C_out,).
    """
    samples, channels = x.shape[:2]
    kernels = weight * mask_at(r2, sigma).unsqueeze(2).to(weight.dtype)
    y = F.conv2d(
        x.reshape(1, samples * channels, *x.shape[2:]),
        kernels.flatten(0, 1),
        None if bias is None else bias.repeat(samples),
        stride, padding, dilation, samples * groups,
    )  # fmt: skip
    return y.reshape(samples, len(weight), *y.shape[2:])


def by_columns(
    x: Tensor, weight: Tensor, sigma: Tensor, r2: Tensor, bias: Tensor | None,
    stride: Pair, padding: Pair, dilation: Pair, groups: int,
) -> Tensor:  # fmt: skip
    """Return what `grouped` returns, as a matrix product with the patches of all samples."""
    samples, kernel = len(x), (int(weight.shape[2]), int(weight.shape[3]))
    taps = kernel[0] * kernel[1]
    columns = F.unfold(x, kernel, dilation, padding, stride)  # (N, C_in * taps, L)
    mask = mask_at(r2, sigma).to(weight.dtype).flatten(2)  # (N, 1 or C_out, taps)
    places = columns.shape[2]
    if mask.shape[1] == 1:
        columns = columns.reshape(samples, -1, taps, places) * mask.unsqueeze(3)
        # One product for all samples reads the weight once.
        side_by_side = columns.reshape(samples, groups, -1, places).permute(1, 2, 0, 3).flatten(2)
        y = weight.reshape(groups, len(weight) // groups, -1) @ side_by_side
        y = y.reshape(len(weight), samples, places).transpose(0, 1)
    else:
        kernels = (weight.flatten(2) * mask.unsqueeze(2)).reshape(
            samples, groups, len(weight) // groups, -1
        )
        y = (kernels @ columns.reshape(samples, groups, -1, places)).flatten(1, 2)
    if bias is not None:
        y = y + bias.unsqueeze(1).to(y.dtype)
    height, width = out_size(x, kernel, stride, padding, dilation)
    return y.reshape(samples, len(weight), height, width)


def convolve_samples(
    x: Tensor, weight: Tensor, sigma: Tensor, r2: Tensor, bias: Tensor | None,
    stride: Pair, padding: Pair, dilation: Pair, groups: int,
) -> Tensor:  # fmt: skip
    """Return what `grouped` returns, in the form that is faster for the size."""
    kernel = (int(weight.shape[2]), int(weight.shape[3]))
    height, width = out_size(x, kernel, stride, padding, dilation)
    form = by_columns if height * width <= FEW_PLACES else grouped
    return form(x, weight, sigma, r2, bias, stride, padding, dilation, groups)
