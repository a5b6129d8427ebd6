"""What a schedule of supernet training is: which subnets a step trains, and who teaches them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from heliostat_methods.pnag.spaces.layout import Blocks
from heliostat_methods.pnag.supernet.choices import SubnetChoices

Teacher = Literal["none", "first", "frozen"]


@dataclass(frozen=True)
class StepPlan:
    """The subnets of one step and what teaches them.

    "none": hard labels alone. "first": the first subnet learns from hard labels, and the others
    also from its outputs in this step. "frozen": all also learn from the largest network as it was
    when `freeze` was last set. `freeze` and `sort` happen before the step.
    """

    subnets: tuple[Blocks, ...]
    teacher: Teacher
    freeze: bool = False
    sort: bool = False


class Schedule(Protocol):
    """Decides the subnets of every step."""

    def plan(
        self, choices: SubnetChoices, step: int, steps: int, rng: np.random.Generator
    ) -> StepPlan:
        """Return what step `step` of `steps` trains; random subnets come from `rng`."""
        ...
