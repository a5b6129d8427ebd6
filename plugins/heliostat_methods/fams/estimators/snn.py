"""SNN: ERM with a distribution over the weights and no pull of it towards anything.

The stochastic layer is section 2.4's local reparametrisation: m + eps z sqrt(v), z drawn for each
row and unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn
from torch.nn.functional import elu as torch_elu

from heliostat.contract import stream
from heliostat_methods.fams.estimators.classifier import SubgroupClassifier, TrainingData
from heliostat_methods.fams.estimators.losses import weighted_loss
from heliostat_methods.fams.estimators.networks import array, elu, slices, uniform
from heliostat_methods.fams.estimators.parameters import integer, number
from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.estimators.settings import BatchLoss, TrainingSettings
from heliostat_methods.fams.estimators.training import Batch, Epoch, prepared, train

LOG_VARIANCES = (-20.0, 10.0)
"""The range that log-variances are cut to."""


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
            number("log_var_init_mean", self.log_var_init_mean, *LOG_VARIANCES),
            number("log_var_init_std", self.log_var_init_std, 0, 10),
        )
        start = prepared(data, settings)
        features = start.training.inputs.shape[1]
        network = _network((features, *settings.hidden, 1), settings.seed, spread)
        network.to(settings.device)
        noise = stream(settings.seed, "noise")

        def mean_loss(batch: Batch) -> Tensor:
            logits = _forward(network, batch.inputs, eps, n_mc, noise)
            weights = None if batch.weights is None else batch.weights.repeat(n_mc)
            targets = batch.targets.repeat(n_mc)
            return weighted_loss(settings.loss, logits.reshape(-1), targets, weights)

        self.history_ = train(
            network,
            start,
            settings,
            objective=mean_loss,
            judge=lambda inputs: _forward(network, inputs, 0.0, 1, noise)[0],
        )
        self.network_ = StochasticNetwork(
            start.scaling, tuple(_arrays(one) for one in network), eps, n_mc, settings.seed
        )

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.network_.scores(inputs)


class StochasticLinear(nn.Module):
    """Means and log-variances of a layer's weights (out, in) and biases (out,)."""

    def __init__(
        self, before: int, after: int, draws: np.random.Generator, spread: tuple[float, float]
    ) -> None:
        super().__init__()

        def log_variances(*shape: int) -> nn.Parameter:
            drawn = spread[0] + spread[1] * draws.standard_normal(shape)
            return nn.Parameter(torch.from_numpy(drawn.astype(np.float32)))

        self.weight = nn.Parameter(uniform((after, before), before, draws))
        self.bias = nn.Parameter(uniform((after,), before, draws))
        self.weight_log_variance = log_variances(after, before)
        self.bias_log_variance = log_variances(after)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance of the outputs, before the noise is scaled."""
        variance = self.weight_log_variance.clamp(*LOG_VARIANCES).exp()
        bias_variance = self.bias_log_variance.clamp(*LOG_VARIANCES).exp()
        return h @ self.weight.T + self.bias, h**2 @ variance.T + bias_variance


@dataclass(frozen=True, eq=False)
class StochasticLayer:
    """Means and variances of weights (out, in) and biases (out,)."""

    weight: NDArray[Any]
    bias: NDArray[Any]
    weight_variance: NDArray[Any]
    bias_variance: NDArray[Any]


@dataclass(frozen=True, eq=False)
class StochasticNetwork:
    """A trained stochastic network as arrays: it predicts in double precision, without torch."""

    scaling: Scaling
    layers: tuple[StochasticLayer, ...]
    eps: float
    n_mc: int
    seed: int

    def scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean probability of the second class over the draws, (rows,)."""
        found = np.zeros(len(inputs))
        for draw in range(self.n_mc):
            draws = stream(self.seed, "prediction", draw)
            noise = [self.eps * draws.standard_normal(len(one.bias)) for one in self.layers]
            for rows in slices(len(inputs)):
                found[rows] += expit(self._logits(self.scaling(inputs[rows]), noise))
        return found / self.n_mc

    def _logits(
        self, at: NDArray[np.float64], noise: list[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        for depth, (layer, z) in enumerate(zip(self.layers, noise, strict=True)):
            at = elu(at) if depth else at
            mean = at @ layer.weight.T.astype(np.float64) + layer.bias
            variance = at**2 @ layer.weight_variance.T.astype(np.float64) + layer.bias_variance
            at = mean + z * np.sqrt(variance)
        return at[:, 0]


def _arrays(layer: Any) -> StochasticLayer:
    """Return a trained layer as arrays."""
    return StochasticLayer(
        array(layer.weight),
        array(layer.bias),
        np.exp(np.clip(array(layer.weight_log_variance), *LOG_VARIANCES)),
        np.exp(np.clip(array(layer.bias_log_variance), *LOG_VARIANCES)),
    )


def _network(widths: tuple[int, ...], seed: int, spread: tuple[float, float]) -> nn.ModuleList:
    draws = stream(seed, "network")
    pairs = pairwise(widths)
    return nn.ModuleList([StochasticLinear(*pair, draws, spread) for pair in pairs])


def _forward(
    network: nn.ModuleList, inputs: Tensor, eps: float, n_mc: int, noise: np.random.Generator
) -> Tensor:
    """Return logits (n_mc, rows); every draw sees the same first mean and variance."""
    h = inputs[None]
    for depth, layer in enumerate(network):
        mean, variance = layer(torch_elu(h) if depth else h)
        if eps > 0:
            shape = (n_mc, *mean.shape[1:])
            z = torch.from_numpy(noise.standard_normal(shape, dtype=np.float32))
            h = mean + eps * z.to(mean.device) * variance.sqrt()
        else:
            h = mean
    logits: Tensor = h.squeeze(-1)
    return logits
