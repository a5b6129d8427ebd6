"""How a stored number says a width: as it is, or through softplus.

``raw``: sigma = max(|s|, 0.01); the mask is even in s, so a step across 0 does no harm, but within
0.01 of 0 the gradient is 0. ``softplus``: sigma = log(1 + exp(rho)) + 0.01, positive everywhere.
"""

from __future__ import annotations

import math
from typing import Literal

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
