"""Codes of inputs by the compiled search, for centroids that are still being trained."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heliostat_methods.lutnn.kernels.linear import lut_encode
from heliostat_methods.lutnn.kernels.packing import LANES, OUTPUT_BLOCK, PackedLayer


def encode(x: Tensor, centroids: Tensor) -> Tensor:
    """Return the codes (N, C) uint8 of inputs (N, C V) for centroids (C, K, V), K at most 16.

    Those that the layer will have once it is frozen, ties included; float32 on the CPU.
    """
    codebooks, clusters, length = centroids.shape
    by_lane = torch.zeros(codebooks, length, LANES)
    by_lane[:, :, :clusters] = centroids.transpose(1, 2)
    half_norms = torch.full((codebooks, LANES), math.inf)
    # As `pack` rounds them, so that a frozen layer has the same.
    half_norms[:, :clusters] = by_lane[:, :, :clusters].double().square().sum(1).mul(0.5).float()
    nothing = torch.empty(0)
    return lut_encode(
        x, PackedLayer(by_lane, half_norms, nothing, None, nothing, nothing, clusters, OUTPUT_BLOCK)
    )
