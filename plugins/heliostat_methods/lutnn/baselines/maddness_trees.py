"""The hash trees of MADDNESS: four comparisons turn a piece of the inputs into a code of 0..15.

Source: Blalock and Guttag 2021, "Multiplying matrices without multiplying", arXiv 2106.10860,
sections 4.1 (the hash functions) and 4.2 (how they are learned).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat_methods.lutnn.finite import NotFiniteError

LEVELS = 4
LEAVES = 2**LEVELS
CANDIDATES = 4
"""Columns of a piece that a level is tried with; the paper takes as many."""

Rows = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HashTrees:
    """A tree of 4 levels for each of C codebooks; what lies above a threshold goes right."""

    split_idxs: Tensor
    """(C, 4) int64, the input, of all D, that each level compares."""
    thresholds: Tensor
    """(C, 15) float32, those of a level's 1, 2, 4, 8 nodes after each other, from left to right."""
    in_features: int
    """D."""

    @property
    def codebooks(self) -> int:
        """C."""
        return int(self.split_idxs.shape[0])


def learned_trees(inputs: Tensor, codebooks: int) -> HashTrees:
    """Return a tree for each of C codebooks, grown on inputs (N, D) level by level.

    A level splits the column that leaves the smallest sum of squares within the buckets, over all
    V = D/C columns of the codebook, each bucket at its own best threshold (Blalock and Guttag 2021,
    arXiv 2106.10860, section 4.2). The float32 values of the inputs are compared; nothing is
    drawn at random. Raises ValueError naming the argument.
    """
    rows = inputs.detach().float().cpu()
    _check(rows, codebooks)
    length = rows.shape[1] // codebooks
    pieces = rows.numpy().reshape(len(rows), codebooks, length)
    grown = [_grown(pieces[:, c].astype(np.float64)) for c in range(codebooks)]
    first = torch.arange(codebooks)[:, None] * length
    return HashTrees(
        torch.tensor([splits for splits, _ in grown]) + first,
        torch.tensor([thresholds for _, thresholds in grown], dtype=torch.float32),
        rows.shape[1],
    )


def encode(trees: HashTrees, x: Tensor) -> Tensor:
    """Return the codes (N, C) uint8 of inputs (N, D), the leaves that they fall into.

    The first level decides the highest bit (Blalock and Guttag 2021, arXiv 2106.10860, section
    4.1). NaN is above no threshold, so it goes left. Raises ValueError where D is not the trees'.
    """
    if x.dim() != 2 or x.shape[1] != trees.in_features:
        raise ValueError(f"x: shape {tuple(x.shape)}, expected (N, {trees.in_features})")
    compared = x.detach().float()[:, trees.split_idxs]  # (N, C, 4)
    thresholds = trees.thresholds.reshape(-1)
    root = torch.arange(trees.codebooks, device=thresholds.device) * (LEAVES - 1)
    codes = torch.zeros(compared.shape[:2], dtype=torch.int64, device=compared.device)
    for level in range(LEVELS):
        node = root + (2**level - 1) + codes
        codes = 2 * codes + (compared[:, :, level] > thresholds[node])
    return codes.to(torch.uint8)


class _Cut(NamedTuple):
    threshold: float
    gain: float
    """What the cut takes off the bucket's sum of squares."""


def _grown(rows: Rows) -> tuple[list[int], list[float]]:
    """Return the splits (4) and thresholds (15) of one codebook's rows (N, V)."""
    buckets, splits, thresholds = [rows], list[int](), list[float]()
    for _ in range(LEVELS):
        split, cuts = _best_split(buckets)
        splits.append(split)
        thresholds += [cut.threshold for cut in cuts]
        buckets = [
            bucket[side]
            for bucket, cut in zip(buckets, cuts, strict=True)
            for side in (bucket[:, split] <= cut.threshold, bucket[:, split] > cut.threshold)
        ]
    return splits, thresholds


def _best_split(buckets: list[Rows]) -> tuple[int, list[_Cut]]:
    """Return a column to split and its cut in each bucket; the first candidate wins a tie."""
    centred = [_centred(bucket) for bucket in buckets]
    within = np.sum([np.square(rows).sum(0) for rows in centred], axis=0)
    candidates = np.argsort(-within, kind="stable")[:CANDIDATES].tolist()
    cuts = {
        column: [_best_cut(rows, of, column) for rows, of in zip(buckets, centred, strict=True)]
        for column in candidates
    }
    split = max(candidates, key=lambda column: sum(cut.gain for cut in cuts[column]))
    return split, cuts[split]


def _centred(rows: Rows) -> Rows:
    if len(rows) == 0:
        return rows
    # A constant column becomes 0 exactly: 2^29 equal float32 numbers add up in float64 unrounded.
    centred: Rows = rows - rows.mean(0)
    return centred


def _best_cut(rows: Rows, centred: Rows, column: int) -> _Cut:
    """Return the cut of a bucket's column that leaves the smallest sum of squares in all columns.

    Left and right of a cut after n of N rows, whose centred sum is S, the sum of squares falls by
    |S|^2 N / (n (N - n)): unlike the difference of two sums of squares it loses no digits.
    """
    if len(rows) == 0:
        return _Cut(0.0, 0.0)
    order = np.argsort(rows[:, column], kind="stable")
    values = rows[order, column]
    ends = np.flatnonzero(values[:-1] < values[1:])
    if len(ends) == 0:
        return _Cut(float(values[0]), 0.0)
    left, total = ends + 1, len(rows)
    sums = np.square(centred[order].cumsum(0)[ends]).sum(1)
    gains = sums * (total / (left * (total - left)))
    best = int(gains.argmax())
    below, above = float(values[ends[best]]), float(values[ends[best] + 1])
    # Of neighbouring float32 numbers the middle may round to the upper one, which belongs right.
    middle = float(np.float32((below + above) / 2))
    return _Cut(middle if middle < above else below, float(gains[best]))


def _check(rows: Tensor, codebooks: int) -> None:
    if rows.dim() != 2:
        raise ValueError(f"inputs: shape {tuple(rows.shape)}, expected (N, D)")
    features = rows.shape[1]
    if codebooks < 1 or features == 0 or features % codebooks:
        raise ValueError(f"codebooks: {codebooks}, expected a divisor of the {features} features")
    if len(rows) < LEAVES:
        raise ValueError(
            f"inputs: {len(rows)} rows, expected at least as many as there are leaves, {LEAVES}"
        )
    if not bool(torch.isfinite(rows).all()):
        raise NotFiniteError("inputs: finite float32 numbers are expected to calibrate with")
