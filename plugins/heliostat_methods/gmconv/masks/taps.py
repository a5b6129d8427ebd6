"""Where the taps of a kernel lie: squared distances from its centre, in index space.

Dilation does not enlarge them: a width counts taps and no pixels. [R: the paper's convention could
not be read; this one is ours.]
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

KernelSize = int | Sequence[int]


def checked_kernel_size(kernel_size: KernelSize) -> tuple[int, ...]:
    """Return taps by dimension; an int K is (K, K).

    Raises ``ValueError`` for what is no positive whole number in every dimension.
    """
    sizes = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    whole = isinstance(sizes, Sequence) and not isinstance(sizes, str) and len(sizes) > 0
    if not whole or any(isinstance(k, bool) or not isinstance(k, int) or k < 1 for k in sizes):
        raise ValueError(
            f"kernel_size must be a positive whole number in every dimension, got {kernel_size!r}"
        )
    return tuple(sizes)


def squared_distances(
    kernel_size: KernelSize,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    """Return r2, shape ``kernel_size``: sum over dimensions of (i - (K - 1) / 2)^2.

    They are multiples of 1/4, exact in float32 for every kernel that fits into memory.
    """
    sizes = checked_kernel_size(kernel_size)
    total = torch.zeros((), dtype=dtype, device=device)
    for place, size in enumerate(sizes):
        offsets = torch.arange(size, dtype=dtype, device=device) - (size - 1) / 2
        total = total + offsets.square().reshape(-1, *[1] * (len(sizes) - 1 - place))
    return total
