"""What a contract charges in a step, in the form that the tables of weights know."""

from __future__ import annotations

import math
from dataclasses import dataclass

from heliostat_methods.step_options.contracts.step_option import StepOption


@dataclass(frozen=True)
class Barrier:
    """One barrier seen from its charged side: mirrored for an up barrier, common rate taken out."""

    mirror: float
    rate: float
    common: float

    @classmethod
    def of(cls, option: StepOption) -> Barrier:
        """Return the form that the weight tables know: rate >= 0 below 0, nothing above."""
        below, above = option.rates
        common = min(below, above)
        rate = max(below, above) - common if common < math.inf else 0.0
        return cls(-1.0 if above > below else 1.0, rate, common)


def step_rates(rates: tuple[float, ...], length: float) -> tuple[float, ...]:
    """Return rates per step of a length in years; over no time an infinite rate charges nothing."""
    return tuple(rate * length if length else 0.0 for rate in rates)
