"""How paths are drawn: weights, steps, mirrored pairs, controls, strata, tilt."""

from __future__ import annotations

from dataclasses import dataclass

from heliostat import stored
from heliostat_methods.step_options.contracts.validation import (
    InvalidInput,
    choice,
    flag,
    number,
    whole_number,
)

WEIGHTS = ("bridge", "naive", "knock_out")
MOST_STEPS, MOST_STRATA, MOST_TILT = 10_000, 1 << 20, 30.0


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
        steps = whole_number("n_steps", self.steps, least=1, most=MOST_STEPS)
        strata = whole_number("strata", self.strata, least=1, most=MOST_STRATA)
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "strata", strata)
        for name in ("antithetic", "controls"):
            object.__setattr__(self, name, flag(name, getattr(self, name)))
        if abs(number("tilt", self.tilt)) > MOST_TILT:
            raise InvalidInput("tilt", self.tilt, f"a number within {MOST_TILT:g} of 0")
