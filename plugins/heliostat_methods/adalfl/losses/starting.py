"""A loss network to begin with, fitted to the task's own loss."""

from __future__ import annotations

import numpy as np

from heliostat_methods.adalfl.losses.task_fit import fitted_to_task_loss
from heliostat_search.loss_networks.conventions import Task
from heliostat_search.loss_networks.network import MetaLossNetwork
from heliostat_search.loss_networks.shape import LossShape

STEPS = 600


def fitted_network(
    task: Task, rng: np.random.Generator, shape: LossShape | None = None, steps: int = STEPS
) -> MetaLossNetwork:
    """Return a loss network after ``steps`` steps towards the task's loss."""
    network = MetaLossNetwork.drawn(task, rng, shape)
    phi = fitted_to_task_loss(network.vector[None], network.shape, task, steps, [rng])
    network.load_vector(phi[0])
    return network
