"""A supernet trained in shards: the gradient of each part of a batch is a task of its own.

Shards are configuration, and their gradients are added in their order, so the result does not
depend on workers. Every step sends the weights out and gradients back: worth it where a step takes
much longer than that (see docs/methods/pnag.md).
"""

from __future__ import annotations

import numpy as np

from heliostat import Resources, Run, Shared
from heliostat_methods.pnag.spaces.layout import TrainableSpace
from heliostat_methods.pnag.tasks.gradients import GradientOfShard, shard_gradient
from heliostat_methods.pnag.tasks.supernet import trainer_of
from heliostat_methods.pnag.training.building import (
    TrainedSupernet,
    fresh_supernet,
    weights_of,
)
from heliostat_methods.pnag.training.problem import Problem


def train_in_shards(
    problem: Problem, handle: Shared[Problem], space: TrainableSpace, resources: Resources, run: Run
) -> TrainedSupernet:
    """Return the supernet trained step by step; a resume repeats no gradient that is known."""
    net = fresh_supernet(problem, space, run.part, run.torch_generator("weights"))
    trainer = trainer_of(problem, space, net, run.rng, run.part)
    images = len(problem.train.pixels)
    steps = trainer.steps(images)
    per_epoch = steps // problem.settings.epochs
    losses: list[float] = []
    while not trainer.done(images):
        trainer.begin(images)
        step = run.share(trainer.state())
        items = [GradientOfShard(handle, step, shard) for shard in range(problem.settings.shards)]
        outcomes = run.map(shard_gradient, items, shared=[handle, step], resources=resources)
        report = trainer.apply([outcome.unwrap().gradient() for outcome in outcomes], steps)
        losses.append(report.losses[0])
        run.report(trainer.steps_done, of=steps, loss=report.losses[0])
    means = np.array(losses).reshape(problem.settings.epochs, per_epoch).mean(1)
    return TrainedSupernet(weights_of(net), means)
