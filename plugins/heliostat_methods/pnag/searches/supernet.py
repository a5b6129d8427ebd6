"""A trained supernet as a run sees it: its networks evaluated on workers, their costs counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from heliostat import ConfigError, PartRef, Resources, Run, Shared
from heliostat.contract import Layer
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.cost.latency_table import LatencyTable
from heliostat_methods.pnag.searches.data_parallel import train_in_shards
from heliostat_methods.pnag.spaces.counting import count_of
from heliostat_methods.pnag.spaces.layout import NetworkLayout, TrainableSpace
from heliostat_methods.pnag.spaces.space import Archs
from heliostat_methods.pnag.supernet.part_cost import count_of_parts
from heliostat_methods.pnag.supernet.paths import prefix_order
from heliostat_methods.pnag.tasks.evaluation import Evaluation, evaluate
from heliostat_methods.pnag.tasks.measuring import LayoutQuestion, choose_format
from heliostat_methods.pnag.tasks.supernet import Training, train_supernet
from heliostat_methods.pnag.training.building import TrainedSupernet, checked_layout, layers_of
from heliostat_methods.pnag.training.problem import Part, Problem
from heliostat_search.devices import device_resources

Costs = Callable[[Archs], dict[str, NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class Trained:
    """Handles of a problem and its supernet, the space, what networks cost, what tasks need.

    `quantity` of `costs` is what the search keeps small.
    """

    problem: Problem
    handle: Shared[Problem]
    supernet: Shared[TrainedSupernet]
    weights: TrainedSupernet
    space: TrainableSpace
    reference: PartRef
    costs: Costs
    quantity: str
    resources: Resources
    table: LatencyTable | None = None

    def cost(self, archs: Archs) -> NDArray[np.float64]:
        """Return what is kept small, (n,)."""
        return self.costs(archs)[self.quantity]

    def accuracies(
        self, archs: Archs, run: Run, block: int, part: Part = "valid"
    ) -> NDArray[np.float64]:
        """Return the accuracy of networks, (n,), evaluated in blocks that share beginnings."""
        # Networks that begin alike stand together, so a block computes their beginnings once.
        order = np.array(prefix_order([self.space.blocks(arch) for arch in archs]))
        blocks = [order[at : at + block] for at in range(0, len(order), block)]
        items = [Evaluation(self.handle, self.supernet, archs[rows], part) for rows in blocks]
        outcomes = run.map(
            evaluate, items, shared=[self.handle, self.supernet], resources=self.resources
        )
        found = np.zeros(len(archs))
        for rows, outcome in zip(blocks, outcomes, strict=True):
            found[rows] = outcome.unwrap()
        return found


def trained(
    config: PNAGConfig, problem: Problem, space: TrainableSpace, run: Run
) -> Trained:  # fmt: skip
    """Return the supernet of a problem, trained by one task or in shards of its batches."""
    run.phase(f"{problem.dataset}: training the supernet")
    if config.supernet.memory_format == "auto":
        problem = replace(problem, memory_format=_faster_format(problem, run))
    handle, resources = run.share(problem), resources_of(config)
    table = latency_table_of(config, checked_layout(problem, space), run)
    costs = costs_of(problem, space, table, layers_of(problem.layers, run.part))
    if config.supernet.shards == 1:
        outcome = run.call(train_supernet, Training(handle), shared=handle, resources=resources)
        weights = outcome.unwrap()
    else:
        weights = train_in_shards(problem, handle, space, resources, run)
    return Trained(
        problem, handle, run.share(weights), weights, space, config.space, costs, config.quantity,
        resources, table,
    )  # fmt: skip


def _faster_format(problem: Problem, run: Run) -> Literal["channels_last", "contiguous"]:
    """Return the memory format that is faster on this machine, by a measurement."""
    handle = run.share(problem)
    chosen: Any = run.observe(choose_format, LayoutQuestion(handle), shared=handle).unwrap()
    return "contiguous" if chosen == "contiguous" else "channels_last"


def resources_of(config: PNAGConfig) -> Resources:
    """Return what a task that trains or evaluates needs."""
    return device_resources(config.device) or Resources()


def latency_table_of(config: PNAGConfig, layout: NetworkLayout, run: Run) -> LatencyTable | None:
    """Return the table that the configuration names, for the networks of a layout.

    Raises ConfigError or DataError for a table of other blocks, and where one is needed.
    """
    if config.latency is not None:
        table: LatencyTable = run.part("latency_table", config.latency)
        return table.of_layout(layout, [ref.plain() for ref in config.layers])
    if config.quantity == "latency":
        raise ConfigError(
            "latency", None, "run:RUN of a table, since quantity = latency",
            "heliostat latency build makes one",
        )  # fmt: skip
    return None


def costs_of(
    problem: Problem, space: TrainableSpace, table: LatencyTable | None,
    layers: Mapping[str, Layer],
) -> Costs:  # fmt: skip
    """Return what counts networks: multiply-adds, parameters, and seconds by a table."""
    count = count_of_parts(layers)

    def costs(archs: Archs) -> dict[str, NDArray[np.float64]]:
        madds, params = count_of(space, archs, problem.input_shape, problem.classes, count)
        found = {"madds": madds.astype(np.float64), "params": params.astype(np.float64)}
        if table is not None:
            found["latency"] = table.latencies(space, archs)
        return found

    return costs
