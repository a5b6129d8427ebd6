"""Whether a loss can be used: a step along it has to lower the task's loss of a fresh model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from heliostat_methods.adalfl.stacks.modules import Networks
from heliostat_methods.adalfl.stacks.objectives import objective
from heliostat_methods.adalfl.training.sides import Batch, Side
from heliostat_search.trainings.measures import Task
from heliostat_search.unrolled.sgd import SGD

MODELS = 10


def change_of_task_loss(
    side: Side,
    task: Task,
    networks: Networks,
    fresh: Callable[[int], Tensor],
    batch: Callable[[int], Batch],
    sgd: SGD,
    models: int = MODELS,
) -> Tensor:
    """Return how one step along each loss changes the task's loss, (R,): the mean over models.

    ``fresh(m)`` gives the parameters (R, P) of the m-th fresh models, ``batch(m)`` the rows that
    they step on and are judged by. A loss is usable where the change is below 0; it is
    infinite where numbers are not finite.
    """
    total = None
    for number in range(models):
        networks.theta = fresh(number)
        rows = batch(number)
        seeds = [number] * len(networks.theta)
        outputs = networks.forward(rows.x, seeds)
        before, _ = objective(outputs, rows.labels, task)
        _, slopes = side.slopes(outputs, rows)
        networks.theta, _ = sgd.step(networks.theta, networks.pull(slopes))
        after, _ = objective(networks.forward(rows.x, seeds), rows.labels, task)
        change = after - before
        total = change if total is None else total + change
    assert total is not None
    change = total / models
    return torch.where(change.isfinite(), change, torch.inf)
