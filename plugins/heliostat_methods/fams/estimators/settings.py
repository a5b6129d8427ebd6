"""How a network is trained: what all estimators with a network have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from heliostat_methods.fams.estimators.parameters import integer, number, one_of, widths
from heliostat_methods.fams.groups.arguments import ArgumentError

BatchLoss = Callable[[Tensor, Tensor], Tensor]
"""(logits, targets), both (rows,), to the mean loss."""


@dataclass(frozen=True)
class TrainingSettings:
    """Checked parameters of an estimator with a network.

    `hidden`: widths of the ELU layers; `epochs` passes of batches of `batch_size` rows; Adam with
    `lr` and the L2 penalty `weight_decay`; `validation_fraction` of the rows, where above 0, stops
    training once `patience` epochs brought nothing, and the best epoch's weights are kept; `loss`
    None is binary cross-entropy with logits; `seed` addresses all random numbers.
    """

    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    lr: float
    weight_decay: float
    validation_fraction: float
    patience: int
    loss: BatchLoss | None
    device: str
    seed: int

    @classmethod
    def of(cls, estimator: Any) -> TrainingSettings:
        """Return an estimator's settings; raises ArgumentError naming the wrong parameter."""
        if estimator.loss is not None and not callable(estimator.loss):
            expected = "a callable of (logits, targets), or None for cross-entropy"
            raise ArgumentError("loss", estimator.loss, expected)
        return cls(
            widths("hidden", estimator.hidden),
            integer("epochs", estimator.epochs, 1),
            integer("batch_size", estimator.batch_size, 1),
            number("lr", estimator.lr, 0, 10, above=True),
            number("weight_decay", estimator.weight_decay, 0, 1e6),
            number("validation_fraction", estimator.validation_fraction, 0, 0.9),
            integer("patience", estimator.patience, 1),
            estimator.loss,
            torch_device(estimator.device),
            integer("seed", estimator.seed, 0, 2**63 - 1),
        )


def torch_device(name: object) -> str:
    """Return "cpu" or "cuda"; raises ArgumentError where a GPU is asked for and none is seen."""
    named = one_of("device", name, ("cpu", "cuda", "auto"))
    if named == "cpu":
        return named
    there = torch.cuda.is_available()
    if named == "cuda" and not there:
        raise ArgumentError("device", name, "cpu or auto, since torch sees no GPU")
    return "cuda" if there else "cpu"
