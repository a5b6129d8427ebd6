"""The temperature t of soft assignments, learned as theta: beta = 1/t = softplus(theta) + 1."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

_LINEAR = 20.0
"""Above it softplus is the identity in float64, and its inverse too."""


def theta_of(temperature: float) -> float:
    """Return theta of a temperature in (0, 1).

    Raises ValueError for another one.
    """
    if not 0 < temperature < 1:
        raise ValueError(f"temperature: {temperature!r}, expected a number between 0 and 1")
    excess = 1 / temperature - 1
    return excess if excess >= _LINEAR else math.log(math.expm1(excess))


def beta_of(theta: Tensor) -> Tensor:
    """Return beta = 1/t, above 1."""
    return functional.softplus(theta) + 1
