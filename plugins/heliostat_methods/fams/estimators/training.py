"""The training loop that all networks share: Adam over batches, and when to stop."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from heliostat.contract import stream
from heliostat_methods.fams.estimators.adam import Adam
from heliostat_methods.fams.estimators.classifier import TrainingData
from heliostat_methods.fams.estimators.losses import weighted_loss
from heliostat_methods.fams.estimators.minibatches import (
    Rows,
    balanced_chances,
    drawn,
    shuffled,
)
from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.estimators.settings import TrainingSettings
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows as a network sees them: `inputs` (rows, features) and columns, on one device.

    `weights` is None where all are equal. `rows` are their places in the training part, `groups`
    their numbers among the groups that have a row in it.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor | None
    groups: Tensor
    rows: Tensor

    def at(self, rows: Rows) -> Batch:
        """Return some of the rows."""
        at = torch.from_numpy(rows).to(self.rows.device)
        weights = None if self.weights is None else self.weights[at]
        return Batch(self.inputs[at], self.targets[at], weights, self.groups[at], self.rows[at])


@dataclass(frozen=True, eq=False)
class Prepared:
    """What training starts from: rows of positive weight, standardised, some held out.

    `present`: the group (its number among those of the data) of each number in `training.groups`.
    """

    scaling: Scaling
    training: Batch
    validation: Batch | None
    chances: NDArray[np.float64]
    present: NDArray[np.int64]

    def evenly_drawn(self) -> Prepared:
        """Return the same with weights left to how often a row is drawn."""
        return replace(self, training=replace(self.training, weights=None))


@dataclass(frozen=True)
class Epoch:
    """Mean loss of an epoch's steps, and the loss on the validation part where there is one."""

    loss: float
    validation_loss: float | None


def prepared(data: TrainingData, settings: TrainingSettings) -> Prepared:
    """Return the rows to train on; raises ArrayError where none is left to validate on."""
    used = np.flatnonzero(data.weights > 0)
    held = _held_out(len(used), settings)
    kept = np.sort(used[~held])
    scaling = Scaling.of(data.inputs[kept], data.weights[kept])
    present, codes = np.unique(data.groups.codes[kept], return_inverse=True)
    training = _batch(data, kept, codes, scaling, settings.device)
    validation = None
    if held.any():
        rest = np.sort(used[held])
        nobody = np.zeros(len(rest), np.int64)
        validation = _batch(data, rest, nobody, scaling, settings.device)
    chances = balanced_chances(codes, data.weights[kept])
    return Prepared(scaling, training, validation, chances, present)


def train(
    network: nn.Module,
    start: Prepared,
    settings: TrainingSettings,
    *,
    objective: Callable[[Batch], Tensor],
    judge: Callable[[Tensor], Tensor],
    balanced: bool = False,
    name: str = "batches",
) -> tuple[Epoch, ...]:
    """Train a network in place; return its epochs.

    `objective` is minimised batch by batch, `judge` gives logits (rows,) of the validation part,
    `balanced` draws rows by their chances, `name` is that of the stream of batches. Raises
    ArgumentError for a rate at which the loss is no longer a number.
    """
    optimiser = Adam(network.parameters(), settings.lr, settings.weight_decay)
    best = _Best()
    for epoch in range(settings.epochs):
        draws = stream(settings.seed, name, epoch)
        losses = [
            _step(optimiser, objective, start.training.at(rows))
            for rows in _batches(start, settings.batch_size, balanced, draws)
        ]
        loss = float(torch.stack(losses).mean())
        if not (np.isfinite(loss) and _finite(network)):
            expected = f"a smaller rate: the loss is not finite in epoch {epoch + 1}"
            raise ArgumentError("lr", settings.lr, expected)
        best.add(Epoch(loss, _held_out_loss(judge, start.validation, settings)), network)
        if best.epochs_without_gain >= settings.patience:
            break
    best.restore(network)
    return tuple(best.epochs)


def _batches(start: Prepared, size: int, balanced: bool, draws: np.random.Generator) -> list[Rows]:
    if balanced:
        return drawn(start.chances, size, draws)
    return shuffled(len(start.chances), size, draws)


@dataclass
class _Best:
    """The epochs so far and the weights of the best; without a validation part the last."""

    epochs: list[Epoch] = field(default_factory=list)
    lowest: float = np.inf
    epochs_without_gain: int = 0
    state: dict[str, Any] | None = None

    def add(self, epoch: Epoch, network: nn.Module) -> None:
        self.epochs.append(epoch)
        if epoch.validation_loss is None:
            return
        if epoch.validation_loss < self.lowest:
            self.lowest, self.epochs_without_gain = epoch.validation_loss, 0
            self.state = copy.deepcopy(network.state_dict())
        else:
            self.epochs_without_gain += 1

    def restore(self, network: nn.Module) -> None:
        if self.state is not None:
            network.load_state_dict(self.state)


def _step(optimiser: Adam, objective: Callable[[Batch], Tensor], batch: Batch) -> Tensor:
    loss = objective(batch)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.detach()


def _held_out_loss(
    judge: Callable[[Tensor], Tensor], part: Batch | None, settings: TrainingSettings
) -> float | None:
    if part is None:
        return None
    with torch.no_grad():
        logits = judge(part.inputs)
        return float(weighted_loss(settings.loss, logits, part.targets, part.weights))


def _held_out(rows: int, settings: TrainingSettings) -> NDArray[np.bool_]:
    held = np.zeros(rows, bool)
    if settings.validation_fraction == 0:
        return held
    count = max(1, round(settings.validation_fraction * rows))
    if count >= rows:
        raise ArrayError(
            f"X has {rows} row(s) of positive weight, expected 2 or more, since "
            f"validation_fraction = {settings.validation_fraction:g} holds {count} out"
        )
    held[stream(settings.seed, "validation").permutation(rows)[:count]] = True
    return held


def _batch(data: TrainingData, rows: Rows, groups: Rows, scaling: Scaling, device: str) -> Batch:
    weights = data.weights[rows]
    weights = weights / weights.mean()
    equal = bool(np.all(weights == weights[0]))
    return Batch(
        torch.from_numpy(scaling(data.inputs[rows]).astype(np.float32)).to(device),
        torch.from_numpy(data.labels[rows].astype(np.float32)).to(device),
        None if equal else torch.from_numpy(weights.astype(np.float32)).to(device),
        torch.from_numpy(groups).to(device),
        torch.arange(len(rows), device=device),
    )


def _finite(network: nn.Module) -> bool:
    return all(bool(torch.isfinite(one).all()) for one in network.parameters())
