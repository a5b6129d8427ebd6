"""A generator taught by what a search found, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat import PartRef, Shared, TaskContext, stored, task
from heliostat_methods.pnag.config import GeneratorConfig
from heliostat_methods.pnag.descent.schedule import Descent
from heliostat_methods.pnag.generator.evaluator_training import EvaluatorTraining
from heliostat_methods.pnag.generator.imitation import Imitation
from heliostat_methods.pnag.generator.policy import PolicyTraining
from heliostat_methods.pnag.generator.teaching import TeachingSettings, taught
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace


@stored("pnag.everything")
@dataclass(frozen=True, eq=False)
class Everything:
    """All that a run evaluated: different networks of a space, accuracy and cost (n,)."""

    space: PartRef
    archs: Archs
    accuracy: NDArray[np.float64]
    cost: NDArray[np.float64]


@stored("pnag.teaching")
@dataclass(frozen=True)
class Teaching:
    """A generator to teach by all that is known."""

    known: Shared[Everything]
    settings: GeneratorConfig


def _of_space(space: SearchSpace, said: Archs) -> Archs:
    """Return what of it are architectures: a generator may say choices that make none."""
    return space.canonical(said[space.valid(said)])


def _settings(chosen: GeneratorConfig) -> TeachingSettings:
    return TeachingSettings(
        chosen.knots,
        evaluator=EvaluatorTraining(Descent(epochs=chosen.evaluator_epochs)),
        policy=PolicyTraining(steps=chosen.policy_steps),
        imitation=Imitation(chosen.imitation_steps),
    )


@stored("pnag.said")
@dataclass(frozen=True, eq=False)
class Said:
    """What a generator says for budgets (n,), and its parameters by name.

    `candidates`: of each budget (any number, decisions), the likeliest first; none where nothing
    that was said is an architecture.
    """

    budgets: NDArray[np.float64]
    candidates: tuple[Archs, ...]
    parameters: Mapping[str, NDArray[Any]]


@task("pnag.teach_generator")
def teach_generator(item: Teaching, ctx: TaskContext) -> Said:
    """Teach one generator all budgets, and ask it for some between those it was taught at."""
    known: Everything = ctx.shared(item.known)
    space: SearchSpace = ctx.part("space", known.space)
    made = taught(
        space, known.archs, known.accuracy, known.cost, _settings(item.settings),
        lambda *name: ctx.rng("teaching", *name),
    )  # fmt: skip
    budgets = made.spread(item.settings.budgets)
    said = [
        _of_space(space, made.candidates(float(budget), ctx.rng("answers", place)))
        for place, budget in enumerate(budgets)
    ]
    parameters = {
        name: value.detach().cpu().numpy().copy()
        for name, value in made.generator.state_dict().items()
    }
    return Said(budgets, tuple(said), parameters)
