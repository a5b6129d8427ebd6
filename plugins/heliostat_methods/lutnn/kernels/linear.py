"""Codes of inputs, and linear layers by table lookup."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from heliostat_methods.lutnn.kernels import fallback
from heliostat_methods.lutnn.kernels.backend import kernels
from heliostat_methods.lutnn.kernels.packing import LANES, OUTPUT_BLOCK, PackedLayer
from heliostat_methods.lutnn.kernels.threads import LEAST_WORK, blocks, each, thread_count
from heliostat_search.compiled import Kernels

TILE = 64
"""Tokens that the kernel searches and looks up together."""


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

    def part(begin: int, end: int) -> int:
        some = x[begin:end]
        return int(run(packed, some, x.stride(0), end - begin, codes[begin:end]))

    threads = thread_count(len(x) * packed.in_features * LANES)
    checked(each(part, blocks(len(x), threads, TILE)))
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
    chosen = using or kernels()
    run = chosen["lut_linear"]
    y = torch.empty(n, outputs)
    work = n * (packed.in_features * LANES + packed.codebooks * outputs)
    threads = 1 if work < LEAST_WORK else thread_count(work)
    if threads == 1:
        checked((run(packed, x, x.stride(0), n, y, outputs),))
        return y
    if n < threads * TILE // 2:
        return _by_outputs(packed, x, y, threads, chosen)

    def part(begin: int, end: int) -> int:
        return int(run(packed, x[begin:end], x.stride(0), end - begin, y[begin:end], outputs))

    checked(each(part, blocks(n, threads, TILE // 4)))
    return y


def _by_outputs(packed: PackedLayer, x: Tensor, y: Tensor, threads: int, chosen: Kernels) -> Tensor:
    codes = lut_encode(x, packed, using=chosen)
    run = chosen["lut_lookup"]

    def part(begin: int, end: int) -> int:
        return int(run(packed, codes, len(x), begin, end, y, packed.out_features))

    checked(each(part, blocks(packed.out_features, threads, OUTPUT_BLOCK)))
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


def checked(statuses: Sequence[int]) -> None:
    """Raise MemoryError where the kernel found no memory."""
    if any(statuses):
        raise MemoryError("the LUT-NN kernel found no memory for its codes")
