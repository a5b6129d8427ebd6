"""The loss of a step's subnets: labels for the teacher, labels and its outputs for the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from heliostat.errors import MisuseError
from heliostat_methods.pnag.spaces.layout import Blocks
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.normalisation import by_batch
from heliostat_methods.pnag.supernet.paths import walk
from heliostat_methods.pnag.supernet.schedule import StepPlan

Loss = Callable[[Tensor, Tensor], Tensor]
"""`loss(logits (batch, classes), labels (batch,)) -> scalar`, a mean over the batch."""


def soft_cross_entropy(logits: Tensor, shares: Tensor) -> Tensor:
    """Return the mean cross-entropy to a teacher's probabilities (Hinton et al. 2015, with T = 1).

    logits, shares: (batch, classes).
    """
    return -(shares * F.log_softmax(logits, 1)).sum(1).mean()


def all_logits(net: Supernet, plan: StepPlan, images: Tensor) -> list[Tensor]:
    """Return the logits of a plan's subnets, what they share computed once."""
    found = dict(walk(net, plan.subnets, images, lambda stage, *values: stage(*values, by_batch)))
    return [found[index] for index in range(len(plan.subnets))]


def losses(
    net: Supernet, teacher: Supernet | None, largest: Blocks, plan: StepPlan, images: Tensor,
    labels: Tensor, loss: Loss, soft: float,
) -> Sequence[Tensor]:  # fmt: skip
    """Return the loss of every subnet of a plan.

    A taught one has `1 - soft` of the loss on labels and `soft` of that on the teacher's outputs.
    """
    logits = all_logits(net, plan, images)
    hard = [loss(outputs, labels) for outputs in logits]
    if plan.teacher == "none":
        return hard
    if plan.teacher == "first":
        shares, taught = logits[0].detach().softmax(1), logits[1:]
        return [hard[0], *_mixed(hard[1:], taught, shares, soft)]
    if teacher is None:
        raise MisuseError("this step is taught by a frozen network, and none was frozen")
    with torch.no_grad():
        shares = teacher(images, largest).softmax(1)
    return _mixed(hard, logits, shares, soft)


def _mixed(
    hard: Sequence[Tensor], logits: Sequence[Tensor], shares: Tensor, soft: float
) -> list[Tensor]:
    return [
        (1 - soft) * h + soft * soft_cross_entropy(outputs, shares)
        for h, outputs in zip(hard, logits, strict=True)
    ]
