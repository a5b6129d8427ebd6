"""The kernel in torch: the same codes, sums and outputs, bit for bit.

Scores |P_k|^2/2 - a.P_k come fast from one batched product, in whatever order the library adds.
Where the best two are closer than any order of rounding could part them, the kernel's own sums
decide: float32, starting from the norm, one fused multiply-add for each element in turn.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from heliostat_methods.lutnn.kernels.packing import LANES, PackedLayer

INDEX_MASK = LANES - 1
_EPSILON = 2.0**-23
_KEY_STEP = 2.0**-18
"""More than the low bits of a score that its index takes, as a part of it."""
_ROWS = 65536
"""Pieces of inputs whose scores are taken at a time."""


def encode(packed: PackedLayer, x: Tensor) -> Tensor:
    """Return the codes (N, C) uint8 of inputs (N, D) float32."""
    step = max(1, _ROWS // packed.codebooks)
    parts = [_encode_rows(packed, part) for part in torch.split(x, step)] if len(x) else []
    return torch.cat(parts) if parts else torch.empty(0, packed.codebooks, dtype=torch.uint8)


def sums(packed: PackedLayer, codes: Tensor) -> Tensor:
    """Return the int32 sums (N, M) of the table entries that codes (N, C) name."""
    offsets = torch.arange(packed.codebooks) * packed.lanes
    # Exact in float32, in any order: entries are whole and their sums below 2^24.
    return functional.embedding_bag(codes.long() + offsets, packed.float_rows, mode="sum").int()


def lookup(packed: PackedLayer, codes: Tensor) -> Tensor:
    """Return the outputs (N, M) float32 of codes."""
    scale, bias = (t[: packed.out_features] for t in (packed.scale, packed.bias))
    return sums(packed, codes).float().mul_(scale).add_(bias)


def linear(packed: PackedLayer, x: Tensor) -> Tensor:
    """Return the outputs (N, M) float32 of inputs (N, D) float32."""
    return lookup(packed, encode(packed, x))


def convolution(packed: PackedLayer, x: Tensor, stride: int, padding: int) -> Tensor:
    """Return the outputs (B, M, H', W') of images (B, C, H, W), 3x3, by unfolding."""
    batch, _, height, width = x.shape
    high, wide = ((n + 2 * padding - 3) // stride + 1 for n in (height, width))
    if batch == 0:  # torch does not unfold no image
        return torch.empty(0, packed.out_features, high, wide)
    patches = functional.unfold(x, 3, padding=padding, stride=stride).transpose(1, 2)
    flat = linear(packed, patches.reshape(-1, packed.in_features))
    found = flat.reshape(batch, high * wide, packed.out_features).transpose(1, 2)
    return found.reshape(batch, packed.out_features, high, wide)


def quantised(packed: PackedLayer, x: Tensor) -> Tensor:
    """Return inputs in whole steps from -128 to 127, as the int8 search sees them; NaN is -128."""
    steps = x * torch.tensor(packed.inverse_input_scale)
    return steps.nan_to_num(nan=-128.0).clamp(-128, 127).round()


def _encode_rows(packed: PackedLayer, x: Tensor) -> Tensor:
    pieces = x.reshape(len(x), packed.codebooks, packed.length)
    if packed.search == "int8":
        return _int8_codes(packed, pieces)
    scores = torch.baddbmm(
        packed.half_norms[:, None], pieces.transpose(0, 1), packed.centroids, alpha=-1
    )  # (C, N, L)
    best, at = scores.topk(2, dim=2, largest=False)
    norms = packed.centroids.square().sum(1).amax(1)[:, None]  # (C, 1)
    sizes = norms + norms.sqrt() * pieces.square().sum(2).sqrt().T
    doubt = 4 * (packed.length + 4) * _EPSILON * sizes + _KEY_STEP * best.abs().amax(2)
    clear = best[:, :, 1] - best[:, :, 0] > doubt + _smallest(packed)
    codes = at[:, :, 0].to(torch.uint8).T.contiguous()
    unclear = (~clear.T).nonzero()
    for some in torch.split(unclear, _ROWS):
        row, codebook = some.unbind(1)
        codes[row, codebook] = _careful_codes(packed, pieces[row, codebook], codebook)
    return codes


def _smallest(packed: PackedLayer) -> float:
    """Return what sums may lose below the normal numbers."""
    return 4 * (packed.length + 4) * 2.0**-126


def _careful_codes(packed: PackedLayer, pieces: Tensor, codebook: Tensor) -> Tensor:
    """Return the codes of pieces (S, V) by the kernel's own sums; NaN counts as infinite."""
    centroids = packed.centroids.double()[codebook]
    scores = packed.half_norms[codebook]
    for element in range(packed.length):
        product = pieces[:, element, None].double() * centroids[:, element]  # exact
        scores = _rounded_sum(scores.double(), -product)
    scores = scores.nan_to_num(nan=math.inf, posinf=math.inf, neginf=-math.inf)
    if not packed.native:
        return scores.argmin(1).to(torch.uint8)
    return _first_smallest(_ordered(scores) & ~INDEX_MASK)


def _rounded_sum(a: Tensor, b: Tensor) -> Tensor:
    """Return a + b of float64, rounded once to float32.

    The sum is first rounded to odd (Boldo and Melquiond 2008), so that rounding it again to fewer
    bits is right.
    """
    total = a + b
    shadow = total - a
    lost = (a - (total - shadow)) + (b - shadow)
    bits = total.view(torch.int64)
    inexact = (lost != 0) & torch.isfinite(lost)
    towards_zero = inexact & ((lost < 0) != (total < 0))
    odd = torch.where(inexact, (bits - towards_zero.long()) | 1, bits)
    return odd.view(torch.float64).float()


def _ordered(scores: Tensor) -> Tensor:
    """Return int32 numbers in the order of float32 numbers, but for their four lowest bits."""
    bits = scores.view(torch.int32)
    return bits ^ ((bits >> 31) & 0x7FFFFFF0)


def _first_smallest(keys: Tensor) -> Tensor:
    found = (keys | torch.arange(LANES, dtype=keys.dtype)).amin(-1) & INDEX_MASK
    return found.to(torch.uint8)


def _int8_codes(packed: PackedLayer, pieces: Tensor) -> Tensor:
    assert packed.offsets_int8 is not None
    steps = quantised(packed, pieces).transpose(0, 1).double() + 128
    product = torch.bmm(steps, packed.int8_by_lane)  # exact
    scores = product.long() + packed.offsets_int8[:, None]
    return _first_smallest(scores << 4).T.contiguous()
