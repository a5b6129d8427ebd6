"""Stacks of small trainings, and the same trainings one by one as the library takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from heliostat_methods.adalfl.stacks.dense_networks import DenseNetworks
from heliostat_methods.adalfl.stacks.loss_networks import LossNetworkStack
from heliostat_methods.adalfl.stacks.modules import ModuleStack, Networks
from heliostat_methods.adalfl.training.stacked import LossSide, Schedule, StackedTraining
from heliostat_search.loss_networks.network import MetaLossNetwork
from heliostat_search.loss_networks.shape import LossShape
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.problem import Data, Part
from heliostat_search.supervised.streams import streams_from, under
from heliostat_search.unrolled.functional_module import module_numbers

WIDTHS = (4, 5, 3)
SHAPE = LossShape((6, 5))


def dense_module() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


def drawing_module() -> nn.Module:
    """Statistics of batches, and masks."""
    return nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.4), nn.Linear(6, 3)
    )


MODULES: dict[str, Callable[[], nn.Module]] = {"dense": dense_module, "module": drawing_module}


@dataclass(frozen=True)
class Small:
    """A problem of 40 training and 24 validation rows, and what trains on it."""

    data: Data
    dtype: torch.dtype

    def modules(self, kind: str, runs: int) -> list[nn.Module]:
        made = []
        for run in range(runs):
            torch.manual_seed(50 + run)
            made.append(MODULES[kind]().to(self.dtype))
        return made

    def losses(self, runs: int, shape: LossShape = SHAPE) -> list[MetaLossNetwork]:
        draws = [torch.Generator().manual_seed(9 + run) for run in range(runs)]
        return [MetaLossNetwork.drawn("classification", one, shape).to(self.dtype) for one in draws]

    def batches(self, runs: int, size: int = 8) -> tuple[Batches, Batches]:
        replicas = [under(streams_from(3), "run", run) for run in range(runs)]
        return (
            Batches(replicas, "train", len(self.data.train), size),
            Batches(replicas, "valid", len(self.data.valid), size),
        )

    def networks(self, kind: str, modules: list[nn.Module]) -> Networks:
        if kind == "dense":
            return DenseNetworks(WIDTHS, self.numbers(modules))
        copies = self.modules(kind, len(modules))
        return ModuleStack(copies, WIDTHS[-1])

    def numbers(self, modules: list[nn.Module]) -> Tensor:
        return torch.stack([torch.from_numpy(module_numbers(one)) for one in modules])

    def side(self, losses: list[MetaLossNetwork]) -> LossSide:
        phi = torch.stack([one.vector for one in losses])
        return LossSide(LossNetworkStack(phi, losses[0].shape, "classification"))

    def stacked(
        self, kind: str, schedule: Schedule, side: Any, runs: int = 2, size: int = 8
    ) -> StackedTraining:
        modules = self.modules(kind, runs)
        pair = (self.networks(kind, modules), self.networks(kind, modules))
        return StackedTraining(
            pair, side, self.data, self.batches(runs, size), schedule, "classification", seeds(runs)
        )


def seeds(runs: int) -> Callable[[int], list[int]]:
    """Two a run and step, as an `OnlineTrainer` of seed 1000 r takes them."""
    return lambda step: [
        *(1000 * run + 2 * step for run in range(runs)),
        *(1000 * run + 2 * step + 1 for run in range(runs)),
    ]


def made(dtype: torch.dtype, scale: float = 1.0) -> Small:
    generator = torch.Generator().manual_seed(2)
    rule = torch.randn(4, 3, generator=generator, dtype=torch.float64)

    def part(rows: int) -> Part:
        x = torch.randn(rows, 4, generator=generator, dtype=torch.float64)
        targets = (x @ rule).argmax(1)
        labels = nn.functional.one_hot(targets, 3).to(dtype)
        return Part((scale * x).to(dtype), labels, targets)

    return Small(Data(part(40), part(24), part(24)), dtype)


@pytest.fixture(scope="module")
def small() -> Small:
    """In double precision, so that two ways of one formula agree closely."""
    return made(torch.float64)


@pytest.fixture(scope="module")
def single() -> Small:
    """In single precision, as runs are."""
    return made(torch.float32)
