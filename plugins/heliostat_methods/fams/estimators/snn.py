"""SNN: ERM with a distribution over the weights and no pull of it towards anything.

Its layers are those of the method, `gaussian.layer`: m + eps z sqrt(v), z drawn for each row and
unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat.contract import stream
from heliostat_methods.fams.estimators.classifier import SubgroupClassifier, TrainingData
from heliostat_methods.fams.estimators.losses import weighted_loss
from heliostat_methods.fams.estimators.parameters import integer, number
from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.estimators.settings import BatchLoss, TrainingSettings
from heliostat_methods.fams.estimators.training import Batch, Epoch, prepared, train
from heliostat_methods.fams.gaussian.descent import LEAST, MOST
from heliostat_methods.fams.gaussian.layer import StochasticMLP
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.prediction import scores


class SNN(SubgroupClassifier):
    """A stochastic network that minimises the mean loss over `n_mc` draws of all rows.

    `eps` scales the noise, `log_var_init_mean` and `log_var_init_std` say where log-variances
    begin; other parameters as in `TrainingSettings` (`weight_decay` pulls log-variances as well,
    the validation part is judged at the mean weights). A score is the mean over `n_mc` draws that
    all rows share, so that it depends on the row alone. Fitted: `network_`, `history_`.
    """

    network_: StochasticNetwork
    history_: tuple[Epoch, ...]

    def __init__(
        self,
        *,
        eps: float = 0.08,
        n_mc: int = 5,
        log_var_init_mean: float = 0.01,
        log_var_init_std: float = 0.01,
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
        self.eps = eps
        self.n_mc = n_mc
        self.log_var_init_mean = log_var_init_mean
        self.log_var_init_std = log_var_init_std
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
        eps = number("eps", self.eps, 0, 100, above=True)
        n_mc = integer("n_mc", self.n_mc, 1, 10_000)
        spread = (
            number("log_var_init_mean", self.log_var_init_mean, LEAST, MOST),
            number("log_var_init_std", self.log_var_init_std, 0, 10),
        )
        start = prepared(data, settings)
        dims = (start.training.inputs.shape[1], *settings.hidden, 1)
        network = StochasticMLP(dims, eps, _generator(settings.seed), spread).to(settings.device)
        draws = stream(settings.seed, "noise")

        def noise(layer: int, shape: torch.Size) -> Tensor:
            # the first layer's mean and variance, of one draw, serve all draws
            z = draws.standard_normal((n_mc, *shape[1:]), dtype=np.float32)
            return torch.from_numpy(z).to(settings.device)

        def mean_loss(batch: Batch) -> Tensor:
            logits = network(batch.inputs[None], noise)
            weights = None if batch.weights is None else batch.weights.repeat(n_mc)
            targets = batch.targets.repeat(n_mc)
            return weighted_loss(settings.loss, logits.reshape(-1), targets, weights)

        still = torch.zeros(1, device=settings.device)
        self.history_ = train(
            network,
            start,
            settings,
            objective=mean_loss,
            judge=lambda inputs: network(inputs, lambda layer, shape: still),
        )
        self.network_ = StochasticNetwork(
            start.scaling, network.stacked().to("cpu"), eps, n_mc, settings.seed
        )

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.network_.scores(inputs)


@dataclass(frozen=True, eq=False)
class StochasticNetwork:
    """A trained stochastic network, which predicts in double precision, without torch."""

    scaling: Scaling
    network: GaussianMLP
    eps: float
    n_mc: int
    seed: int

    def scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean probability of the second class over the draws, (rows,)."""
        scaled = self.scaling(inputs)
        return scores(self.network, scaled, eps=self.eps, n_mc=self.n_mc, seed=self.seed)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(int(stream(seed, "network").integers(2**63)))
