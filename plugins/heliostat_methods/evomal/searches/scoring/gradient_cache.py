"""The gradient cache: losses whose gradients agree before tuning share a score.

``PlainGradients`` compares them at weights of one, although tuning may part them;
``ParametricGradients`` asks for agreement as functions of the weights, which loses nothing but an
accident of all probes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.population.equivalence import (
    Probe,
    parametric_fingerprint,
    plain_fingerprint,
)
from heliostat_methods.evomal.population.program import LossProgram


@dataclass(frozen=True)
class PlainGradients:
    """Equal at weights of one: approximate where weights are tuned."""

    probe: Probe

    def keys(self, losses: Sequence[LossExpression]) -> list[str]:
        """Return the keys of untuned losses."""
        program = LossProgram.from_expressions(losses)
        return [f"untuned {key}" for key in plain_fingerprint(program, self.probe)]


@dataclass(frozen=True)
class ParametricGradients:
    """Equal for all weights of one tree shape; `draws` gives the stream of the weights tried."""

    probe: Probe
    draws: Callable[[], np.random.Generator]

    def keys(self, losses: Sequence[LossExpression]) -> list[str]:
        """Return the keys of untuned losses."""
        found = parametric_fingerprint(losses, self.probe, self.draws())
        return [f"parametric {key}" for key in found]
