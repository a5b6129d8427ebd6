"""The compiled sum behind a depthwise filter's gradient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numpy.typing import NDArray

from heliostat_search.compiled import NumbaKernels

F = TypeVar("F", bound=Callable[..., Any])
_FILES = NumbaKernels(Path(__file__).parent, ("depthwise_kernel",))


def compiled(function: F) -> F:
    """Compile a kernel for the types it is called with."""
    return cast(F, _FILES.dispatcher(function))


@compiled
def filter_gradient(x: NDArray[Any], slope: NDArray[Any], stride: int, out: NDArray[Any]) -> None:
    """Add sum over images and places of x at each offset times the output's slope.

    x: (batch, height, width, channels) and slope: (batch, rows, columns, channels), contiguous;
    out: (k, k, channels). Sums run over images, then rows, then columns in pairs.
    """
    size, channels = out.shape[0], out.shape[2]
    _, height, width, _ = x.shape
    images, rows, columns, _ = slope.shape
    for n in range(images):
        for row in range(rows):
            for i in range(size):
                y = row * stride + i - size // 2
                if y < 0 or y >= height:
                    continue
                for j in range(size):
                    offset = j - size // 2
                    # The columns whose pixel at this offset lies inside the image.
                    first = (max(0, -offset) + stride - 1) // stride
                    last = min(columns, (width - 1 - offset) // stride + 1)
                    total, q = out[i, j], first
                    while q + 2 <= last:
                        z = q * stride + offset
                        x0, x1 = x[n, y, z], x[n, y, z + stride]
                        g0, g1 = slope[n, row, q], slope[n, row, q + 1]
                        for c in range(channels):
                            total[c] += x0[c] * g0[c] + x1[c] * g1[c]
                        q += 2
                    while q < last:
                        x0, g0 = x[n, y, q * stride + offset], slope[n, row, q]
                        for c in range(channels):
                            total[c] += x0[c] * g0[c]
                        q += 1
