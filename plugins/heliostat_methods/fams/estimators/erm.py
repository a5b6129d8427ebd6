"""Empirical risk minimisation: one network, with or without equal shares for all groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from heliostat.contract import stream
from heliostat_methods.fams.estimators.classifier import SubgroupClassifier, TrainingData
from heliostat_methods.fams.estimators.losses import weighted_loss
from heliostat_methods.fams.estimators.networks import FittedNetwork, mlp
from heliostat_methods.fams.estimators.settings import BatchLoss, TrainingSettings
from heliostat_methods.fams.estimators.training import Batch, Epoch, Prepared, prepared, train


class ERM(SubgroupClassifier):
    """A network that minimises the mean loss of all rows and looks at no group.

    Parameters as in `TrainingSettings`. Fitted: `network_`, `history_` (epochs).
    """

    network_: FittedNetwork
    history_: tuple[Epoch, ...]

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (64, 32),
        epochs: int = 30,
        batch_size: int = 256,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        validation_fraction: float = 0.0,
        patience: int = 5,
        loss: BatchLoss | None = None,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.loss = loss
        self.device = device
        self.seed = seed

    def _fit(self, data: TrainingData) -> None:
        settings = TrainingSettings.of(self)
        self.network_, self.history_ = risk_minimiser(prepared(data, settings), settings)

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.network_.scores(inputs)


class BalancedERM(SubgroupClassifier):
    """ERM whose batches draw a row of group a with probability proportional to 1/n_a.

    It minimises the mean of the groups' mean losses: each group counts the same. Parameters as in
    `TrainingSettings`. Fitted: `network_`, `history_`.
    """

    trains_on_groups: ClassVar[bool] = True

    network_: FittedNetwork
    history_: tuple[Epoch, ...]

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (64, 32),
        epochs: int = 30,
        batch_size: int = 256,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        validation_fraction: float = 0.0,
        patience: int = 5,
        loss: BatchLoss | None = None,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.loss = loss
        self.device = device
        self.seed = seed

    def _fit(self, data: TrainingData) -> None:
        settings = TrainingSettings.of(self)
        start = prepared(data, settings).evenly_drawn()
        self.network_, self.history_ = risk_minimiser(start, settings, balanced=True)

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.network_.scores(inputs)


def risk_minimiser(
    start: Prepared, settings: TrainingSettings, *, balanced: bool = False
) -> tuple[FittedNetwork, tuple[Epoch, ...]]:
    """Train a fresh network on the mean loss of its batches; return it and its epochs."""
    network = fresh_network(start, settings)

    def mean_loss(batch: Batch) -> Tensor:
        logits = network(batch.inputs).squeeze(1)
        return weighted_loss(settings.loss, logits, batch.targets, batch.weights)

    history = train(
        network,
        start,
        settings,
        objective=mean_loss,
        judge=lambda inputs: network(inputs).squeeze(1),
        balanced=balanced,
    )
    return FittedNetwork.of(start.scaling, list(network)), history


def fresh_network(
    start: Prepared, settings: TrainingSettings, name: str = "network"
) -> nn.Sequential:
    """Return a network with weights from the stream of that name, on the settings' device."""
    features = start.training.inputs.shape[1]
    draws = stream(settings.seed, name)
    return mlp(features, settings.hidden, draws).to(settings.device)
