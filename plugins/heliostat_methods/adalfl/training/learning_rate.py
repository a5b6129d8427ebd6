"""Algorithm 4: the task's own loss under a learning rate that adapts after every step.

The hypergradient of one step is ``dL/d log a = -a <v, d>``, v the gradient of the validation loss
after the step and d the step's direction: what remains of AdaLFL if the loss only ever changes its
scale.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

from heliostat_methods.adalfl.training.adam import Adam
from heliostat_methods.adalfl.training.online import OnlineStep
from heliostat_search.loss_networks.conventions import Task, task_objective
from heliostat_search.unrolled.sgd import SGD

Batch = tuple[Tensor, Tensor]


class LearningRateAdapter:
    """Trains ``model`` with the task's own loss; ``learning_rate`` moves by Adam of its logarithm.

    ``sgd`` says where it begins, ``log_rate_step`` is Adam's rate. Raises ``ValueError`` naming
    what cannot be, and ``FloatingPointError`` where numbers are not finite, before they are taken.
    """

    def __init__(
        self, model: nn.Module, task: Task, *, sgd: SGD | None = None, log_rate_step: float = 1e-3
    ) -> None:
        if not (math.isfinite(log_rate_step) and log_rate_step > 0):
            raise ValueError(f"log_rate_step: got {log_rate_step}; expected more than 0")
        self.model, self.task, self.sgd = model, task, sgd or SGD()
        self._own = {n: p for n, p in model.named_parameters() if p.requires_grad}
        if not self._own:
            raise ValueError("model: expected parameters to train")
        self._log_factor = torch.zeros(1, 1, dtype=torch.float64)
        self._adam = Adam.start(self._log_factor, log_rate_step)
        self._momentum: dict[str, Tensor] | None = None
        self.number = 0

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return self.sgd.learning_rate * float(self._log_factor.exp())

    def step(self, batch: Batch, valid_batch: Batch) -> OnlineStep:
        """Take one step on ``batch``, then move the rate by ``valid_batch``, pairs (x, targets)."""
        self.model.train()
        loss = task_objective(self.task, self.model(batch[0]), batch[1])
        found = torch.autograd.grad(loss, list(self._own.values()), allow_unused=True)
        sgd = replace(self.sgd, learning_rate=self.learning_rate)
        moved, carried, directions = {}, {}, {}
        for (name, part), slope in zip(self._own.items(), found, strict=True):
            gradient = torch.zeros_like(part) if slope is None else slope
            buffer = None if self._momentum is None else self._momentum[name]
            directions[name], carried[name] = sgd.direction(part.detach(), gradient, buffer)
            moved[name] = part.detach().sub(directions[name], alpha=sgd.learning_rate)
        value, v = self._judged(moved, valid_batch)
        along = sum((v[name] * directions[name]).sum() for name in moved)
        by_log_rate = -sgd.learning_rate * float(along)
        if not (math.isfinite(by_log_rate) and math.isfinite(float(loss.detach()))):
            raise FloatingPointError(f"step {self.number}: the loss or its slope is not finite")
        with torch.no_grad():
            for name, part in self._own.items():
                part.copy_(moved[name])
        self._momentum = carried if self.sgd.momentum else None
        slope_ = torch.full_like(self._log_factor, by_log_rate)
        self._log_factor = self._adam.step(self._log_factor, slope_, self.number)
        self.number += 1
        return OnlineStep(self.number - 1, float(loss.detach()), float(value))

    def _judged(self, moved: dict[str, Tensor], batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        after = {name: part.requires_grad_() for name, part in moved.items()}
        rest = {name: part.clone() for name, part in self.model.named_buffers()}
        value = task_objective(
            self.task, functional_call(self.model, {**after, **rest}, (batch[0],)), batch[1]
        )
        found = torch.autograd.grad(value, list(after.values()), allow_unused=True)
        for part in after.values():
            part.requires_grad_(False)
        return value.detach(), {
            name: torch.zeros_like(part) if g is None else g
            for (name, part), g in zip(after.items(), found, strict=True)
        }
