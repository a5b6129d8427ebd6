"""Tables of products of centroids and weights, and their int8 form."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from heliostat.errors import did_you_mean
from heliostat_methods.lutnn.finite import NotFiniteError

TableScale = Literal["per_layer", "per_output"]
LARGEST = 127
"""Entries are symmetric: -128 never occurs."""


def float_tables(centroids: Tensor, weight: Tensor) -> Tensor:
    """Return T[c, k, :] = P_k^c w^c, (C, K, M), of centroids (C, K, V) and weights (C, V, M)."""
    if centroids.dim() != 3 or weight.dim() != 3 or centroids.shape[::2] != weight.shape[:2]:
        raise ValueError(
            f"weight: shape {tuple(weight.shape)}, expected (C, V, M) beside centroids (C, K, V) "
            f"of shape {tuple(centroids.shape)}"
        )
    return torch.bmm(centroids, weight)


def quantised_tables(
    centroids: Tensor, weight: Tensor, table_scale: TableScale = "per_layer"
) -> tuple[Tensor, Tensor]:
    """Return int8 tables (C, K, M) and what one step is worth: () a layer, or (M,) an output."""
    return quantised_tables_of(float_tables(centroids, weight), table_scale)


def quantised_tables_of(tables: Tensor, table_scale: TableScale) -> tuple[Tensor, Tensor]:
    """Return tables (C, K, M) in whole steps of max|T|/127, and the step.

    Halves go to the even step; where all entries are 0 the step is 1. Raises ValueError for an
    unknown ``table_scale`` and for entries that are not finite.
    """
    check_table_scale(table_scale)
    with torch.no_grad():
        size = tables.detach().abs()
        largest = size.max() if table_scale == "per_layer" else size.amax((0, 1))
        if not bool(torch.isfinite(largest).all()):
            raise NotFiniteError("tables: finite numbers are expected")
        step = largest / LARGEST
        step = torch.where(step > 0, step, torch.ones_like(step))
        # Of the smallest numbers a step keeps few bits, so a quotient may pass the ends.
        return (tables / step).round().clamp(-LARGEST, LARGEST).to(torch.int8), step


def check_table_scale(table_scale: str) -> None:
    """Raise ValueError for an unknown way to scale tables."""
    known = get_args(TableScale)
    if table_scale not in known:
        raise ValueError(
            f"table_scale: {table_scale!r}, expected one of {', '.join(known)}; "
            + did_you_mean(str(table_scale), known)
        )
