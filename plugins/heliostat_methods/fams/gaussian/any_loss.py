"""The lower level under any loss: compiled passes, and autograd for the outputs' gradient alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat_methods.fams.gaussian.adaptation import descend, restart, square
from heliostat_methods.fams.gaussian.batches import Batch
from heliostat_methods.fams.gaussian.block import (
    BlockResult,
    LossNotFinite,
    prior_arrays,
    stacked,
    steps,
)
from heliostat_methods.fams.gaussian.dense import backward, forward, room
from heliostat_methods.fams.gaussian.descent import exponentials
from heliostat_methods.fams.gaussian.moments import Moments, gather
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.posteriors import Posteriors
from heliostat_methods.fams.gaussian.settings import Loss, LowerLevel
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError

EXPECTED = "a loss of logits (rows, 2) and targets (rows,) int64 that returns their mean"


def checked_loss(loss: Loss, weighted: bool) -> None:
    """Try a loss on four rows; raises ArgumentError where it cannot train a network."""
    if weighted and not hasattr(loss, "per_sample"):
        raise ArgumentError(
            "loss", loss, "one with `per_sample` where rows have weights", "or no sample_weight"
        )
    logits = np.array([-1.0, 1.0, -2.0, 2.0], np.float32)
    ones = np.ones(4, np.float32) if weighted else None
    try:
        value, gradient = output_gradient(loss, logits, np.array([0.0, 1.0, 1.0, 0.0]), ones)
    except Exception as error:  # a stranger's code may raise anything
        raise ArgumentError("loss", loss, EXPECTED, f"it raised {error!r}") from None
    if not np.isfinite(value) or not np.isfinite(gradient).all():
        raise ArgumentError("loss", loss, EXPECTED, "it gave a number that is not finite")


def output_gradient(
    loss: Loss, logits: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
) -> tuple[float, NDArray[np.float32]]:
    """Return the mean loss of logits (rows,) and its gradient by them."""
    leaf = torch.tensor(logits, requires_grad=True)
    value = mean_loss(loss, leaf, torch.tensor(targets), weights)
    (gradient,) = torch.autograd.grad(value, leaf)
    return float(value.detach()), gradient.numpy()


def mean_loss(loss: Loss, logits: Tensor, targets: Tensor, weights: NDArray[Any] | None) -> Tensor:
    """Return the mean loss of logits (rows,) that a loss of two classes gives."""
    pair = torch.stack((torch.zeros_like(logits), logits), 1)
    if weights is None:
        found = loss(pair, targets.long())
    else:
        each = loss.per_sample(pair, targets.long())  # type: ignore[attr-defined]
        found = (each * torch.as_tensor(weights).to(each)).mean()
    if found.numel() != 1:
        raise ArrayError(f"loss gave {tuple(found.shape)} numbers, expected their mean")
    return found.reshape(())  # type: ignore[no-any-return]


def adapt_block(
    prior: GaussianMLP,
    posteriors: Posteriors | None,
    batch: Batch,
    round: int,
    rate: float,
    settings: LowerLevel,
    shares: NDArray[np.float64],
    keep: bool,
) -> BlockResult:
    """Do as `lower_level` says, with `settings.loss`."""
    if settings.loss is None:
        raise ArgumentError("loss", None, EXPECTED)
    size, S = prior.mean.shape[1], settings.draws
    q, how = prior_arrays(prior, settings), steps(settings, prior.mean.shape[1], round, rate)
    stack, kept = stacked(prior, posteriors, len(batch), keep)
    work, dims = room(prior.dims, batch.inputs.shape[2], S), np.array(prior.dims)
    total, losses, apart = Moments.none(size), np.zeros(len(batch)), np.zeros(len(batch))
    weight, clamped = 0.0, 0
    for at, group in enumerate(batch.groups):
        row = at if len(stack.mean) > 1 else 0
        if posteriors is None:
            restart(stack, row, q, work.variance)
        else:
            exponentials(stack.log_variance[row], work.variance)
        x, xx = batch.inputs[at], work.inputs_squared
        square(x, xx)
        y = np.tile(batch.targets[at], S)
        w = None if batch.weights is None else np.tile(batch.weights[at], S)
        for step in range(settings.inner):
            forward(dims, stack.mean[row], work.variance, x, xx, S, how.eps, how.seed, round,
                    group, step, work)  # fmt: skip
            losses[at], work.outputs[:] = output_gradient(settings.loss, work.outputs, y, w)
            backward(dims, stack.mean[row], work.variance, x, xx, S, how.eps, work)
            clamped += descend(stack, row, work.variance, q, how, work)
        apart[at] = gather(stack.mean[row], stack.log_variance[row], shares[at], weight,
                           total.mean, total.m2, total.sum_sigma, how.kind, q.mean64,
                           q.log_variance64, q.sigma64)  # fmt: skip
        weight += shares[at]
        if not np.isfinite(losses[at]) or not np.isfinite(apart[at]):
            raise LossNotFinite(int(group), round)
    return BlockResult(Moments(weight, total.mean, total.m2, total.sum_sigma), losses, apart,
                       kept, clamped)  # fmt: skip
