"""A supernet trained: one long task with checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat import ConfigError, Shared, TaskContext, stored, task
from heliostat_methods.pnag.searchers.searcher import Streams
from heliostat_methods.pnag.spaces.layout import TrainableSpace
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.sandwich import Sandwich
from heliostat_methods.pnag.supernet.schedule import Schedule
from heliostat_methods.pnag.supernet.shrinking import ProgressiveShrinking
from heliostat_methods.pnag.supernet.training import StepReport, SupernetTrainer, TrainingSettings
from heliostat_methods.pnag.training.building import (
    PartBuilder,
    TrainedSupernet,
    choices_of,
    fresh_supernet,
    layout_of,
    space_of,
    weights_of,
)
from heliostat_methods.pnag.training.problem import Images, Problem


@stored("pnag.training")
@dataclass(frozen=True)
class Training:
    """A supernet to train."""

    problem: Shared[Problem]


@stored("pnag.progress")
@dataclass(frozen=True, eq=False)
class Progress:
    """Where a training stands: the trainer's state, and losses of the epochs that are over."""

    state: Mapping[str, NDArray[Any]]
    losses: tuple[float, ...]


@task("pnag.train_supernet")
def train_supernet(item: Training, ctx: TaskContext) -> TrainedSupernet:
    """Train the network that holds all others, with a checkpoint after each epoch."""
    problem: Problem = ctx.shared(item.problem)
    space = space_of(problem, ctx.part)
    net = fresh_supernet(problem, space, ctx.part, ctx.torch_generator("weights"))
    trainer = trainer_of(problem, space, net.to(ctx.device), ctx.rng, ctx.part)
    losses = train_epochs(trainer, problem.train, ctx, "supernet")
    return TrainedSupernet(weights_of(net), np.array(losses))


def trainer_of(
    problem: Problem, space: TrainableSpace, net: Supernet, streams: Streams, part: PartBuilder
) -> SupernetTrainer:
    """Return what trains a supernet as a problem's settings say."""
    chosen = problem.settings
    settings = TrainingSettings(
        epochs=chosen.epochs, batch=chosen.batch, rate=chosen.learning_rate,
        momentum=chosen.momentum, weight_decay=chosen.weight_decay, soft=chosen.distillation,
        shards=chosen.shards,
    )  # fmt: skip
    schedule: Schedule = (
        Sandwich(chosen.random) if chosen.schedule == "sandwich" else ProgressiveShrinking()
    )
    choices = choices_of(space, layout_of(problem, space))
    return SupernetTrainer(net, choices, schedule, settings, streams, part("loss", problem.loss))


def train_epochs(
    trainer: SupernetTrainer, images: Images, ctx: TaskContext, section: str
) -> tuple[float, ...]:
    """Train to the end from where a checkpoint stands; return the first subnet's loss by epoch.

    `section` of the configuration has the rate that a ConfigError names, if losses are not finite.
    """
    pixels, labels = images.tensors(ctx.device)
    kept: Progress | None = ctx.restore(None)
    losses: tuple[float, ...] = ()
    if kept is not None:
        trainer.load(kept.state)
        losses = kept.losses
    steps = trainer.steps(len(pixels)) // trainer.settings.epochs
    while not trainer.done(len(pixels)):
        reports: list[StepReport] = []
        try:
            trainer.train(pixels, labels, (len(losses) + 1) * steps, reports.append)
        except ConfigError as error:
            field = f"{section}.learning_rate" if error.field == "rate" else error.field
            raise ConfigError(field, error.got, error.expected, error.hint) from None
        losses = (*losses, float(np.mean([step.losses[0] for step in reports])))
        ctx.checkpoint(Progress(trainer.state(), losses))
    return losses
