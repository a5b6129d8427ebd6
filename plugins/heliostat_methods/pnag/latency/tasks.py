"""What runs on a worker: a round of timings, and a network put together to see that it is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat import Shared, TaskContext, registry, stored, task
from heliostat_methods.pnag.cost import timed_block
from heliostat_methods.pnag.cost.latency_probe import Call, ProbeSettings, Readings, one_round
from heliostat_methods.pnag.cost.latency_table import BlockKey, keys_of
from heliostat_methods.pnag.cost.own_cores import OwnCores, pinned
from heliostat_methods.pnag.cost.timed_block import MakePart
from heliostat_methods.pnag.latency.plan import Plan
from heliostat_methods.pnag.spaces.counting import count_network
from heliostat_methods.pnag.spaces.layout import Blocks, BlockShape, NetworkLayout
from heliostat_methods.pnag.supernet.part_cost import count_of_parts, shipped_part
from heliostat_methods.pnag.supernet.part_layer import Layer
from heliostat_methods.pnag.training.building import layers_of


@stored("latency.round")
@dataclass(frozen=True)
class Round:
    """One round of a plan, how much is timed in it."""

    plan: Shared[Plan]
    number: int
    rounds: int
    repeats: int
    warm_up: int
    drift: float
    most_rounds: int


@stored("latency.readings")
@dataclass(frozen=True)
class RoundReadings:
    """Least seconds of blocks, of the shared part, of networks; of the reference; free cores."""

    least: NDArray[np.float64]
    reference: NDArray[np.float64]
    free_cores: float

    @property
    def readings(self) -> Readings:
        """The round as the probe judges it."""
        return Readings(self.least, self.reference, self.free_cores)


@dataclass(frozen=True)
class Prepared:
    """The calls to time, in the order of a plan, and the reference kernel."""

    calls: tuple[Call, ...]
    reference: Call


@task("latency.time")
def time_round(item: Round, ctx: TaskContext) -> RoundReadings:
    """Time everything of a plan once, in a random order; a measurement, never equal twice."""
    ready = ctx.cached(item.plan, prepared)
    settings = ProbeSettings(item.rounds, item.repeats, item.warm_up, item.drift, item.most_rounds)
    cores = OwnCores()
    with pinned(ctx.shared(item.plan).threads):
        found = one_round(ready.calls, ready.reference, ctx.rng("order"), settings, cores=cores)
    return RoundReadings(found.least, found.reference, found.free_cores)


@stored("latency.network")
@dataclass(frozen=True)
class Network:
    """One of a plan's networks."""

    plan: Shared[Plan]
    number: int


@task("latency.network")
def put_together(item: Network, ctx: TaskContext) -> dict[str, int]:
    """Return what a network costs in numbers, after a pass shows that its pieces fit."""
    plan: Plan = ctx.shared(item.plan)
    layout, blocks = plan.read_layout(), plan.networks[item.number]
    generator = ctx.torch_generator("weights")
    layers = layers_of(plan.layers, ctx.part)
    made = timed_block.filled(
        timed_block.network(layout, blocks, plan.middle, making(layers, generator)), generator,
        torch.float32,
    )  # fmt: skip
    logits = made(torch.randn(1, *layout.input_shape, generator=generator))
    if tuple(logits.shape) != (1, layout.classes) or not bool(torch.isfinite(logits).all()):
        found = f"shape {tuple(logits.shape)}, smallest {logits.min():g}"
        raise ValueError(f"logits of {found}, expected finite ones of (1, {layout.classes})")
    count = count_network(layout, blocks, plan.middle, count_of_parts(layers))
    depth = sum(map(len, blocks))
    return {"madds": count.madds, "params": count.params, "blocks": depth}


def making(layers: Mapping[str, Layer], generator: torch.Generator) -> MakePart:
    """Return what makes layers as they are shipped, their numbers drawn from ``generator``."""

    def make(name: str, middle: int, shape: BlockShape) -> torch.nn.Module:
        return shipped_part(name, layers[name], middle, shape, generator)

    return make


def prepared(plan: Plan) -> Prepared:
    """Return the calls of a plan: every block, the shared part, every network."""
    layers = layers_of(plan.layers, registry().build_part)
    make = _Maker(plan, plan.read_layout(), torch.Generator().manual_seed(plan.seed), layers)
    calls = [make.block(key, shape) for key, shape in keys_of(make.layout, plan.setting).items()]
    calls += [make.shared_part(), *map(make.network, plan.networks)]
    return Prepared(tuple(calls), timed_block.reference_kernel(make.generator))


@dataclass(frozen=True)
class _Maker:
    plan: Plan
    layout: NetworkLayout
    generator: torch.Generator
    layers: Mapping[str, Layer]

    @property
    def part(self) -> MakePart:
        return making(self.layers, self.generator)

    def block(self, key: BlockKey, shape: BlockShape) -> Call:
        middle = self.plan.middle(shape, key.expand)
        module = timed_block.TimedBlock(shape, key.kernel, key.expand, middle, self.part)
        return self._timed(module, (shape.channels_in, *shape.size))

    def shared_part(self) -> Call:
        last, middle = self.layout.units[-1][-1], self.plan.middle
        before = self._timed(timed_block.stem(self.layout, middle), self.layout.input_shape)
        behind = self._timed(timed_block.head(self.layout), (last.channels_out, *last.size_out))

        def both() -> object:
            before()
            return behind()

        return both

    def network(self, blocks: Blocks) -> Call:
        module = timed_block.network(self.layout, blocks, self.plan.middle, self.part)
        return self._timed(module, self.layout.input_shape)

    def _timed(self, module: torch.nn.Module, shape: Sequence[int]) -> Call:
        dtype = getattr(torch, self.plan.dtype)
        images = torch.randn(self.plan.batch, *shape, generator=self.generator).to(dtype)
        return timed_block.timed(timed_block.filled(module, self.generator, dtype), images)
