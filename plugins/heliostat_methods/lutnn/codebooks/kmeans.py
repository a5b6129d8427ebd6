"""Centroids of codebooks by k-means, all codebooks side by side."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from heliostat_methods.lutnn.finite import NotFiniteError

NUMBERS = 1 << 24
"""Distances that are held at a time."""
ROUNDS = 25
"""Rounds of Lloyd's algorithm at most; it ends earlier where no piece changes its centroid."""


def kmeans_init(
    inputs: Tensor,
    codebooks: int,
    clusters: int = 16,
    seed: int = 0,
    *,
    rounds: int = ROUNDS,
    batch_rows: int | None = None,
) -> Tensor:
    """Return centroids (C, K, V) float32 of inputs (N, C V), by k-means for each codebook.

    Begins with k-means++ (Arthur and Vassilvitskii 2007); a centroid that nothing is near to moves
    to the piece farthest from its own. ``batch_rows``: rows drawn for each round, whose means are
    weighted by all seen before (Sculley 2010); None takes all rows in every round. Warns where a
    codebook has fewer than K distinct pieces, whose centroids then repeat. Raises ValueError naming
    what is not so: a width that C does not divide, fewer rows than K, numbers that are not finite.
    """
    _check(inputs, codebooks, clusters, rounds, batch_rows)
    generator = torch.Generator().manual_seed(seed)
    pieces = inputs.detach().float().cpu().reshape(len(inputs), codebooks, -1).transpose(0, 1)
    # What is squared below neither overflows nor vanishes, and lies around 0: far from it the
    # square of a distance would be the difference of two large numbers.
    size = _size(pieces)
    pieces = pieces / size[:, None, None]
    # A coarse number near the mean: what is subtracted and added again leaves no trace of rounding.
    middle = pieces.double().mean(1, keepdim=True).mul(16).round().div(16).float()
    pieces = (pieces - middle).contiguous()
    found, few = [], 0
    step = max(1, NUMBERS // (len(inputs) * clusters))
    for some in torch.split(pieces, step):
        begun, distinct = _plus_plus(some, clusters, generator)
        few += int((distinct < clusters).sum())
        found.append(_rounds(some, begun, rounds, batch_rows, generator))
    if few:
        warnings.warn(
            f"{few} of {codebooks} codebooks have fewer than {clusters} distinct pieces, so some "
            "centroids repeat; more rows or a smaller K have none in vain",
            stacklevel=2,
        )
    return (torch.cat(found) + middle) * size[:, None, None]


def _plus_plus(pieces: Tensor, clusters: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return first centroids (C, K, V), and how many of them are different pieces, (C,)."""
    codebooks, rows, _ = pieces.shape
    every = torch.arange(codebooks)
    drawn = torch.rand(clusters, codebooks, generator=generator, dtype=torch.float64)
    at = (drawn[0] * rows).long().clamp(max=rows - 1)
    chosen = [pieces[every, at]]
    nearest = torch.full((codebooks, rows), math.inf)
    distinct = torch.ones(codebooks, dtype=torch.int64)
    for k in range(1, clusters):
        away = (pieces - chosen[-1][:, None]).square().sum(2)
        nearest = torch.minimum(nearest, away)
        sums = nearest.double().cumsum(1)
        total = sums[:, -1:]
        distinct += (total[:, 0] > 0).long()
        at = torch.searchsorted(sums, drawn[k][:, None] * total, right=True)
        at = at.clamp(max=rows - 1)
        # the last piece with any weight, where rounding went beyond it
        last = (nearest > 0).long().cumsum(1).argmax(1, keepdim=True)
        at = torch.where(at > last, last, at)
        chosen.append(pieces[every, at[:, 0]])
    return torch.stack(chosen, dim=1), distinct


def _rounds(
    pieces: Tensor, centroids: Tensor, rounds: int, batch_rows: int | None,
    generator: torch.Generator,
) -> Tensor:  # fmt: skip
    rows = pieces.shape[1]
    if batch_rows is not None and batch_rows < rows:
        seen = torch.zeros(centroids.shape[:2])
        for _ in range(rounds):
            drawn = torch.randint(rows, (batch_rows,), generator=generator)
            some = pieces[:, drawn]
            sums, counts, _ = _sums(some, centroids)
            seen += counts
            pulled = sums - counts[:, :, None] * centroids
            centroids = centroids + pulled / seen.clamp(min=1)[:, :, None]
        return centroids
    before: Tensor | None = None
    for _ in range(rounds):
        sums, counts, codes = _sums(pieces, centroids)
        if before is not None and torch.equal(codes, before):
            break
        before = codes
        means = sums / counts.clamp(min=1)[:, :, None]
        centroids = _filled(pieces, torch.where(counts[:, :, None] > 0, means, centroids), counts)
    return centroids


def _sums(pieces: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return sums (C, K, V) of the pieces nearest to each centroid, counts (C, K), codes (C, N)."""
    codes = _scores(pieces, centroids).argmin(2)
    chosen = torch.nn.functional.one_hot(codes, centroids.shape[1]).float()
    return torch.bmm(chosen.transpose(1, 2), pieces), chosen.sum(1), codes


def _scores(pieces: Tensor, centroids: Tensor) -> Tensor:
    half_norms = centroids.square().sum(2).mul(0.5)
    return torch.baddbmm(half_norms[:, None], pieces, centroids.transpose(1, 2), alpha=-1)


def _filled(pieces: Tensor, centroids: Tensor, counts: Tensor) -> Tensor:
    """Return centroids with those of no piece moved to the pieces farthest from their own."""
    empty = counts == 0
    if not bool(empty.any()):
        return centroids
    centroids = centroids.clone()
    away = (2 * _scores(pieces, centroids).amin(2) + pieces.square().sum(2)).clamp(min=0)
    for codebook in empty.any(1).nonzero()[:, 0].tolist():
        places = empty[codebook].nonzero()[:, 0]
        farthest = away[codebook].topk(min(len(places), pieces.shape[1])).indices
        centroids[codebook, places[: len(farthest)]] = pieces[codebook, farthest]
    return centroids


def _size(pieces: Tensor) -> Tensor:
    """Return a power of two near the largest number of each codebook, so that scaling is exact."""
    largest = pieces.abs().amax((1, 2)).double()
    exponent = torch.where(largest > 0, largest, 1.0).log2().floor().clamp(-120, 120)
    return torch.exp2(exponent).float()


def _check(
    inputs: Tensor, codebooks: int, clusters: int, rounds: int, batch_rows: int | None
) -> None:
    if inputs.dim() != 2:
        raise ValueError(f"inputs: shape {tuple(inputs.shape)}, expected (N, D)")
    least_of = {"codebooks": (codebooks, 1), "clusters": (clusters, 2), "rounds": (rounds, 0),
                "batch_rows": (1 if batch_rows is None else batch_rows, 1)}  # fmt: skip
    for name, (value, least) in least_of.items():
        if value < least:
            raise ValueError(f"{name}: {value}, expected at least {least}")
    rows, features = inputs.shape
    if features == 0 or features % codebooks:
        raise ValueError(f"codebooks: {codebooks}, expected a divisor of the {features} features")
    if rows < clusters:
        raise ValueError(
            f"inputs: {rows} rows, expected at least as many as there are clusters, {clusters}"
        )
    if not bool(torch.isfinite(inputs.detach().float()).all()):
        raise NotFiniteError("inputs: finite numbers are expected to calibrate with, in float32")
