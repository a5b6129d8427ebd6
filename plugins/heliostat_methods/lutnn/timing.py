"""How long networks and their layers take on this machine: measured, no part of a digest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from heliostat import Shared, TaskContext, stored, task
from heliostat_methods.lutnn.baselines.conversion import convert_int8
from heliostat_methods.lutnn.converting.convert import with_lookups
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.kernels.backend import backend
from heliostat_methods.lutnn.kernels.packing import LANES
from heliostat_methods.lutnn.tasks import Numbers, dense_network
from heliostat_methods.lutnn.training.variant import Variant
from heliostat_search.supervised.problem import Data, Problem

ROUNDS = 15
"""Turns that all forms take; the least time of each counts."""
WHOLE = "whole network"


@stored("lutnn.timing_question")
@dataclass(frozen=True)
class TimingQuestion:
    """A dense network and one that looks up, by their numbers; V of its layers by name."""

    problem: Shared[Problem]
    dense: Shared[Numbers]
    lookup: Shared[Numbers]
    variant: Variant
    lengths: tuple[tuple[str, int], ...]
    batches: tuple[int, ...]


@stored("lutnn.timing")
@dataclass(frozen=True)
class Timing:
    """Least microseconds of a network or a layer for a batch: dense, int8 and both searches.

    ``int8`` is infinite of a convolution, ``lookup_int8`` where K has no compiled kernel.
    """

    what: str
    batch: int
    dense: float
    int8: float
    lookup: float
    lookup_int8: float


@stored("lutnn.timings")
@dataclass(frozen=True)
class Timings:
    """All timings of a run, on one thread, and which kernel ran."""

    backend: str
    rows: tuple[Timing, ...]


@task("lutnn.time")
def time_networks(item: TimingQuestion, ctx: TaskContext) -> Timings:
    """Time a network in four forms, as a whole and by layer; a measurement, never equal twice."""
    problem = ctx.shared(item.problem)
    recipe = ctx.part("model", problem.model)
    dense = dense_network(problem, recipe, ctx.shared(item.dense)).eval()
    skeleton = with_lookups(dense, dict(item.lengths), item.variant.clusters, item.variant.settings)
    skeleton.load_state_dict(
        {name: torch.tensor(part) for name, part in ctx.shared(item.lookup).of.items()}
    )
    x = Data.of(problem).train.x
    forms = {"dense": dense, "int8": convert_int8(dense), "lookup": freeze_lut(skeleton)}
    if item.variant.clusters <= 16:
        forms["lookup_int8"] = freeze_lut(skeleton, search="int8", calibration=x[:64])
    rows = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            for batch in item.batches:
                some = x[torch.arange(batch) % len(x)]
                rows.append(_timed(WHOLE, batch, {n: (m, some) for n, m in forms.items()}))
                rows += [_layer(name, batch, forms, some) for name, _ in item.lengths]
    finally:
        torch.set_num_threads(threads)
    ran = str(backend()) if item.variant.clusters <= LANES else (
        f"LUT-NN: torch, because no kernel takes K = {item.variant.clusters}"
    )  # fmt: skip
    return Timings(ran, tuple(rows))


def _layer(name: str, batch: int, forms: dict[str, nn.Module], x: Tensor) -> Timing:
    """Return the times of a layer in each form, for what it sees in the dense network."""
    seen: list[Tensor] = []
    dense = dict(forms["dense"].named_modules())[name]
    handle = dense.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    forms["dense"](x)
    handle.remove()
    works = {n: (dict(m.named_modules())[name], seen[0]) for n, m in forms.items()}
    if type(works["int8"][0]) is type(dense):
        del works["int8"]
    return _timed(name, batch, works)


def _timed(what: str, batch: int, works: dict[str, tuple[nn.Module, Tensor]]) -> Timing:
    least = dict.fromkeys(("dense", "int8", "lookup", "lookup_int8"), math.inf)
    clock: Callable[[], float] = time.thread_time
    for _ in range(ROUNDS):
        for name, (module, x) in works.items():
            module(x)  # brings its own data back into the caches
            began = clock()
            module(x)
            least[name] = min(least[name], 1e6 * (clock() - began))
    return Timing(what, batch, least["dense"], least["int8"], least["lookup"], least["lookup_int8"])
