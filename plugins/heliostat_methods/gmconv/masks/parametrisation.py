"""How a stored number says a width: as it is, or through softplus.

``raw``: sigma = max(|s|, 0.01); the mask is even in s, so a step across 0 does no harm, but within
0.01 of 0 the gradient is 0. ``softplus``: sigma = log(1 + exp(rho)) + 0.01, positive everywhere.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from heliostat_methods.gmconv.masks.gaussian import SMALLEST_SIGMA

SigmaParam = Literal["raw", "softplus"]
PARAMETRISATIONS: tuple[SigmaParam, ...] = ("raw", "softplus")


def sigma_of(stored: Tensor, parametrisation: SigmaParam) -> Tensor:
    """Return widths of at least 0.01 from what is stored, entry by entry; NaN stays NaN."""
    if parametrisation == "raw":
        return stored.abs().clamp(min=SMALLEST_SIGMA)
    return softplus(stored) + SMALLEST_SIGMA


def slope_of(stored: Tensor, parametrisation: SigmaParam) -> Tensor:
    """Return d sigma / d stored, entry by entry."""
    if parametrisation == "raw":
        return torch.where(stored.abs() >= SMALLEST_SIGMA, stored.sign(), 0.0)
    return torch.sigmoid(stored)


def number_of(stored: float, parametrisation: SigmaParam) -> tuple[float, float]:
    """Return a width and its slope as `sigma_of` and `slope_of` do, in double precision."""
    if parametrisation == "raw":
        size = abs(stored)
        if size < SMALLEST_SIGMA:
            return SMALLEST_SIGMA, 0.0
        return size, math.copysign(1.0, stored)
    falling = math.exp(-abs(stored))
    sigma = max(stored, 0.0) + math.log1p(falling) + SMALLEST_SIGMA
    return sigma, (1.0 if stored >= 0 else falling) / (1.0 + falling)


def stored_for(sigma: float, parametrisation: SigmaParam) -> float:
    """Return what is stored for a width; softplus needs one above 0.01.

    Raises ``ValueError`` where softplus reaches no such width.
    """
    if parametrisation == "raw":
        return sigma
    above = sigma - SMALLEST_SIGMA
    if above <= 0:
        raise ValueError(
            f"sigma_init must be above {SMALLEST_SIGMA} where softplus gives sigma, got {sigma!r}"
        )
    # log(expm1(x)) = x + log(1 - exp(-x)); the latter does not overflow.
    return above + math.log(-math.expm1(-above))
