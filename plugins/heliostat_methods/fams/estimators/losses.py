"""Losses of batches, of rows and of groups, from any callable of (logits, targets)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from heliostat_methods.fams.estimators.settings import BatchLoss
from heliostat_methods.fams.groups.arguments import ArgumentError


def row_losses(loss: BatchLoss | None, logits: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of each row alone, (rows,); None is binary cross-entropy with logits.

    Raises ArgumentError for a loss that `torch.func.vmap` cannot take row by row.
    """
    if loss is None:
        return binary_cross_entropy_with_logits(logits, targets, reduction="none")
    try:
        found: Tensor = torch.func.vmap(lambda one, y: loss(one[None], y[None]))(logits, targets)
    except (RuntimeError, ValueError) as error:
        expected = f"a loss that works for each row by itself, under torch.func.vmap ({error})"
        raise ArgumentError("loss", loss, expected) from error
    if found.shape != logits.shape:
        expected = f"a loss that returns one number, got the shape {tuple(found.shape[1:])}"
        raise ArgumentError("loss", loss, expected)
    return found


def weighted_loss(
    loss: BatchLoss | None, logits: Tensor, targets: Tensor, weights: Tensor | None
) -> Tensor:
    """Return the mean of weighted losses; `weights` (rows,), or None for the plain mean."""
    if weights is not None:
        return (weights * row_losses(loss, logits, targets)).mean()
    if loss is None:
        return binary_cross_entropy_with_logits(logits, targets)
    found: Any = loss(logits, targets)
    if not isinstance(found, Tensor) or found.numel() != 1:
        got = f"a tensor of shape {tuple(found.shape)}" if isinstance(found, Tensor) else found
        raise ArgumentError("loss", loss, f"a loss that returns one number, got {got}")
    return found.reshape(())


def group_losses(losses: Tensor, weights: Tensor | None, groups: Tensor, number: int) -> Tensor:
    """Return the weighted mean loss of each group, (number,); 0 for a group that is absent."""
    # a product with a table of memberships, since sums by index are not deterministic on a GPU
    members = one_hot(groups, number).to(losses)
    if weights is not None:
        members = members * weights[:, None]
    masses = members.sum(0)
    return (losses @ members) / torch.where(masses > 0, masses, torch.ones_like(masses))


def two_classes(loss: BatchLoss) -> BatchLoss:
    """Return a loss of (logits of two classes, their numbers) as one of a single logit.

    For losses that are parts of the platform; the other class's logit is 0.
    """

    def of_one_logit(logits: Tensor, targets: Tensor) -> Tensor:
        both = torch.stack([torch.zeros_like(logits), logits], dim=1)
        return loss(both, targets.long())

    return of_one_logit
