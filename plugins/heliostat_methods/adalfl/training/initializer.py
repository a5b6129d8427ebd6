"""Algorithms 1 and 3 for models of one's own: a loss, or a learning rate, before the training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat_methods.adalfl.stacks.loss_networks import LossNetworkStack
from heliostat_methods.adalfl.stacks.modules import ModuleStack
from heliostat_methods.adalfl.stacks.objectives import label_rows
from heliostat_methods.adalfl.training.offline import OfflineTraining
from heliostat_methods.adalfl.training.sides import Side, TaskSide
from heliostat_methods.adalfl.training.stacked import (
    MOST_REVERTS,
    LossSide,
    TrainingDivergedError,
)
from heliostat_search.loss_networks.conventions import Task
from heliostat_search.loss_networks.network import MetaLossNetwork
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.problem import Data, Part
from heliostat_search.supervised.streams import streams_from
from heliostat_search.unrolled.drawing import drawing_from
from heliostat_search.unrolled.functional_module import module_numbers
from heliostat_search.unrolled.sgd import SGD

Rows = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class OfflineInitializer:
    """Learns on fresh models of ``create()``, each trained for ``inner`` steps, ``steps`` times.

    The paper's S_init and S_inner are reconstructed as 2500 and 250. ``create`` draws from torch's
    global generator, which begins at a seed of its own each time. Its models are in float32 or
    float64, and so are the rows; the loss is taught in that precision. Raises ``ValueError`` naming
    the argument that cannot be, and `TrainingDivergedError` where none of the first meta steps gave
    finite numbers.
    """

    create: Callable[[], nn.Module]
    task: Task
    sgd: SGD = field(default_factory=SGD)
    steps: int = 2_500
    inner: int = 250
    learning_rate: float = 1e-3
    batch_size: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("steps", 0), ("inner", 1), ("batch_size", 1)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"{name}: got {value}; expected at least {least}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate: got {self.learning_rate}; expected more than 0")
        if self.task not in ("regression", "classification"):
            raise ValueError(f"task: got {self.task!r}; expected 'regression' or 'classification'")

    def loss(self, loss: MetaLossNetwork, train: Rows, valid: Rows) -> npt.NDArray[np.float64]:
        """Teach ``loss`` in place (Algorithm 1); return the task's loss after each meta step.

        ``train`` and ``valid`` are inputs (n, ...) and targets (n,), disjoint; those of a
        regression may be (n, 1).
        """
        if loss.task != self.task:
            raise ValueError(f"loss: it is for {loss.task}; expected one for {self.task}")
        precision = _precision(self._fresh(0))
        stack = LossNetworkStack(loss.vector[None].to(precision), loss.shape, self.task)
        history, learned = self._run(LossSide(stack), train, valid)
        loss.load_vector(learned[0])
        return history

    def rate(self, train: Rows, valid: Rows) -> tuple[float, npt.NDArray[np.float64]]:
        """Return a learning rate for the task's own loss (Algorithm 3), and the history."""
        history, learned = self._run(TaskSide(self.task), train, valid)
        return self.sgd.learning_rate * float(learned[0, 0].exp()), history

    def _run(self, side: Side, train: Rows, valid: Rows) -> tuple[npt.NDArray[np.float64], Tensor]:
        _check_rows(train, valid)
        streams = streams_from(self.seed)
        module = self._fresh(0)
        precision = _precision(module)
        _check_precision(precision, train, valid)
        with torch.no_grad():
            outputs = module.eval()(train[0][:1]).reshape(1, -1).shape[1]
        part = _parts(self.task, outputs, precision, train, valid)
        networks = ModuleStack([module], outputs)
        size = networks.theta.shape[1]
        batches = (
            Batches([streams], "train", len(part.train), self.batch_size),
            Batches([streams], "valid", len(part.valid), self.batch_size),
        )

        def fresh(number: int) -> Tensor:
            return torch.from_numpy(module_numbers(self._fresh(number)))[None, :size]

        training = OfflineTraining(
            networks, side, part, batches, self.sgd, self.inner, self.task, fresh
        )
        state = training.start(self.learning_rate)
        history: list[float] = []
        for number in range(self.steps):
            history.append(float(training.step(state)[0]))
            _check_going(number, self.steps, history)
        return np.array(history), state.meta

    def _fresh(self, number: int) -> nn.Module:
        seed = int(streams_from(self.seed)("init", number).integers(1 << 62))
        with drawing_from(seed):
            return self.create()


def _check_rows(train: Rows, valid: Rows) -> None:
    for name, (x, y) in (("train", train), ("valid", valid)):
        if not len(x) or len(x) != len(y):
            raise ValueError(f"{name}: {len(x)} inputs, {len(y)} targets; expected as many, and 1")


def _precision(module: nn.Module) -> torch.dtype:
    """Return what a model's numbers are in; raises ``ValueError`` for what cannot be learned on."""
    first = next((part for part in module.parameters() if part.requires_grad), None)
    if first is None:
        raise ValueError("create: expected models with parameters to train")
    if first.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"create: models in {first.dtype}; expected float32 or float64")
    return first.dtype


def _check_precision(precision: torch.dtype, train: Rows, valid: Rows) -> None:
    for name, (x, _) in (("train", train), ("valid", valid)):
        if x.is_floating_point() and x.dtype != precision:
            raise ValueError(
                f"{name}: inputs in {x.dtype}, models in {precision}; expected one precision"
            )


def _check_going(number: int, steps: int, history: list[float]) -> None:
    """Raise once as many meta steps as are enough to give up gave nothing finite."""
    if number + 1 == min(steps, MOST_REVERTS) and all(map(math.isnan, history)):
        raise TrainingDivergedError(
            f"meta step {number}: neither it nor one before it gave finite numbers; what was to be "
            "learned is as it was"
        )


def _parts(task: Task, outputs: int, precision: torch.dtype, train: Rows, valid: Rows) -> Data:
    parts = []
    for x, y in (train, valid):
        targets = y[:, 0] if task == "regression" and y.shape[1:] == (1,) else y
        parts.append(Part(x, label_rows(targets, task, outputs, precision), targets))
    return Data(parts[0], parts[1], parts[1])
