"""What can be set for the mask of a layer; equal settings give equal layers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from heliostat_methods.gmconv.masks.parametrisation import (
    PARAMETRISATIONS,
    SigmaParam,
    stored_for,
)

Mask = Literal["gaussian", "circle"]


@dataclass(frozen=True)
class MaskSettings:
    """The mask of a layer. Raises ``ValueError`` naming what is not so.

    ``sigma_init``: width at the start, in taps; 5 leaves a 3x3 kernel nearly as it is (0.961 in its
    corners) [R]. ``sigma_param``: see `parametrisation`. ``learn_sigma``: a parameter, else a
    constant. ``per_channel``: a width for each output channel. ``mask``: "circle" has no width.
    ``check_finite``: refuse a width that is NaN or infinite in every forward pass, which waits for
    the device.
    """

    sigma_init: float = 5.0
    sigma_param: SigmaParam = "raw"
    learn_sigma: bool = True
    per_channel: bool = False
    mask: Mask = "gaussian"
    check_finite: bool = False

    def __post_init__(self) -> None:
        check_sigma_init(self.sigma_init)
        if self.sigma_param not in PARAMETRISATIONS:
            raise ValueError(f"sigma_param must be 'raw' or 'softplus', got {self.sigma_param!r}")
        if self.mask not in ("gaussian", "circle"):
            raise ValueError(f"mask must be 'gaussian' or 'circle', got {self.mask!r}")
        if self.mask == "circle" and self.per_channel:
            raise ValueError(
                "per_channel must be False for mask='circle', which has no sigma, got True"
            )
        stored_for(self.sigma_init, self.sigma_param)


def check_sigma_init(value: object) -> None:
    """Raise ``ValueError`` for what is no finite positive number."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # Wider ones are infinite in float32.
    if not number or not math.isfinite(value) or not 0 < value <= 1e30:  # type: ignore[arg-type,operator]
        raise ValueError(f"sigma_init must be a finite positive number, got {value!r}")
