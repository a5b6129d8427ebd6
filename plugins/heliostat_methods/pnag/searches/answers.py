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

Cost = Callable[[Archs], NDArray[np.float64]]
Worth = Callable[[Archs], tuple[NDArray[np.float64], NDArray[np.float64]]]


def said_by_generator(config: PNAGConfig, known: Everything, run: Run) -> Said:
    """Return what one generator, taught by what was found, says for budgets in between."""
    run.phase("teaching the generator")
    handle = run.share(known)
    item = Teaching(handle, config.generator)
    found: Said = run.call(teach_generator, item, shared=handle).unwrap()
    return found


def chosen(said: Said, cost: Cost | None) -> tuple[NDArray[np.float64], Archs]:
    """Return budgets (n,) and one architecture for each, (n, decisions).

    The likeliest; where costs are known before an evaluation, the first that fits if any does. A
    budget for which no architecture was said is left out.
    """
    places = [place for place, archs in enumerate(said.candidates) if len(archs)]
    taken = []
    for place in places:
        archs, budget = said.candidates[place], float(said.budgets[place])
        taken.append(archs[0] if cost is None else archs[_first_fitting(cost(archs), budget)])
    width = said.candidates[0].shape[1]
    return said.budgets[places], np.array(taken, np.int16).reshape(-1, width)


def unanswered(said: Said) -> list[str]:
    """Return a remark on budgets for which no architecture was said, if there are any."""
    count = sum(len(archs) == 0 for archs in said.candidates)
    if count == 0:
        return []
    return [f"for {count} of {len(said.candidates)} budgets the generator said nothing that is a "
            "network of the space; they are left out"]  # fmt: skip


def _first_fitting(costs: NDArray[np.float64], budget: float) -> int:
    # argmax of nothing true is 0, the likeliest
    return int(np.argmax(costs <= budget))


def answers(
    space: SearchSpace, front: TrueFront, budgets: NDArray[np.float64], archs: Archs, worth: Worth
) -> list[Answer]:
    """Return the answers (n, decisions) to budgets (n,), with what their networks are worth."""
    if len(archs) == 0:
        return []
    accuracy, cost = worth(archs)
    return [
        Answer(
            float(budget), space.write(arch), float(cost[place]), bool(cost[place] <= budget),
            float(accuracy[place]), front.best(float(budget)),
        )
        for place, (budget, arch) in enumerate(zip(budgets, archs, strict=True))
    ]  # fmt: skip
