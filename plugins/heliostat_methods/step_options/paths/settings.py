"""How paths are drawn: weights, steps, mirrored pairs, controls, strata, tilt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from heliostat import stored
from heliostat_methods.step_options.contracts.validation import InvalidInput, choice

WEIGHTS = ("bridge", "naive", "knock_out")


@stored("step_options.path_settings")
@dataclass(frozen=True)
class PathSettings:
    """How paths are drawn.

    weights: "bridge" exact given the ends of each step, "naive" a Riemann sum of the rate,
    "knock_out" the limit of an infinite rate. steps: in time. antithetic: pairs of mirrored paths.
    controls: vanilla payoff and discounted S_T as control variates. strata: equal strata of the
    final value (with the steps in Brownian-bridge order). tilt: shift of the final value, in
    standard deviations, with its likelihood ratio.
    """

    weights: str = "bridge"
    steps: int = 1
    antithetic: bool = False
    controls: bool = True
    strata: int = 1
    tilt: float = 0.0

    def __post_init__(self) -> None:
        choice("weights", self.weights, WEIGHTS)
        for name in ("steps", "strata"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvalidInput(name, value, "an integer >= 1")
        if not math.isfinite(self.tilt):
            raise InvalidInput("tilt", self.tilt, "a finite number")
