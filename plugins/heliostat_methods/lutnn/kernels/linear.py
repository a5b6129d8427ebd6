"""Codes of inputs, and linear layers by table lookup."""

from __future__ import annotations

import torch
from torch import Tensor

from heliostat_methods.lutnn.kernels import fallback
from heliostat_methods.lutnn.kernels.backend import kernels
from heliostat_methods.lutnn.kernels.packing import LANES, PackedLayer
from heliostat_methods.lutnn.kernels.threads import parallel, thread_count
from heliostat_search.compiled import Kernels
from heliostat_search.spare_memory import SpareMemory

OUTPUTS = SpareMemory(pieces=4)
"""Large outputs are written where earlier ones lay that nobody holds any more."""


def lut_encode(x: Tensor, packed: PackedLayer, *, using: Kernels | None = None) -> Tensor:
    """Return the codes (N, C) uint8 of inputs (N, D): each piece's closest centroid.

    The lowest index wins a tie; scores are compared without their four lowest bits, so centroids
    whose squared distances agree to about 2^-19 of the score's size count as tied. A score that is
    NaN counts as infinite, so codes are below K for every input. ``using`` runs a given variant.
    """
    x = _inputs(x, packed)
    if not packed.native:
        return fallback.encode(packed, x)
    run = (using or kernels())["lut_encode"]
    codes = torch.empty(len(x), packed.codebooks, dtype=torch.uint8)

    threads = thread_count(len(x) * packed.in_features * LANES)
    checked(run(packed, x, x.stride(0), len(x), codes, parallel(), threads))
    return codes


def lut_linear(x: Tensor, packed: PackedLayer, *, using: Kernels | None = None) -> Tensor:
    """Return the outputs (N, M) float32 of inputs (N, D), sum_c T[c, code] * scale + bias.

    Inputs of another floating-point type are converted, rows of any stride are taken. ``using``
    runs a given variant. Raises ValueError where D is not the layer's.
    """
    x = _inputs(x, packed)
    n, outputs = x.shape[0], packed.out_features
    if not packed.native:
        return fallback.linear(packed, x)
    y = OUTPUTS.empty((n, outputs))
    threads = thread_count(n * (packed.in_features * LANES + packed.codebooks * outputs))
    run = (using or kernels())["lut_linear"]
    checked(run(packed, x, x.stride(0), n, y, outputs, parallel(), threads))
    return y


def _inputs(x: Tensor, packed: PackedLayer) -> Tensor:
    if x.dim() != 2 or x.shape[1] != packed.in_features:
        raise ValueError(f"x: shape {tuple(x.shape)}, expected (N, {packed.in_features}) "
                         "as the layer's in_features")  # fmt: skip
    x = floats(x)
    return x if x.stride(1) == 1 or x.shape[1] == 1 else x.contiguous()


def floats(x: Tensor) -> Tensor:
    """Return an input as float32, without its history."""
    if x.is_neg():
        x = x.resolve_neg()  # the numbers in memory have the other sign
    if x.dtype is torch.float32 and x.is_cpu:
        return x.detach() if x.requires_grad else x
    if not x.dtype.is_floating_point:
        raise ValueError(f"x: {x.dtype}, expected a floating-point type")
    if not x.is_cpu:
        raise ValueError(f"x: on {x.device}, expected a tensor on the CPU")
    return x.detach().float()


def checked(status: int) -> None:
    """Raise MemoryError where the kernel found no memory."""
    if status:
        raise MemoryError("the LUT-NN kernel found no memory for its codes")
