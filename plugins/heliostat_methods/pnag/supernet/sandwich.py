"""The sandwich rule (Yu and Huang 2019, "Universally slimmable networks", section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heliostat.errors import ConfigError
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.schedule import StepPlan


@dataclass(frozen=True)
class Sandwich:
    """Every step trains the largest subnet, the smallest, and some random ones.

    The largest learns from labels; its outputs of the same step teach the others (in-place
    distillation).
    """

    random: int = 2

    def __post_init__(self) -> None:
        if self.random < 0:
            raise ConfigError("random", self.random, "0 random subnets a step or more")

    def plan(
        self, choices: SubnetChoices, step: int, steps: int, rng: np.random.Generator
    ) -> StepPlan:
        """Return the step's subnets, the largest first."""
        drawn = tuple(choices.draw(rng) for _ in range(self.random))
        return StepPlan((choices.largest, choices.smallest, *drawn), "first")
