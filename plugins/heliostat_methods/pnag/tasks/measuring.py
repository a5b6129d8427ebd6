"""What is measured on the machine: how images should lie in memory, what networks take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat import Shared, TaskContext, stored, task
from heliostat_methods.pnag.cost import timed_block
from heliostat_methods.pnag.cost.latency_probe import Call, probe
from heliostat_methods.pnag.cost.own_cores import OwnCores, pinned
from heliostat_methods.pnag.spaces.space import Archs
from heliostat_methods.pnag.supernet.extraction import extract
from heliostat_methods.pnag.supernet.layout_probe import probe_layout
from heliostat_methods.pnag.supernet.part_cost import as_shipped
from heliostat_methods.pnag.supernet.recalibration import recalibrate
from heliostat_methods.pnag.training.building import (
    TrainedSupernet,
    choices_of,
    fresh_supernet,
    layout_of,
    space_of,
    trained_supernet,
)
from heliostat_methods.pnag.training.problem import Problem


@stored("pnag.layout_question")
@dataclass(frozen=True)
class LayoutQuestion:
    """A supernet for which a memory format is to be chosen."""

    problem: Shared[Problem]


@task("pnag.choose_format")
def choose_format(item: LayoutQuestion, ctx: TaskContext) -> str:
    """Return the memory format in which a training step of the largest subnet is faster here."""
    problem: Problem = ctx.shared(item.problem)
    space = space_of(problem, ctx.part)
    net = fresh_supernet(problem, space, ctx.part, torch.Generator().manual_seed(0))
    images, _ = problem.train.tensors("cpu")
    largest = choices_of(space, layout_of(problem, space)).largest
    return probe_layout(net, largest, images[: problem.settings.batch]).memory_format


@stored("pnag.timed_networks")
@dataclass(frozen=True, eq=False)
class TimedNetworks:
    """Networks to time whole, extracted, on so many images and threads as a table is of."""

    problem: Shared[Problem]
    supernet: Shared[TrainedSupernet]
    archs: Archs
    batch: int
    threads: int


@task("pnag.time_networks")
def time_networks(item: TimedNetworks, ctx: TaskContext) -> NDArray[np.float64]:
    """Return the seconds of each network, (n,), timed against each other in random rounds."""
    problem: Problem = ctx.shared(item.problem)
    trained: TrainedSupernet = ctx.shared(item.supernet)
    space = space_of(problem, ctx.part)
    net = trained_supernet(problem, trained.weights, space, ctx.part)
    calibration, _ = problem.calibration.tensors("cpu")
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(item.batch, *problem.input_shape, generator=generator)

    def call(arch: NDArray[np.int16]) -> Call:
        blocks = space.blocks(arch)
        module = extract(net, blocks, recalibrate(net, blocks, calibration))
        return timed_block.timed(as_shipped(module), images)

    calls = [call(arch) for arch in item.archs]
    with pinned(item.threads):
        found = probe(
            calls, timed_block.reference_kernel(generator), ctx.rng("order"), cores=OwnCores()
        )
    return np.array([timing.median for timing in found.timings])
