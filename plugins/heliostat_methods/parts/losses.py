"""Fixed losses: callables that map logits and targets of a batch to the mean loss.

Each has `per_sample`, (batch,), beside the mean. For classification: logits (batch, classes), at
least two classes, targets (batch,) int64 class numbers; p is the softmax of the logits and p_t its
target entry. All can be differentiated twice and accept any float dtype. Targets that cannot be
meant raise DataError.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from heliostat.errors import DataError

# Below this, 1 - p_t is rounding: its logarithm and its negative powers would blow up.
LEAST_REST = 1e-7
# What Raymond et al. add to p inside ACE's logarithm.
ACE_OFFSET = 1e-10


@dataclass(frozen=True)
class SampleLoss:
    """The mean over a batch of what a subclass computes for each sample."""

    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def per_sample(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each sample, (batch,)."""
        raise NotImplementedError

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of the batch."""
        return self.per_sample(outputs, targets).mean()


@dataclass(frozen=True)
class MeanSquaredError(SampleLoss):
    """(y - f)^2 for outputs (batch, 1) or (batch,) and targets (batch,)."""

    tasks: ClassVar[tuple[str, ...]] = ("regression",)

    def per_sample(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the squared error of each sample, (batch,)."""
        # Subtracting (batch,) from (batch, 1) would silently give a (batch, batch) matrix.
        if targets.ndim != 1 or outputs.shape not in (targets.shape, (*targets.shape, 1)):
            raise DataError(
                "mse needs outputs (batch, 1) and targets (batch,), "
                f"got {tuple(outputs.shape)} and {tuple(targets.shape)}"
            )
        return (outputs.reshape(targets.shape) - targets).square()


@dataclass(frozen=True)
class CrossEntropy(SampleLoss):
    """-log p_t."""

    def per_sample(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy of each sample, (batch,)."""
        return -_target_log_p(outputs, targets)


@dataclass(frozen=True)
class Focal(SampleLoss):
    """-(1 - p_t)^gamma log p_t (Lin et al. 2017); gamma >= 0, 0 is cross-entropy."""

    gamma: float = 2.0

    def per_sample(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the focal loss of each sample, (batch,)."""
        log_p = _target_log_p(outputs, targets)
        return -_rest(log_p).pow(self.gamma) * log_p


@dataclass(frozen=True)
class LabelSmoothing(SampleLoss):
    """Cross-entropy with the target (1 - xi) one-hot + xi / C (Szegedy et al. 2016).

    Its optimum lies at p_t = 1 - xi + xi / C.
    """

    xi: float = 0.1

    def per_sample(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the smoothed cross-entropy of each sample, (batch,)."""
        log_p = _target_log_p(outputs, targets)
        return -(1 - self.xi) * log_p - self.xi * log_softmax(outputs, 1).mean(1)


@dataclass(frozen=True)
class SparseLabelSmoothing(SampleLoss):
    """Label smoothing from the target entry alone (Raymond et al., SparseLSR).

    -[(1 - xi + xi/C) log p_t + xi (C-1)/C log((1 - p_t)/(C-1))]: the other classes share 1 - p_t
    evenly. Never above label smoothing (Jensen). 1 - p_t is kept above 1e-7.
    """

    xi: float = 0.1

    def per_sample(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sparsely smoothed cross-entropy of each sample, (batch,)."""
        log_p = _target_log_p(outputs, targets)
        classes = outputs.shape[1]
        own = 1 - self.xi + self.xi / classes
        others = self.xi * (classes - 1) / classes
        return -own * log_p - others * (_rest(log_p).log() - math.log(classes - 1))


@dataclass(frozen=True)
class AbsoluteCrossEntropy(SampleLoss):
    """ACE, phi0 sum_c |log(phi1 (y_c p_c + 1e-10))|, the loss that EvoMAL keeps finding.

    Raymond et al. 2023. Pulls p_t to 1 / phi1 from both sides: with phi1 > 1 it smooths labels.
    The classes with y_c = 0 add a constant, so it never comes near zero.
    """

    phi0: float = 1.0
    phi1: float = 1.0

    def per_sample(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the absolute cross-entropy of each sample, (batch,)."""
        p = _target_log_p(outputs, targets).exp()
        own = (self.phi1 * (p + ACE_OFFSET)).log().abs()
        others = (outputs.shape[1] - 1) * abs(math.log(self.phi1 * ACE_OFFSET))
        return self.phi0 * (own + others)


@dataclass(frozen=True)
class PolyLoss(SampleLoss):
    """Poly-1, -log p_t + epsilon (1 - p_t) (Leng et al. 2022); epsilon 0 is cross-entropy."""

    epsilon: float = 1.0

    def per_sample(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the polynomial loss of each sample, (batch,)."""
        log_p = _target_log_p(outputs, targets)
        return -log_p - self.epsilon * torch.expm1(log_p)


def _rest(log_p: Tensor) -> Tensor:
    # -expm1(log p) = 1 - p without cancellation near p = 1.
    return (-torch.expm1(log_p)).clamp(min=LEAST_REST)


def _target_log_p(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return log p_t, (batch,); looks at the targets' values only after torch refused them."""
    if outputs.ndim != 2 or targets.shape != outputs.shape[:1]:
        raise DataError(
            "logits (batch, classes) and targets (batch,) needed, "
            f"got {tuple(outputs.shape)} and {tuple(targets.shape)}"
        )
    if outputs.shape[1] < 2:
        raise DataError("a loss for classes needs at least 2 logits per sample, got 1")
    if targets.dtype != torch.int64:
        raise DataError(f"class numbers of dtype int64 needed as targets, got {targets.dtype}")
    try:
        return log_softmax(outputs, 1).gather(1, targets.unsqueeze(1)).squeeze(1)
    except (IndexError, RuntimeError):
        bad = ((targets < 0) | (targets >= outputs.shape[1])).nonzero().flatten().tolist()
        if not bad:
            raise
        raise DataError(
            f"label {int(targets[bad[0]])} at position {bad[0]} of the batch is outside "
            f"0..{outputs.shape[1] - 1}"
        ) from None
