"""A loss network fitted to the task's own loss, so that online adaptation begins where people do.

Over random outputs and labels the network is regressed on ``-log(p + 0.02)`` for the class of a
label and 0 for the others, or on the squared error (measured to begin reliably where Algorithm 1 in
few steps does not: docs/methods/adalfl.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from heliostat_methods.adalfl.stacks.differentiable import pair_values
from heliostat_methods.adalfl.training.adam import Adam
from heliostat_search.loss_networks.shape import LossShape
from heliostat_search.trainings.measures import Task

Array = npt.NDArray[Any]
PAIRS = 256
RATE = 3e-3
"""Adam's rate: larger ones leave some starts with dead rectifiers, smaller ones need more steps."""
FLOOR = 0.02
"""Added to probabilities: the network is not asked for the pole at 0."""
SPREAD = 2.0
"""Deviation of outputs of a regression, whose targets have deviation 1."""


def fitted_to_task_loss(
    phi: Tensor, shape: LossShape, task: Task, steps: int, rngs: Sequence[np.random.Generator]
) -> Tensor:
    """Return weights (R, Q) after ``steps`` steps of Adam from ``phi``; run r draws from its rng.

    With ``add_task_loss`` the network itself is fitted to 0: the task's loss is there already.
    """
    phi = phi.detach().clone()
    adam = Adam.start(phi, RATE)
    for number in range(steps):
        outputs, labels = _pairs(task, rngs)
        wanted = (
            torch.zeros_like(outputs) if shape.add_task_loss else _wanted(task, outputs, labels)
        )
        p, y, goal = (part.to(phi) for part in (outputs, labels, wanted))
        with torch.enable_grad():
            weights = phi.detach().requires_grad_()
            error = (pair_values(weights, shape, p, y) - goal).square().mean(1).sum()
            (gradient,) = torch.autograd.grad(error, weights)
        phi = adam.step(phi, gradient, number)
    return phi


def _pairs(task: Task, rngs: Sequence[np.random.Generator]) -> tuple[Tensor, Tensor]:
    """Return outputs and labels, (R, N) each."""
    drawn: list[tuple[Array, Array]] = []
    for rng in rngs:
        if task == "regression":
            labels: Array = rng.standard_normal(PAIRS)
            outputs = SPREAD * rng.standard_normal(PAIRS)
        else:
            labels = np.arange(PAIRS) % 2.0
            outputs = rng.random(PAIRS)
        drawn.append((outputs, labels))
    return tuple(torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))  # type: ignore[return-value]


def _wanted(task: Task, outputs: Tensor, labels: Tensor) -> Tensor:
    if task == "regression":
        return (outputs - labels).square()
    return -labels * torch.log(outputs + FLOOR)
