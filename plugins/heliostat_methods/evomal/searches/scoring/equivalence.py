"""Equivalence: tuned losses whose gradients agree to two digits share a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.population.equivalence import Probe, fingerprint
from heliostat_methods.evomal.population.program import LossProgram, stack_weights


@dataclass(frozen=True)
class TunedGradients:
    """Equal at the tuned weights: approximate beyond the digits and between the probes."""

    probe: Probe

    def keys(self, losses: Sequence[LossExpression]) -> list[str]:
        """Return the keys of tuned losses."""
        program = LossProgram.from_expressions(losses)
        found = fingerprint(program, stack_weights(losses, np.float64), self.probe)
        return [f"tuned {key}" for key in found]
