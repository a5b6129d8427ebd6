"""Depthwise convolution whose weight gradient is compiled, for channels_last tensors on a CPU.

The gradient of a depthwise filter is a sum over images and places of products of two rows of
channels, which lie next to each other in channels_last. Libraries take it as a convolution with
one output channel a group, and for kernel 5 spend most of a training step there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional as F

_LEAST_SIZE = 5
"""Filters for which the compiled sum was faster: the library is good at 3 x 3."""


def depthwise(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Convolve each channel with its own odd filter, padded so that stride 1 keeps the size.

    x: (batch, channels, height, width); weight: (channels, 1, k, k).
    """
    if _compiled(x, weight):
        return _Depthwise.apply(x, weight, stride)  # type: ignore[no-any-return,no-untyped-call]
    return F.conv2d(x, weight, None, stride, weight.shape[2] // 2, 1, len(weight))


def _compiled(x: Tensor, weight: Tensor) -> bool:
    return (
        torch.is_grad_enabled()
        and weight.requires_grad
        and weight.shape[2] >= _LEAST_SIZE
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.is_contiguous(memory_format=torch.channels_last)
    )


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv2d(x, weight, None, stride, weight.shape[2] // 2, 1, len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        slope = slope.contiguous(memory_format=torch.channels_last)
        of_input = _of_input(ctx, slope, x, weight) if ctx.needs_input_grad[0] else None
        of_weight = _of_weight(slope, x, weight, ctx.stride) if ctx.needs_input_grad[1] else None
        return of_input, of_weight, None


def _of_input(ctx: FunctionCtx, slope: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    stride, padding = ctx.stride, weight.shape[2] // 2  # type: ignore[attr-defined]
    found: Tensor = torch.ops.aten.convolution_backward(
        slope, x, weight, None, [stride, stride], [padding, padding], [1, 1], False, [0, 0],
        len(weight), [True, False, False],
    )[0]  # fmt: skip
    return found


def _of_weight(slope: Tensor, x: Tensor, weight: Tensor, stride: int) -> Tensor:
    from heliostat_methods.pnag.supernet.depthwise_kernel import filter_gradient

    channels, _, size, _ = weight.shape
    found = np.zeros((size, size, channels), np.float32)
    pixels, slopes = (t.detach().permute(0, 2, 3, 1).numpy() for t in (x, slope))
    filter_gradient(pixels, slopes, stride, found)
    return torch.from_numpy(found).permute(2, 0, 1).unsqueeze(1)
