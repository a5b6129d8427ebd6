"""What goes into the work on a block of groups, in the types of its kernels, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.fams.gaussian.adaptation import KL, W2, Prior, Stack, Steps
from heliostat_methods.fams.gaussian.batches import Batch
from heliostat_methods.fams.gaussian.descent import exponentials
from heliostat_methods.fams.gaussian.moments import Moments
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.posteriors import Posteriors
from heliostat_methods.fams.gaussian.settings import LowerLevel


class LossNotFinite(DataError, ValueError):
    """A loss or posterior stopped being a finite number: names group and round."""

    def __init__(self, group: int, round: int) -> None:
        self.group, self.round = group, round
        super().__init__(
            f"group {group}, round {round}: the loss is not finite; "
            "lower the learning rate or scale the inputs"
        )


@dataclass(frozen=True, eq=False)
class BlockResult:
    """What a block of G groups gave.

    `moments` of its posteriors; `loss` (G,), mean loss of the batch in the last inner step;
    `divergence` (G,) from the prior, both float64; `posteriors` if they were wanted; `clamped`, how
    often a log-variance was held to [-20, 10].
    """

    moments: Moments
    loss: NDArray[np.float64]
    divergence: NDArray[np.float64]
    posteriors: Posteriors | None
    clamped: int


def prior_arrays(prior: GaussianMLP, settings: LowerLevel) -> Prior:
    """Return Q as kernels read it.

    What kernels compare with a posterior's numbers is worked out as they do it: at the prior the
    gradient of D is exactly 0. Adagrad's first step would turn a rounding error into a full step.
    """
    mean, log_variance = (x[0].astype(np.float32) for x in prior.arrays())
    r = log_variance.astype(np.float64)
    variance = np.empty_like(log_variance)
    exponentials(log_variance, variance)
    spread = np.sqrt(variance) if settings.divergence == "w2" else 1 / variance
    return Prior(mean, log_variance, variance, spread, mean.astype(np.float64), r, np.exp(0.5 * r))


def steps(settings: LowerLevel, parameters: int, round: int, rate: float) -> Steps:
    """Return the settings in the types that kernels compute in."""
    return Steps(
        W2 if settings.divergence == "w2" else KL, settings.inner, settings.draws,
        np.float32(settings.eps), np.float32(settings.strength(parameters)), np.float32(rate),
        np.uint64(settings.seed), round,
    )  # fmt: skip


def stacked(
    prior: GaussianMLP, posteriors: Posteriors | None, groups: int, keep: bool
) -> tuple[Stack, Posteriors | None]:
    """Return arrays to adapt in, and the posteriors that share them where they are wanted."""
    if posteriors is not None:
        own = posteriors.copy()
    else:
        size = groups if keep else 1
        empty = [torch.empty(size, prior.mean.shape[1]) for _ in range(4)]
        own = Posteriors(GaussianMLP(prior.dims, empty[0], empty[1]), empty[2], empty[3])
    arrays = Stack(*own.networks.arrays(), own.sum_mean.numpy(), own.sum_log_variance.numpy())
    return arrays, own if keep or posteriors is not None else None


def row_weights(batch: Batch) -> NDArray[np.float32]:
    """Return the rows' weights (G, B), or (G, 0) where all are 1."""
    return np.empty((len(batch), 0), np.float32) if batch.weights is None else batch.weights
