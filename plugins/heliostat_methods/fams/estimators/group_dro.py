"""GroupDRO: the worst group's loss, by weights that grow where the loss is high.

Sagawa, Koh, Hashimoto, Liang 2020, "Distributionally robust neural networks for group shifts".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat_methods.fams.estimators.classifier import SubgroupClassifier, TrainingData
from heliostat_methods.fams.estimators.erm import fresh_network
from heliostat_methods.fams.estimators.losses import group_losses, row_losses
from heliostat_methods.fams.estimators.networks import FittedNetwork
from heliostat_methods.fams.estimators.parameters import number, truth
from heliostat_methods.fams.estimators.settings import BatchLoss, TrainingSettings
from heliostat_methods.fams.estimators.training import Batch, Epoch, prepared, train


class GroupDRO(SubgroupClassifier):
    """A network that minimises sum_a q_a loss_a, where q_a grows with exp(`eta` loss_a) each step.

    `balanced` draws every group equally often, as the published experiments all did; other
    parameters as in `TrainingSettings`. Fitted: `network_`, `history_`, `group_weights_` (groups,),
    the last q, 0 for a group that no row of positive weight was trained on.
    """

    trains_on_groups: ClassVar[bool] = True

    network_: FittedNetwork
    history_: tuple[Epoch, ...]
    group_weights_: NDArray[np.float64]

    def __init__(
        self,
        *,
        eta: float = 0.01,
        balanced: bool = True,
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
        self.eta = eta
        self.balanced = balanced
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
        eta = number("eta", self.eta, 0, 1e3)
        balanced = truth("balanced", self.balanced)
        start = prepared(data, settings)
        if balanced:
            start = start.evenly_drawn()
        network = fresh_network(start, settings)
        groups = len(start.present)
        weights = torch.full((groups,), 1 / groups, dtype=torch.float64, device=settings.device)

        def robust_loss(batch: Batch) -> Tensor:
            logits = network(batch.inputs).squeeze(1)
            rows = row_losses(settings.loss, logits, batch.targets)
            losses = group_losses(rows, batch.weights, batch.groups, groups)
            weights.copy_(reweighted(weights, losses.detach(), eta))
            return weights.to(losses) @ losses

        self.history_ = train(
            network,
            start,
            settings,
            objective=robust_loss,
            judge=lambda inputs: network(inputs).squeeze(1),
            balanced=balanced,
        )
        self.network_ = FittedNetwork.of(start.scaling, list(network))
        self.group_weights_ = np.zeros(len(data.groups))
        self.group_weights_[start.present] = weights.cpu().numpy()

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.network_.scores(inputs)


def reweighted(weights: Tensor, losses: Tensor, eta: float) -> Tensor:
    """Return q_a exp(eta loss_a), normalised; (groups,). A group absent from a batch has loss 0."""
    # by logarithms with the largest at 0, since exp(eta loss) may overflow
    return torch.softmax(weights.log() + eta * losses.to(weights), dim=0)
