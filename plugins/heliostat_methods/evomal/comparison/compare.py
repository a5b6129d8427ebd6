"""The comparison of a run: the protocol, its trainings done by tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from heliostat import Run
from heliostat_methods.evomal.comparison.contestants import Contestant
from heliostat_methods.evomal.comparison.outcome import Comparison
from heliostat_methods.evomal.comparison.protocol import Curves, Plan, Wanted, compared
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.loading import Loaded
from heliostat_methods.evomal.searches.settings import comparison_training, needs
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.tasks import (
    LossTraining,
    LossTrainingSettings,
    Problems,
    train_loss,
)
from heliostat_search.trainings.rates import checkpoints


def compare(
    config: EvoMALConfig,
    posed: Posed,
    which: int,
    loaded: Loaded,
    contestants: Sequence[Contestant],
    run: Run,
) -> Comparison:
    """Return test metrics of the losses, with intervals, and paired tests against the first.

    `loaded` is what problem `which` of those posed was loaded as, with its other splits. Tasks do
    the trainings, `test_block` seeds at a time.
    """
    data = posed.group[which]
    run.phase(f"{data.name}: comparing")
    problems: Problems = (data, *loaded.splits)
    handle, first = posed.problems, which
    if loaded.splits:
        handle, first = run.share(problems), 0
    training = comparison_training(config, data)
    plan = Plan(training, config.test_seeds, config.rate_factors, config.rate_growths,
                config.test_block)  # fmt: skip
    losses = tuple(one.loss for one in contestants)
    settings = run.share(LossTrainingSettings(losses, training, checkpoints(training.steps)))

    def train(wanted: Sequence[Wanted]) -> list[Curves]:
        items, owners = [], []
        for place, one in enumerate(wanted):
            for begin in range(0, len(one.seeds), config.test_block):
                seeds = one.seeds[begin : begin + config.test_block]
                items.append(LossTraining(handle, settings, first + one.split, one.loss, one.factor,
                                          seeds, one.measured_on))  # fmt: skip
                owners.append(place)
        found: list[list[Curves]] = [[] for _ in wanted]
        told = {"losses": len(losses), "rates": len({one.factor for one in wanted})}
        trained = 0
        # Reported before the first, which may take long, and on the way.
        run.report(0, of=len(items), **told, trained=0.0)
        outcomes = run.stream(
            train_loss, items, shared=items[0].handles, resources=needs(config, problems)
        )
        for k, outcome in enumerate(outcomes):
            scores = outcome.unwrap()
            found[owners[k]].append(Curves(scores.valid, scores.test))
            trained += len(items[k].seeds)
            run.report(k + 1, of=len(items), **told, trained=float(trained))
        return [
            Curves(np.concatenate([c.valid for c in part]), np.concatenate([c.test for c in part]))
            for part in found
        ]

    comparison = compared(plan, problems, contestants, train)
    return replace(comparison, deviation=loaded.labels.deviation)
