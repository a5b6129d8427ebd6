"""A network of a space trained by itself, from its own first weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from heliostat_methods.pnag.spaces.layout import Blocks, NetworkLayout
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.schedule import StepPlan


@dataclass(frozen=True)
class Alone:
    """The schedule that trains the largest subnet and no other."""

    def plan(
        self, choices: SubnetChoices, step: int, steps: int, rng: np.random.Generator
    ) -> StepPlan:
        """Return the largest subnet, taught by labels."""
        return StepPlan((choices.largest,), "none")


def only(layout: NetworkLayout, blocks: Blocks) -> NetworkLayout:
    """Return the layout that has one network: these blocks."""
    units = tuple(
        tuple(
            replace(shape, kernels=(kernel,), expands=(expand,))
            for shape, (kernel, expand) in zip(shapes, chosen, strict=False)
        )
        for shapes, chosen in zip(layout.units, blocks, strict=True)
    )
    return replace(layout, units=units)


def alone(layout: NetworkLayout) -> SubnetChoices:
    """Return the one choice of a layout that has one network."""
    return SubnetChoices(layout, tuple((len(unit),) for unit in layout.units))
