"""The circular mask: taps within the circle that touches the sides of a kernel, without a width.

The baseline of circular kernels: 1 where r2 <= (K / 2)^2, else 0. Kernels of up to 3 taps lie in
their circle as a whole.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heliostat_methods.gmconv.masks.taps import KernelSize, checked_kernel_size


def circle_mask(
    kernel_size: KernelSize,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    """Return zeros and ones, shape ``kernel_size``; an ellipse where its sides differ [R].

    Raises ``ValueError`` for a kernel without taps.
    """
    sizes = checked_kernel_size(kernel_size)
    # In whole numbers, so that a tap on the circle is on it: sum (2 v / K)^2 <= 1, times all K^2.
    whole = math.prod(k * k for k in sizes)
    total = torch.zeros((), dtype=torch.int64, device=device)
    for place, size in enumerate(sizes):
        twice = 2 * torch.arange(size, device=device) - (size - 1)
        scaled = twice.square() * (whole // (size * size))
        total = total + scaled.reshape(-1, *[1] * (len(sizes) - 1 - place))
    return (total <= whole).to(dtype)
