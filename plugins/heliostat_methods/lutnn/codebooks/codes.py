"""Pieces of inputs, and the centroid that is nearest to each."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

NUMBERS = 1 << 18
"""Distances that are held at a time: codebooks are worked on in portions, one at least."""


def nearest_centroids(x: Tensor, centroids: Tensor) -> Tensor:
    """Return the codes (N, C) uint8 of inputs (N, C V) for centroids (C, K, V), K at most 256.

    The lowest index wins a tie; a distance that is NaN counts as infinite. Raises ValueError where
    the widths do not match.
    """
    checked_shapes(x, centroids)
    with torch.no_grad():
        parts = [
            nearest(some, centroids[begin:end])
            for (begin, end), some in portions(x.detach().to(centroids.dtype), centroids)
        ]
    return torch.cat(parts, dim=0).T.contiguous().to(torch.uint8)


def nearest(pieces: Tensor, centroids: Tensor) -> Tensor:
    """Return the codes (C, N) int64 of pieces (C, V, N)."""
    half_norms = centroids.square().sum(2, keepdim=True).mul(0.5)
    return first_smallest(torch.baddbmm(half_norms, centroids, pieces, alpha=-1))


def first_smallest(scores: Tensor) -> Tensor:
    """Return which of K scores (C, K, N) is least, (C, N): the first of equals, never a NaN."""
    # K passes over short rows: torch's own reduction of a middle axis takes four times as long.
    least = torch.full_like(scores[:, 0], float("inf"))
    codes = torch.zeros(least.shape, dtype=torch.uint8, device=scores.device)
    for k in range(scores.shape[1]):
        less = scores[:, k] < least
        least = torch.where(less, scores[:, k], least)
        codes.masked_fill_(less, k)
    return codes.long()


def portions(x: Tensor, centroids: Tensor) -> Iterator[tuple[tuple[int, int], Tensor]]:
    """Yield ranges of codebooks with their pieces (c, V, N), few enough for the caches."""
    codebooks, clusters, length = centroids.shape
    pieces = x.T.contiguous().reshape(codebooks, length, len(x))
    step = max(1, NUMBERS // max(1, len(x) * clusters))
    for begin in range(0, codebooks, step):
        end = min(begin + step, codebooks)
        yield (begin, end), pieces[begin:end]


def checked_shapes(x: Tensor, centroids: Tensor) -> None:
    """Raise ValueError unless x is (N, C V) of a floating-point type for centroids (C, K, V)."""
    if centroids.dim() != 3 or 0 in centroids.shape:
        raise ValueError(f"centroids: shape {tuple(centroids.shape)}, expected (C, K, V)")
    codebooks, clusters, length = centroids.shape
    if clusters > 256:
        raise ValueError(f"centroids: K = {clusters} of a codebook, expected at most 256")
    if x.dim() != 2 or x.shape[1] != codebooks * length:
        raise ValueError(
            f"x: shape {tuple(x.shape)}, expected (N, {codebooks * length}): {codebooks} codebooks "
            f"of length {length}"
        )
    if not x.dtype.is_floating_point:
        raise ValueError(f"x: {x.dtype}, expected a floating-point type")
