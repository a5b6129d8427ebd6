"""The gradient of one shard of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat import Shared, TaskContext, stored, task
from heliostat_methods.pnag.supernet.parallel import ShardGradient, shards_of
from heliostat_methods.pnag.tasks.supernet import trainer_of
from heliostat_methods.pnag.training.building import fresh_supernet, space_of
from heliostat_methods.pnag.training.problem import Images, Problem


@stored("pnag.gradient_of_shard")
@dataclass(frozen=True)
class GradientOfShard:
    """One shard of the next step's batch; `state` is the trainer's before the step."""

    problem: Shared[Problem]
    state: Shared[Mapping[str, NDArray[Any]]]
    shard: int


@stored("pnag.shard_gradient")
@dataclass(frozen=True, eq=False)
class FoundGradient:
    """The gradient of all parameters (float32), losses by subnet, and how many images it is of."""

    values: NDArray[np.float32]
    losses: tuple[float, ...]
    images: int

    def gradient(self) -> ShardGradient:
        """Return it as a trainer takes it."""
        return ShardGradient(np.array(self.values), self.losses, self.images)


@task("pnag.shard_gradient")
def shard_gradient(item: GradientOfShard, ctx: TaskContext) -> FoundGradient:
    """Return the gradient of one shard."""
    problem: Problem = ctx.shared(item.problem)
    space = space_of(problem, ctx.part)
    net = fresh_supernet(problem, space, ctx.part, torch.Generator().manual_seed(0))
    trainer = trainer_of(problem, space, net.to(ctx.device), ctx.rng, ctx.part)
    trainer.load(ctx.shared(item.state))
    count = len(problem.train.pixels)
    plan = trainer.begin(count)
    rows = shards_of(trainer.batch(count), problem.settings.shards)[item.shard]
    images = Images(problem.train.pixels[rows], problem.train.labels[rows])
    found = trainer.shard(plan, *images.tensors(ctx.device))
    return FoundGradient(found.values, found.losses, found.images)
