"""Progressive shrinking (Cai et al. 2020, "Once-for-all", section 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heliostat.errors import ConfigError
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.schedule import StepPlan

_ELASTIC = (
    {"kernel": True, "depth": False, "width": False},
    {"kernel": True, "depth": True, "width": False},
    {"kernel": True, "depth": True, "width": True},
)


@dataclass(frozen=True)
class ProgressiveShrinking:
    """Trains the largest network, then smaller kernels too, then depths, then widths.

    `shares`: what share of all steps each of the four phases takes. From the second phase on, a
    step trains `random` subnets, which the largest network as it was after the first phase
    teaches. Before widths shrink, channels are sorted by their weight in the output.
    """

    shares: tuple[float, float, float, float] = (0.4, 0.2, 0.2, 0.2)
    random: int = 2

    def __post_init__(self) -> None:
        if len(self.shares) != 4 or min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-9:
            raise ConfigError("shares", self.shares, "four shares of all steps that sum to 1")
        if self.shares[0] == 0:
            raise ConfigError("shares", self.shares, "a first phase, which trains the teacher")
        if self.random < 1:
            raise ConfigError("random", self.random, "1 random subnet a step or more")

    def plan(
        self, choices: SubnetChoices, step: int, steps: int, rng: np.random.Generator
    ) -> StepPlan:
        """Return the step's subnets."""
        begins = self.begins(steps)
        phase = sum(step >= begin for begin in begins)
        if phase == 0:
            return StepPlan((choices.largest,), "none")
        elastic = _ELASTIC[phase - 1]
        drawn = tuple(choices.draw(rng, **elastic) for _ in range(self.random))
        # A phase without steps begins where the next one does.
        freeze, sort = step == begins[0], step == begins[2]
        return StepPlan(drawn, "frozen", freeze, sort)

    def begins(self, steps: int) -> tuple[int, int, int]:
        """Return the first steps of the phases of kernels, depths and widths."""
        ends = np.cumsum(self.shares)[:3]
        # At least one step trains the teacher.
        first, second, third = (max(1, math.floor(end * steps + 1e-9)) for end in ends)
        return first, second, third
