"""Accuracy and cost of architectures, predicted from their encodings by perceptrons.

Two hidden layers of 512 (Cai et al. 2020, once-for-all; the authors of PNAG likewise). Trained by
the squared error with Adam at 1e-3, an L2 penalty of 1e-4 and the output's bias at the mean, as the
maintainers of once-for-all advise (issue 30); `AUTHORS_PREDICTOR`: the settings of PNAG's code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.descent.perceptron import Linear, perceptron
from heliostat_methods.pnag.descent.schedule import AUTHORS_DESCENT, Descent, held_out
from heliostat_methods.pnag.spaces.measures import accuracies, costs

WIDTHS = (512, 512)


@dataclass(frozen=True)
class PredictorTraining:
    """Settings. `bias_at_mean`: the output begins there. `held_out`: share that is judged on."""

    descent: Descent = field(default_factory=Descent)
    bias_at_mean: bool = True
    held_out: float = 0.2


AUTHORS_PREDICTOR = PredictorTraining(AUTHORS_DESCENT, bias_at_mean=False)
"""SGD with Nesterov's momentum .9 at .2, falling as a cosine over 1,000 epochs (their code)."""


@dataclass(frozen=True)
class PredictorFit:
    """How well a predictor does on what it was not trained on.

    `kendall`: tau-b of predicted and true values, None with fewer than two samples held out or
    where all true or all predicted values are level. `error`: mean absolute error in the unit of
    the values, None without samples held out. `loss`: mean squared error of the last epoch, in the
    scale that the network is trained in.
    """

    held_out: int
    kendall: float | None
    error: float | None
    loss: float


class AccuracyPredictor(nn.Module):
    """Accuracy of encodings (n, features), from 0 to 1; float32."""

    def __init__(
        self, features: int, rng: np.random.Generator, widths: Sequence[int] = WIDTHS
    ) -> None:
        super().__init__()
        self.features = features
        self.network = perceptron(features, widths, rng)

    def fit(
        self,
        encoding: NDArray[np.float32],
        accuracy: ArrayLike,
        rng: np.random.Generator,
        settings: PredictorTraining | None = None,
    ) -> PredictorFit:
        """Train on encodings (n, features) and accuracies (n,), fractions; return how well it does.

        Raises DataError naming what is no fraction, for no samples and for another width, and
        ConfigError for a rate at which the loss is no longer finite.
        """
        settings = settings or PredictorTraining()
        values = accuracies(accuracy)
        kept, rest = _parts(encoding, values, self.features, settings, rng)
        loss = _descend(self.network, encoding[kept], values[kept], settings, rng)
        return _judged(self.predict(encoding[rest]), values[rest], loss)

    def predict(self, encoding: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return accuracies (n,); what the network puts beyond 0 or 1 is that end."""
        return np.clip(_outputs(self.network, encoding, self.features), 0, 1)


class CostPredictor(nn.Module):
    """Cost of encodings (n, features), above 0 and in the unit that it was trained in; float32.

    The network's output is the logarithm, standardised: costs of any unit (seconds, MAdds) are
    learnt alike, and a prediction is never negative.
    """

    centre: Tensor
    spread: Tensor

    def __init__(
        self, features: int, rng: np.random.Generator, widths: Sequence[int] = WIDTHS
    ) -> None:
        super().__init__()
        self.features = features
        self.network = perceptron(features, widths, rng)
        self.register_buffer("centre", torch.zeros((), dtype=torch.float64))
        self.register_buffer("spread", torch.ones((), dtype=torch.float64))

    def fit(
        self,
        encoding: NDArray[np.float32],
        cost: ArrayLike,
        rng: np.random.Generator,
        settings: PredictorTraining | None = None,
    ) -> PredictorFit:
        """Train on encodings (n, features) and costs (n,); return how well it does.

        Raises DataError naming a cost that is not above 0, for no samples and for another width,
        and ConfigError for a rate at which the loss is no longer finite.
        """
        settings = settings or PredictorTraining()
        values = costs(cost)
        kept, rest = _parts(encoding, values, self.features, settings, rng)
        logs = np.log(values[kept])
        spread = float(logs.std())
        self.centre.fill_(float(logs.mean()))
        self.spread.fill_(spread if spread > 0 else 1.0)
        targets = (logs - float(self.centre)) / float(self.spread)
        loss = _descend(self.network, encoding[kept], targets, settings, rng)
        return _judged(self.predict(encoding[rest]), values[rest], loss)

    def predict(self, encoding: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return costs (n,)."""
        outputs = _outputs(self.network, encoding, self.features)
        logs = float(self.centre) + float(self.spread) * outputs
        limits = np.finfo(np.float64)
        inside = np.clip(logs, math.log(limits.tiny), math.log(limits.max))
        result: NDArray[np.float64] = np.exp(inside)
        return result


def _parts(
    encoding: NDArray[np.float32],
    values: NDArray[np.float64],
    features: int,
    settings: PredictorTraining,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which samples are trained on, and which held out."""
    if len(values) == 0:
        raise DataError("encoding: no architecture, expected one at least to learn from")
    if encoding.shape != (len(values), features):
        raise DataError(f"encoding ({len(values)}, {features}) needed, got {encoding.shape}")
    return held_out(len(values), settings.held_out, rng)


def _descend(
    network: nn.Sequential,
    encoding: NDArray[np.float32],
    targets: NDArray[np.float64],
    settings: PredictorTraining,
    rng: np.random.Generator,
) -> float:
    """Train a network in place by the squared error; return that of the last epoch."""
    descent, last = settings.descent, network[-1]
    assert isinstance(last, Linear)
    if settings.bias_at_mean:
        with torch.no_grad():
            last.bias.fill_(float(targets.mean()))
    inputs, aims = torch.from_numpy(encoding).to(last.bias), torch.from_numpy(targets).to(last.bias)
    optimiser = descent.start(network.parameters())
    loss = 0.0
    for epoch in range(descent.epochs):
        total = 0.0
        for rows in descent.batches(len(targets), rng):
            batch = torch.from_numpy(rows).to(inputs.device)
            error = (network(inputs[batch]).squeeze(1) - aims[batch]).square().mean()
            error.backward()
            optimiser.step(descent.rate_in(epoch))
            total += float(error.detach()) * len(rows)
        loss = total / len(targets)
        if not math.isfinite(loss):
            raise ConfigError("rate", descent.rate, f"a smaller one: no finite loss, epoch {epoch}")
    return loss


@torch.no_grad()
def _outputs(
    network: nn.Sequential, encoding: NDArray[np.float32], features: int
) -> NDArray[np.float64]:
    if encoding.ndim != 2 or encoding.shape[1] != features:
        raise DataError(f"encoding (n, {features}) needed, got {encoding.shape}")
    weight = next(network.parameters())
    outputs: Tensor = network(torch.from_numpy(encoding).to(weight)).squeeze(1)
    return outputs.cpu().numpy().astype(np.float64)


def _judged(predicted: NDArray[np.float64], true: NDArray[np.float64], loss: float) -> PredictorFit:
    if len(true) == 0:
        return PredictorFit(0, None, None, loss)
    error = float(np.abs(predicted - true).mean())
    return PredictorFit(len(true), _tau_b(predicted, true), error, loss)


def _tau_b(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> float | None:
    from scipy.stats import kendalltau

    if len(true) < 2 or np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return None
    return float(kendalltau(predicted, true).statistic)
