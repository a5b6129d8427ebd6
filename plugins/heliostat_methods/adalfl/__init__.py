"""AdaLFL: a loss network that adapts after every step of the one training that it trains.

>>> import torch
>>> from heliostat_methods.adalfl import AdaptiveLoss
>>> model = torch.nn.Linear(2, 3)
>>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
>>> adaptive = AdaptiveLoss(model, optimizer, "classification", lr=1e-3)
>>> x, y = torch.randn(8, 2), torch.arange(8) % 3
>>> adaptive(model(x), y).backward()
>>> optimizer.step()
>>> adaptive.adapt(torch.randn(8, 2), y) > 0  # the task's loss on other rows, after the step
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliostat.contract import lazy_names

if TYPE_CHECKING:
    from heliostat_methods.adalfl.losses.adaptive_loss import AdaptiveLoss
    from heliostat_methods.adalfl.losses.starting import fitted_network
    from heliostat_methods.adalfl.training.initializer import OfflineInitializer
    from heliostat_methods.adalfl.training.learning_rate import LearningRateAdapter
    from heliostat_methods.adalfl.training.online import OnlineStep, OnlineTrainer
    from heliostat_methods.adalfl.training.stacked import TrainingDivergedError
    from heliostat_search.loss_networks.network import LossNetworkError, MetaLossNetwork
    from heliostat_search.loss_networks.shape import LossShape
    from heliostat_search.loss_networks.smooth_leaky_relu import SmoothLeakyReLU
    from heliostat_search.unrolled.meta_gradient import MetaStep, unrolled_meta_gradient
    from heliostat_search.unrolled.sgd import SGD

_HOME = {
    "AdaptiveLoss": "losses.adaptive_loss",
    "LearningRateAdapter": "training.learning_rate",
    "OfflineInitializer": "training.initializer",
    "OnlineStep": "training.online",
    "OnlineTrainer": "training.online",
    "TrainingDivergedError": "training.stacked",
    "fitted_network": "losses.starting",
}
_SHARED = {
    "LossNetworkError": "heliostat_search.loss_networks.network",
    "LossShape": "heliostat_search.loss_networks.shape",
    "MetaLossNetwork": "heliostat_search.loss_networks.network",
    "MetaStep": "heliostat_search.unrolled.meta_gradient",
    "SGD": "heliostat_search.unrolled.sgd",
    "SmoothLeakyReLU": "heliostat_search.loss_networks.smooth_leaky_relu",
    "unrolled_meta_gradient": "heliostat_search.unrolled.meta_gradient",
}

__all__ = [
    "SGD",
    "AdaptiveLoss",
    "LearningRateAdapter",
    "LossNetworkError",
    "LossShape",
    "MetaLossNetwork",
    "MetaStep",
    "OfflineInitializer",
    "OnlineStep",
    "OnlineTrainer",
    "SmoothLeakyReLU",
    "TrainingDivergedError",
    "fitted_network",
    "unrolled_meta_gradient",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME, _SHARED)
