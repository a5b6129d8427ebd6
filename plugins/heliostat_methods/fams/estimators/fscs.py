"""FSCS: features on which every group's own head predicts as well as another group's.

Lee, Bu, Rajan, Sattigeri, Panda, Das, Wornell 2021, "Fair selective classification via
sufficiency". One joint step for features and heads is our reconstruction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot

from heliostat.contract import stream
from heliostat_methods.fams.estimators.classifier import SubgroupClassifier, TrainingData
from heliostat_methods.fams.estimators.erm import fresh_network
from heliostat_methods.fams.estimators.losses import weighted_loss
from heliostat_methods.fams.estimators.networks import FittedNetwork, uniform
from heliostat_methods.fams.estimators.parameters import number
from heliostat_methods.fams.estimators.settings import BatchLoss, TrainingSettings
from heliostat_methods.fams.estimators.training import Batch, Epoch, Prepared, prepared, train


class FSCS(SubgroupClassifier):
    """A network with a joint head that predicts, and one linear head a group that only trains.

    Features minimise loss(joint) + `lam` (loss(head of a drawn group) - loss(head of the own)),
    heads their own group's loss. `hidden` as elsewhere, its last layer being the features; other
    parameters as in `TrainingSettings`. Fitted: `network_` (with the joint head), `history_`.
    """

    trains_on_groups: ClassVar[bool] = True

    network_: FittedNetwork
    history_: tuple[Epoch, ...]

    def __init__(
        self,
        *,
        lam: float = 0.7,
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
        self.lam = lam
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
        lam = number("lam", self.lam, 0, 1e6)
        start = prepared(data, settings)
        network = fresh_network(start, settings)
        features, joint = network[:-1], network[-1]
        width = (settings.hidden or (start.training.inputs.shape[1],))[-1]
        heads = GroupHeads(start, width, settings)
        others = stream(settings.seed, "other groups")
        shares = _shares(start)

        def fscs_loss(batch: Batch) -> Tensor:
            def loss(logits: Tensor) -> Tensor:
                return weighted_loss(settings.loss, logits, batch.targets, batch.weights)

            shown = features(batch.inputs)
            drawn = torch.from_numpy(others.choice(len(shares), len(shown), p=shares))
            elsewhere = heads.fixed(shown, drawn.to(batch.groups.device))
            own = heads.fixed(shown, batch.groups)
            # the heads' own loss has no gradient in the features, nor theirs in the heads
            return (
                loss(joint(shown).squeeze(1))
                + lam * (loss(elsewhere) - loss(own))
                + loss(heads(shown.detach(), batch.groups))
            )

        self.history_ = train(
            nn.ModuleList([network, heads]),
            start,
            settings,
            objective=fscs_loss,
            judge=lambda inputs: network(inputs).squeeze(1),
        )
        self.network_ = FittedNetwork.of(start.scaling, list(network))

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.network_.scores(inputs)


class GroupHeads(nn.Module):
    """One linear head a group: features (rows, width) and groups (rows,) to logits (rows,)."""

    def __init__(self, start: Prepared, width: int, settings: TrainingSettings) -> None:
        super().__init__()
        draws = stream(settings.seed, "heads")
        groups = len(start.present)
        self.weight = nn.Parameter(uniform((groups, width), width, draws).to(settings.device))
        self.bias = nn.Parameter(uniform((groups,), width, draws).to(settings.device))

    def forward(self, features: Tensor, groups: Tensor) -> Tensor:
        """Return the logit of each row by the head of its group."""
        return _chosen(features, groups, self.weight, self.bias)

    def fixed(self, features: Tensor, groups: Tensor) -> Tensor:
        """Return the same, with no gradient in the heads."""
        return _chosen(features, groups, self.weight.detach(), self.bias.detach())


def _chosen(features: Tensor, groups: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    # all heads and a mask: the gradient of picking by index is not deterministic on a GPU
    members = one_hot(groups, len(bias)).to(features)
    return ((features @ weight.T + bias) * members).sum(1)


def _shares(start: Prepared) -> NDArray[np.float64]:
    """Return P(A) over the groups that are present, (groups,)."""
    rows = start.training
    weights = None if rows.weights is None else rows.weights.cpu().numpy().astype(np.float64)
    masses = np.bincount(rows.groups.cpu().numpy(), weights, len(start.present))
    share: NDArray[np.float64] = masses / masses.sum()
    return share
