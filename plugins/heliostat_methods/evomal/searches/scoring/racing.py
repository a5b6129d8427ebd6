"""Racing: the worse half stops at each rung; a slow starter is lost.

Who got further stands ahead in selection, whatever the metric was on the way: see ``standings``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Racing:
    """Successive halving at `rungs`, training steps below `steps`; without rungs all finish."""

    rungs: tuple[int, ...]
    steps: int

    @property
    def stages(self) -> tuple[int, ...]:
        """The steps up to which the trainings go, one after another."""
        return (*self.rungs, self.steps)

    def ahead(self, fitness: Mapping[str, float], until: int) -> list[str]:
        """Return who goes on after a stage, fittest first; all of them after the last one."""
        order = sorted(fitness, key=fitness.__getitem__)  # stable: ties keep their order
        return order if until == self.steps else order[: math.ceil(len(order) / 2)]
