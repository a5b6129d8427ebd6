"""What trains a stack of runs: a loss on its outputs, by its slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from heliostat_methods.adalfl.stacks.objectives import objective
from heliostat_search.trainings.measures import Task
from heliostat_search.unrolled.loss_slopes import LossSlopes


@dataclass(frozen=True)
class Batch:
    """Rows of a stack: inputs (R, B, ...), labels (R, B, C), targets (R, B)."""

    x: Tensor
    labels: Tensor
    targets: Tensor


class Side(Protocol):
    """A loss as a stack of runs is trained with it."""

    def slopes(self, outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return values (R,) and slopes by the raw outputs (R, B, C)."""
        ...


@dataclass(frozen=True)
class TaskSide:
    """The task's own loss."""

    task: Task

    def slopes(self, outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return values (R,) and slopes (R, B, C)."""
        return objective(outputs, batch.labels, self.task)


@dataclass(frozen=True)
class FrozenSide:
    """Any loss ``loss(outputs, targets)`` of one run's batch, by automatic differentiation."""

    loss: Callable[[Tensor, Tensor], Tensor]

    def slopes(self, outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return values (R,) and slopes (R, B, C)."""
        said = [
            LossSlopes(self.loss, rows, targets, ())
            for rows, targets in zip(outputs, batch.targets, strict=True)
        ]
        return torch.stack([one.value for one in said]), torch.stack([one.slopes for one in said])
