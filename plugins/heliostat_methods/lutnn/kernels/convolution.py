"""3x3 convolutions by table lookup, each channel's patch a codebook, without unfolding."""

from __future__ import annotations

from torch import Tensor

from heliostat_methods.lutnn.kernels import fallback
from heliostat_methods.lutnn.kernels.backend import kernels
from heliostat_methods.lutnn.kernels.linear import OUTPUTS, checked, floats
from heliostat_methods.lutnn.kernels.packing import LANES, PATCH, PackedLayer
from heliostat_methods.lutnn.kernels.threads import parallel, thread_count
from heliostat_search.compiled import Kernels


def lut_conv3x3(
    x: Tensor, packed: PackedLayer, *, stride: int = 1, padding: int = 1,
    using: Kernels | None = None,
) -> Tensor:  # fmt: skip
    """Return the outputs (B, M, H', W') float32 of images (B, C, H, W).

    The layer has V = 9 inputs of a codebook, a channel's patch by rows; stride is 1 or 2 and
    padding 0 or 1, with zeros. Equal, bit for bit, to `lut_linear` of unfolded images. Raises
    ValueError naming the argument.
    """
    _check(x, packed, stride, padding)
    x = floats(x)
    batch, _, height, width = x.shape
    high, wide = ((n + 2 * padding - 3) // stride + 1 for n in (height, width))
    if not packed.native:
        return fallback.convolution(packed, x, stride, padding)
    x = x.contiguous()
    y = OUTPUTS.empty((batch, packed.out_features, high, wide))
    run = (using or kernels())["lut_conv3x3"]

    work = batch * high * wide * (packed.in_features * LANES
                                  + packed.codebooks * packed.out_features)  # fmt: skip
    team = parallel(), thread_count(work)
    checked(run(packed, x, batch, height, width, stride, padding, y, *team))
    return y


def _check(x: Tensor, packed: PackedLayer, stride: int, padding: int) -> None:
    if packed.length != PATCH:
        raise ValueError(f"packed: V = {packed.length}, expected {PATCH} for a 3x3 convolution")
    if stride not in (1, 2):
        raise ValueError(f"stride: {stride}, expected 1 or 2")
    if padding not in (0, 1):
        raise ValueError(f"padding: {padding}, expected 0 or 1")
    least = 3 - 2 * padding
    if x.dim() != 4 or x.shape[1] != packed.codebooks or min(x.shape[2:]) < least:
        raise ValueError(f"x: shape {tuple(x.shape)}, expected (B, {packed.codebooks}, H, W) with "
                         f"H and W of at least {least}")  # fmt: skip
