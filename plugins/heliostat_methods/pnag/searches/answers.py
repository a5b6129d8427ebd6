"""The finished generator asked for budgets, and what its answers are worth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from heliostat import Run
from heliostat_methods.pnag.comparison.outcome import Answer
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.fronts.regret import TrueFront
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace
from heliostat_methods.pnag.tasks.teaching import Everything, Said, Teaching, teach_generator

Worth = Callable[[Archs], tuple[NDArray[np.float64], NDArray[np.float64]]]


def said_by_generator(config: PNAGConfig, known: Everything, run: Run) -> Said:
    """Return what one generator, taught by what was found, says for budgets in between."""
    handle = run.share(known)
    item = Teaching(handle, config.generator)
    found: Said = run.call(teach_generator, item, shared=handle).unwrap()
    return found


def answers(space: SearchSpace, front: TrueFront, said: Said, worth: Worth) -> list[Answer]:
    """Return the answers with what their networks are worth, evaluated."""
    accuracy, cost = worth(said.archs)
    return [
        Answer(
            float(budget), space.write(arch), float(cost[place]), bool(cost[place] <= budget),
            float(accuracy[place]), front.best(float(budget)),
        )
        for place, (budget, arch) in enumerate(zip(said.budgets, said.archs, strict=True))
    ]  # fmt: skip
