"""The prototypes of MADDNESS: what stands for each code, fitted for all codebooks together.

Source: Blalock and Guttag 2021, "Multiplying matrices without multiplying", arXiv 2106.10860,
section 4.3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heliostat_methods.lutnn.baselines.maddness_trees import LEAVES
from heliostat_methods.lutnn.finite import NotFiniteError


def learned_prototypes(inputs: Tensor, codes: Tensor, ridge: float = 1.0) -> Tensor:
    """Return prototypes (C, 16, D) float64, by ridge regression of inputs (N, D) on codes (N, C).

    With G (N, 16 C) the codes' one-hot rows, (G'G + ridge I)^-1 G'X; each prototype has all D
    columns, so codebooks mend each other's errors (Blalock and Guttag 2021, arXiv 2106.10860,
    section 4.3). Raises ValueError naming the argument.
    """
    _check(inputs, codes, ridge)
    rows = inputs.detach().double()
    codebooks = codes.shape[1]
    hot = codes.to(rows.device, torch.int64) + torch.arange(codebooks, device=rows.device) * LEAVES
    size = codebooks * LEAVES
    sums = torch.zeros(size, rows.shape[1], dtype=torch.float64, device=rows.device)
    for column in hot.unbind(1):
        sums.index_add_(0, column, rows)
    system = _pair_counts(hot, size)
    system.diagonal().add_(ridge)
    factor, failed = torch.linalg.cholesky_ex(system)
    if bool(failed):
        raise ValueError(f"ridge: {ridge}, expected a larger one beside {len(rows)} rows")
    return torch.cholesky_solve(sums, factor).reshape(codebooks, LEAVES, -1)


def _pair_counts(hot: Tensor, size: int) -> Tensor:
    """Return G'G (16 C, 16 C): in how many rows two codes occur together."""
    blocks = []
    for codebook, column in enumerate(hot.unbind(1)):
        pairs = (column - codebook * LEAVES)[:, None] * size + hot
        blocks.append(torch.bincount(pairs.reshape(-1), minlength=LEAVES * size))
    return torch.stack(blocks).reshape(size, size).double()


def _check(inputs: Tensor, codes: Tensor, ridge: float) -> None:
    if inputs.dim() != 2 or 0 in inputs.shape:
        raise ValueError(f"inputs: shape {tuple(inputs.shape)}, expected (N, D)")
    if codes.dim() != 2 or len(codes) != len(inputs) or codes.shape[1] == 0:
        raise ValueError(f"codes: shape {tuple(codes.shape)}, expected ({len(inputs)}, C)")
    lowest, highest = (int(end) for end in codes.aminmax())
    if lowest < 0 or highest >= LEAVES:
        raise ValueError(f"codes: from {lowest} to {highest}, expected 0 to {LEAVES - 1}")
    if not bool(torch.isfinite(inputs).all()):
        raise NotFiniteError("inputs: finite numbers are expected to calibrate with")
    # One-hot rows of a codebook add up to 1, so without a ridge the system is singular.
    if not (ridge > 0 and math.isfinite(ridge)):
        raise ValueError(f"ridge: {ridge}, expected a positive number")
