"""Networks of a trained supernet evaluated, and their BatchNorm statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat import Shared, TaskContext, stored, task
from heliostat_methods.pnag.spaces.space import Archs
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.prefixes import accuracies
from heliostat_methods.pnag.supernet.recalibration import recalibrate
from heliostat_methods.pnag.training.building import TrainedSupernet, space_of, trained_supernet
from heliostat_methods.pnag.training.problem import Part, Problem


@stored("pnag.evaluation")
@dataclass(frozen=True, eq=False)
class Evaluation:
    """Networks of the supernet to evaluate on one part of the images."""

    problem: Shared[Problem]
    supernet: Shared[TrainedSupernet]
    archs: Archs
    part: Part = "valid"


@task("pnag.evaluate")
def evaluate(item: Evaluation, ctx: TaskContext) -> NDArray[np.float64]:
    """Return the accuracy of each network, recalibrated for it, (n,)."""
    problem: Problem = ctx.shared(item.problem)
    space, net = space_of(problem, ctx.part), _network(item, ctx)
    calibration, _ = problem.calibration.tensors(ctx.device)
    images, labels = problem.part(item.part).tensors(ctx.device)
    subnets = [space.blocks(arch) for arch in item.archs]
    return accuracies(net, subnets, calibration, images, labels)


def _network(item: Evaluation | Statistics, ctx: TaskContext) -> Supernet:
    problem: Problem = ctx.shared(item.problem)
    trained: TrainedSupernet = ctx.shared(item.supernet)
    space = space_of(problem, ctx.part)
    return trained_supernet(problem, trained.weights, space, ctx.part).to(ctx.device)


@stored("pnag.statistics")
@dataclass(frozen=True, eq=False)
class Statistics:
    """Networks of the supernet whose BatchNorm statistics are wanted."""

    problem: Shared[Problem]
    supernet: Shared[TrainedSupernet]
    archs: Archs


@task("pnag.recalibrate")
def recalibrate_networks(
    item: Statistics, ctx: TaskContext
) -> list[dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    """Return mean and variance at every place of normalisation, by its name, of each network."""
    problem: Problem = ctx.shared(item.problem)
    space, net = space_of(problem, ctx.part), _network(item, ctx)
    calibration, _ = problem.calibration.tensors(ctx.device)
    return [
        {
            name: (mean.cpu().numpy(), variance.cpu().numpy())
            for name, (mean, variance) in recalibrate(net, space.blocks(arch), calibration).items()
        }
        for arch in item.archs
    ]
