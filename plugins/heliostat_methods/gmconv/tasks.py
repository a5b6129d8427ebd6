"""What runs on a worker: one network with one kind of convolution, trained and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from heliostat import Shared, TaskContext, stored, task
from heliostat.contract import Model
from heliostat_methods.gmconv.training.measuring import Measured, Measuring
from heliostat_methods.gmconv.training.variant import Variant
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.module_training import (
    ModuleState,
    ModuleTraining,
    schedule_factor,
)
from heliostat_search.supervised.problem import Data, Problem, create
from heliostat_search.supervised.streams import under
from heliostat_search.unrolled.drawing import draw_seeds

_CHECK_EVERY = 20
"""Steps between offers of a checkpoint; the platform keeps one every so many seconds."""


@stored("gmconv.settings")
@dataclass(frozen=True)
class Settings:
    """How a network is trained; shared once by hash."""

    learning_rate: float
    momentum: float
    weight_decay: float
    schedule: Literal["cosine", "constant"]
    batch_size: int
    steps: int
    measured_at: tuple[int, ...]
    receptive_inputs: int


@stored("gmconv.training")
@dataclass(frozen=True)
class Training:
    """A training of one variant at one rate under one seed.

    ``detail``: whether test rows, widths and receptive fields are measured, which a choice of
    rates needs not; ``keeps``: whether the network itself is kept.
    """

    problem: Shared[Problem]
    settings: Shared[Settings]
    variant: Variant
    factor: float
    seed: int
    detail: bool
    keeps: bool


@stored("gmconv.kept")
@dataclass(frozen=True)
class _Kept:
    state: ModuleState
    measured: Measured


@task("gmconv.train")
def train(item: Training, ctx: TaskContext) -> Measured:
    """Train a network from the numbers that all variants of a seed begin with."""
    problem, settings = ctx.shared(item.problem), ctx.shared(item.settings)
    streams, variant = under(ctx.rng, "seed", item.seed), item.variant
    recipe: Model = ctx.part("model", problem.model)
    fresh = create(problem, recipe, int(streams("init").integers(1 << 62)))
    drawn = torch.Generator().manual_seed(int(streams("widths").integers(1 << 62)))
    module = variant.converted(fresh, drawn).to(ctx.device)
    data = Data.of(problem, ctx.device)
    rate = settings.learning_rate * item.factor
    training = ModuleTraining(
        module, variant.optimiser(module, rate, settings.momentum, settings.weight_decay), data,
        Batches([streams], "train", len(data.train), settings.batch_size, ctx.device),
        problem.task, problem.classes,
        factor=lambda step: schedule_factor(settings.schedule, step, settings.steps),
        seeds=draw_seeds(streams("dropout"), settings.steps), device=ctx.device,
    )  # fmt: skip
    measuring = Measuring(problem, data, settings.measured_at, item.detail)
    kept: _Kept | None = ctx.restore(None)
    if kept is not None:
        training.load(kept.state)
        measuring.load(kept.measured)
    while True:
        measuring.look(training)
        if training.taken == settings.steps:
            break
        training.step()
        if training.taken % _CHECK_EVERY == 0:
            ctx.checkpoint(_Kept(training.state(), measuring.so_far()))
    return measuring.ended(training, settings.receptive_inputs, item.keeps)
