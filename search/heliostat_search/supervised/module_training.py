"""A plain training of one torch module, that stops and goes on bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat import stored
from heliostat_search.loss_networks.conventions import task_objective
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.problem import Data, Part
from heliostat_search.trainings.measures import Task
from heliostat_search.unrolled.drawing import drawing_from

Array = npt.NDArray[Any]
Schedule = Literal["constant", "cosine"]
_EVALUATION_ROWS = 256


@stored("search.module_state")
@dataclass(frozen=True)
class ModuleState:
    """A training between two steps: the module's numbers by name, and the optimiser's."""

    step: int
    module: Mapping[str, Array]
    optimiser: Mapping[str, Array]


def schedule_factor(schedule: Schedule, step: int, steps: int) -> float:
    """Return by what the learning rate is multiplied in a step: 1, or half a cosine down to 0."""
    return 1.0 if schedule == "constant" else 0.5 * (1.0 + math.cos(math.pi * step / steps))


class ModuleTraining:
    """``step()`` trains ``module`` on the next batch with ``optimiser``.

    ``factor(step)`` multiplies the rates of the optimiser's groups; ``seeds[step]`` starts the
    draws inside the module (none where nothing is drawn). ``loss(outputs, targets)`` is the task's
    own without another. The module lies on ``device``, as the data do.
    """

    def __init__(
        self,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        data: Data,
        batches: Batches,
        task: Task,
        outputs: int,
        *,
        factor: Callable[[int], float] = lambda step: 1.0,
        seeds: Sequence[int] = (),
        device: str = "cpu",
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        self.module, self.optimiser = module, optimiser
        self._data, self._batches, self._task, self._outputs = data, batches, task, outputs
        self._factor, self._seeds, self._device = factor, seeds, device
        self._loss = loss or (lambda out, targets: task_objective(task, out, targets))
        self._rates = [float(group["lr"]) for group in optimiser.param_groups]
        self.taken = 0

    def step(self) -> float:
        """Take one step and return the loss of its batch before it."""
        rows = self._batches.at(self.taken)[0]
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * self._factor(self.taken)
        self.module.train()
        seed = self._seeds[self.taken] if self._seeds else 0
        with torch.enable_grad(), drawing_from(seed, self._device):
            made = self.module(self._data.train.x[rows]).reshape(len(rows), self._outputs)
            loss = self._loss(made, self._data.train.targets[rows])
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.taken += 1
        return float(loss.detach())

    def outputs(self, part: Part) -> Array:
        """Return the raw outputs on a part of the data in evaluation mode, (C, n)."""
        return module_outputs(self.module, part.x, self._outputs)

    def state(self) -> ModuleState:
        """Return everything that the next step depends on."""
        module = {name: _array(part) for name, part in self.module.state_dict().items()}
        kept = self.optimiser.state_dict()["state"]
        numbers = {
            f"{place}.{name}": _array(value)
            for place, values in kept.items()
            for name, value in values.items()
            if isinstance(value, Tensor)
        }
        return ModuleState(self.taken, module, numbers)

    def load(self, state: ModuleState) -> None:
        """Go on from a state."""
        self.taken = state.step
        self.module.load_state_dict(
            {name: torch.from_numpy(np.array(part)) for name, part in state.module.items()}
        )
        whole = self.optimiser.state_dict()
        kept: dict[int, dict[str, Tensor]] = {}
        for key, value in state.optimiser.items():
            place, name = key.split(".", 1)
            kept.setdefault(int(place), {})[name] = torch.from_numpy(np.array(value))
        self.optimiser.load_state_dict({**whole, "state": kept})


def module_outputs(module: nn.Module, x: Tensor, outputs: int) -> Array:
    """Return the raw outputs (C, n) of a module in evaluation mode, in portions of the rows."""
    training = module.training
    module.eval()
    with torch.no_grad():
        parts = [
            module(part).reshape(len(part), outputs) for part in torch.split(x, _EVALUATION_ROWS)
        ]
    module.train(training)
    return np.ascontiguousarray(torch.cat(parts).float().cpu().numpy().T)


def _array(tensor: Tensor) -> Array:
    found: Array = tensor.detach().cpu().numpy().copy()
    return found
