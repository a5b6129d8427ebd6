"""EIIL: environments inferred from a reference model, then one predictor optimal in both.

Creager, Jacobsen, Zemel 2021, "Environment inference for invariant learning"; the second step is
IRMv1 of Arjovsky, Bottou, Gulrajani, Lopez-Paz 2019. It needs no group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from heliostat.contract import stream
from heliostat_methods.fams.estimators.classifier import SubgroupClassifier, TrainingData
from heliostat_methods.fams.estimators.erm import fresh_network, risk_minimiser
from heliostat_methods.fams.estimators.losses import row_losses
from heliostat_methods.fams.estimators.networks import FittedNetwork
from heliostat_methods.fams.estimators.parameters import integer, number
from heliostat_methods.fams.estimators.settings import BatchLoss, TrainingSettings
from heliostat_methods.fams.estimators.training import (
    Batch,
    Epoch,
    Prepared,
    prepared,
    train,
)


class EIIL(SubgroupClassifier):
    """A network trained by IRMv1 with weight `penalty` on two inferred environments.

    The reference is an ERM of `reference_epochs`; `environment_steps` steps of Adam of size
    `environment_lr` infer. Other parameters as in `TrainingSettings`; the two environments come
    from cross-entropy whatever `loss` is. Fitted: `network_`, `reference_`, `history_`,
    `environments_`: each training row's share in the first environment.
    """

    network_: FittedNetwork
    reference_: FittedNetwork
    history_: tuple[Epoch, ...]
    environments_: NDArray[np.float64]

    def __init__(
        self,
        *,
        penalty: float = 10.0,
        reference_epochs: int = 30,
        environment_steps: int = 1000,
        environment_lr: float = 0.01,
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
        self.penalty = penalty
        self.reference_epochs = reference_epochs
        self.environment_steps = environment_steps
        self.environment_lr = environment_lr
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
        penalty = number("penalty", self.penalty, 0, 1e9)
        steps = integer("environment_steps", self.environment_steps, 0)
        rate = number("environment_lr", self.environment_lr, 0, 10, above=True)
        start = prepared(data, settings)
        reference = replace(settings, epochs=integer("reference_epochs", self.reference_epochs, 1))
        self.reference_, _ = risk_minimiser(start, reference)
        self.environments_ = inferred_environments(
            _scale_gradients(self.reference_, start.training),
            steps,
            rate,
            stream(settings.seed, "environments"),
        )
        self.network_, self.history_ = _invariant_network(
            start, settings, self.environments_, penalty
        )

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.network_.scores(inputs)


def scale_gradients(
    logits: NDArray[np.float64], labels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return g_i, each row's derivative of cross-entropy in a scale of the logits at 1, (rows,)."""
    found: NDArray[np.float64] = (expit(logits) - labels) * logits
    return found


def environment_objective(first: NDArray[np.float64], gradients: NDArray[np.float64]) -> float:
    """Return (mean_i u_i g_i)^2 + (mean_i (1 - u_i) g_i)^2 of shares u (rows,)."""
    return float(np.mean(first * gradients) ** 2 + np.mean((1 - first) * gradients) ** 2)


def inferred_environments(
    gradients: NDArray[np.float64], steps: int, rate: float, draws: np.random.Generator
) -> NDArray[np.float64]:
    """Return shares u (rows,) in the first environment after Adam's ascent of the objective.

    The objective is convex in u, so that it is largest where the rows with g_i > 0, which are
    those that the reference gets wrong, stand on one side and the others on the other.
    """
    v = draws.standard_normal(len(gradients))
    # Adam does not mind the scale of what it climbs, only its own epsilon does
    largest = np.abs(gradients).max()
    g = gradients / (largest if largest > 0 else 1.0)
    first, second = np.zeros_like(v), np.zeros_like(v)
    for step in range(1, steps + 1):
        u = expit(v)
        slope = (np.mean(u * g) - np.mean((1 - u) * g)) * g * u * (1 - u)
        first += 0.1 * (slope - first)
        second += 0.001 * (slope**2 - second)
        size = np.sqrt(second / (1 - 0.999**step)) + 1e-8
        v += rate * first / (1 - 0.9**step) / size
    return expit(v)


def _scale_gradients(reference: FittedNetwork, rows: Batch) -> NDArray[np.float64]:
    """Return the training rows' g_i times their weights."""
    logits = reference.standardised_logits(rows.inputs.cpu().numpy().astype(np.float64))
    found = scale_gradients(logits, rows.targets.cpu().numpy().astype(np.float64))
    return found if rows.weights is None else found * rows.weights.cpu().numpy()


def _invariant_network(
    start: Prepared, settings: TrainingSettings, first: NDArray[np.float64], penalty: float
) -> tuple[FittedNetwork, tuple[Epoch, ...]]:
    network = fresh_network(start, settings, "invariant network")
    shares = torch.from_numpy(first.astype(np.float32)).to(settings.device)

    def invariant_loss(batch: Batch) -> Tensor:
        logits = network(batch.inputs).squeeze(1)
        scale = torch.ones((), device=logits.device, requires_grad=True)
        rows = row_losses(settings.loss, logits * scale, batch.targets)
        one = shares[batch.rows]
        both = torch.stack([one, 1 - one])
        if batch.weights is not None:
            both = both * batch.weights
        return sum((_irm(risk, scale, penalty) for risk in _risks(both, rows)), rows.new_zeros(()))

    history = train(
        network,
        start,
        settings,
        objective=invariant_loss,
        judge=lambda inputs: network(inputs).squeeze(1),
        name="invariant batches",
    )
    return FittedNetwork.of(start.scaling, list(network)), history


def _risks(shares: Tensor, losses: Tensor) -> Tensor:
    """Return the mean loss of each environment, (2,); 0 for one that no row has a share in."""
    masses = shares.sum(1)
    return (shares @ losses) / torch.where(masses > 0, masses, torch.ones_like(masses))


def _irm(risk: Tensor, scale: Tensor, penalty: float) -> Tensor:
    """Return half the risk plus IRMv1's penalty on its derivative in the scale."""
    (slope,) = torch.autograd.grad(risk, scale, create_graph=True)
    return 0.5 * risk + penalty * slope**2
