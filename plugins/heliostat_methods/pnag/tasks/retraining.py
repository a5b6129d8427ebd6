"""Networks trained by themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat import Shared, TaskContext, stored, task
from heliostat_methods.pnag.config import RetrainConfig
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.prefixes import accuracies
from heliostat_methods.pnag.supernet.training import SupernetTrainer, TrainingSettings
from heliostat_methods.pnag.tasks.supernet import train_epochs
from heliostat_methods.pnag.training.alone import Alone, alone, only
from heliostat_methods.pnag.training.building import layers_of, layout_of, space_of
from heliostat_methods.pnag.training.problem import Problem


@stored("pnag.retraining")
@dataclass(frozen=True, eq=False)
class Retraining:
    """A network to train by itself; `seed` names its streams."""

    problem: Shared[Problem]
    settings: RetrainConfig
    arch: NDArray[np.int16]
    seed: int


@task("pnag.retrain")
def retrain(item: Retraining, ctx: TaskContext) -> tuple[float, float]:
    """Return validation and test accuracy of a network that was trained by itself."""
    problem: Problem = ctx.shared(item.problem)
    space = space_of(problem, ctx.part)
    blocks = space.blocks(item.arch)
    layout = only(layout_of(problem, space), blocks)
    net = Supernet(
        layout, space.middle, ctx.torch_generator("retrained weights", item.seed),
        layers_of(problem.layers, ctx.part), problem.memory_format,
    ).to(ctx.device)  # fmt: skip
    settings = TrainingSettings(
        epochs=item.settings.epochs, batch=item.settings.batch, rate=item.settings.learning_rate,
        momentum=problem.settings.momentum, weight_decay=problem.settings.weight_decay,
    )  # fmt: skip
    trainer = SupernetTrainer(
        net, alone(layout), Alone(), settings,
        lambda *name: ctx.rng("retraining", item.seed, *name), ctx.part("loss", problem.loss),
    )  # fmt: skip
    train_epochs(trainer, problem.train, ctx, "retrain")
    calibration, _ = problem.calibration.tensors(ctx.device)
    valid, test = (
        float(accuracies(net, [blocks], calibration, *part.tensors(ctx.device))[0])
        for part in (problem.valid, problem.test)
    )
    return valid, test
