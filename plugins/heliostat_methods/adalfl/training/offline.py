"""Before the training: a loss, or a learning rate, learned on fresh models (Algorithms 1 and 3).

Every meta step trains fresh models for ``inner`` steps, and moves what is learned against the
gradient of the task's loss on a validation batch after them, through all of the steps
(`heliostat_search.unrolled.many_steps`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from heliostat_methods.adalfl.stacks.differentiable import network_losses, task_losses
from heliostat_methods.adalfl.stacks.modules import Networks
from heliostat_methods.adalfl.stacks.objectives import objective
from heliostat_methods.adalfl.training.adam import Adam
from heliostat_methods.adalfl.training.sides import Batch, Side, TaskSide
from heliostat_methods.adalfl.training.stacked import LossSide
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.problem import Data, Part
from heliostat_search.trainings.measures import Task
from heliostat_search.unrolled.many_steps import through_steps
from heliostat_search.unrolled.sgd import SGD


class StackedSteps:
    """The steps of one meta step for a stack of runs: see `many_steps.Steps`."""

    def __init__(
        self, networks: Networks, side: Side, batches: Sequence[Batch], valid: Batch, task: Task
    ) -> None:
        self._networks, self._side, self._task = networks, side, task
        self._batches, self._valid = batches, valid

    def _seeds(self, step: int) -> list[int]:
        return [step] * len(self._networks.theta)

    def gradient(self, step: int, theta: Tensor) -> Tensor:
        """Return the loss's gradient by ``theta`` (R, P) on the batch of a step."""
        self._networks.theta, batch = theta, self._batches[step]
        outputs = self._networks.forward(batch.x, self._seeds(step))
        return self._networks.pull(self._side.slopes(outputs, batch)[1]).clone()

    def second(self, step: int, theta: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``H w`` (R, P) and ``d/dphi <g, w>`` (R, Q)."""
        batch = self._batches[step]
        with torch.enable_grad():
            here = theta.detach().requires_grad_()
            outputs = self._networks.outputs_of(here, batch.x, self._seeds(step))
            if isinstance(self._side, LossSide):
                stack = self._side.stack
                phi = stack.phi.detach().requires_grad_()
                values = network_losses(phi, stack.settings, self._task, outputs, batch.labels)
            else:
                phi = theta.new_zeros((len(theta), 0)).requires_grad_()
                values = task_losses(self._task, outputs, batch.labels)
            (slope,) = torch.autograd.grad(values.sum(), here, create_graph=True)
            found = torch.autograd.grad((slope * along).sum(), (here, phi), allow_unused=True)
        bent, by_weights = (
            torch.zeros_like(like) if g is None else g
            for g, like in zip(found, (here, phi), strict=True)
        )
        return bent.detach(), by_weights.detach()

    def objective(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return the task's loss (R,) on the validation batch and its gradient (R, P)."""
        self._networks.theta = theta
        seeds = self._seeds(len(self._batches))
        outputs = self._networks.forward(self._valid.x, seeds)
        values, slopes = objective(outputs, self._valid.labels, self._task)
        return values, self._networks.pull(slopes).clone()


@dataclass
class OfflineState:
    """What is learned, (R, Q), with Adam's moments, after ``taken`` meta steps."""

    taken: int
    meta: Tensor
    adam: Adam


@dataclass(frozen=True)
class OfflineTraining:
    """Algorithm 1 with a `LossSide`, Algorithm 3 with the task's own (``meta``: log of a factor).

    ``fresh(t)`` gives the parameters (R, P) of the models of meta step t.
    """

    networks: Networks
    side: Side
    data: Data
    batches: tuple[Batches, Batches]
    sgd: SGD
    inner: int
    task: Task
    fresh: Callable[[int], Tensor]

    def start(self, rate: float) -> OfflineState:
        """Return the state before the first meta step; ``rate`` is Adam's."""
        theta = self.networks.theta
        learned = self.side.stack.phi if isinstance(self.side, LossSide) else None
        meta = theta.new_zeros(len(theta), 1) if learned is None else learned
        return OfflineState(0, meta, Adam.start(meta, rate))

    def step(self, state: OfflineState) -> Tensor:
        """Take a meta step in place; returns the task's loss after it, (R,).

        A run whose numbers are not finite keeps what it had, and has NaN.
        """
        first = state.taken * self.inner
        train, valid = self.batches
        inner = [_rows(self.data.train, train.at(first + i)) for i in range(self.inner)]
        judge = _rows(self.data.valid, valid.at(state.taken))
        steps = StackedSteps(self.networks, self._side(state.meta), inner, judge, self.task)
        learns_loss = isinstance(self.side, LossSide)
        rate = None if learns_loss else self.sgd.learning_rate * state.meta.exp()
        found = through_steps(steps, self.fresh(state.taken), self.inner, self.sgd, rate=rate)
        gradient = found.gradient if learns_loss else found.by_log_rate[:, None]
        # Squared as Adam does it: an infinite moment would hold the run where it is for good.
        good = found.objective.isfinite() & gradient.square().sum(1).isfinite()
        gradient = torch.where(good[:, None], gradient, torch.zeros_like(gradient))
        moved = state.adam.step(state.meta, gradient, state.taken)
        state.meta = torch.where(good[:, None], moved, state.meta)
        state.taken += 1
        if isinstance(self.side, LossSide):
            self.side.stack.phi = state.meta
        return torch.where(good, found.objective, torch.full_like(found.objective, torch.nan))

    def _side(self, meta: Tensor) -> Side:
        if isinstance(self.side, LossSide):
            self.side.stack.phi = meta
            return self.side
        return TaskSide(self.task)


def _rows(part: Part, rows: Tensor) -> Batch:
    return Batch(part.x[rows], part.labels[rows], part.targets[rows])
