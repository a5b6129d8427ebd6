"""Learning to rank pairs: the loss of scores against labels, and how well they agree.

The loss is the mean over the pairs i < j that have a winner of phi(d_ij (R_i - R_j)), with
phi(z) = softplus(-z), "logistic" (the authors' code), or max(0, 1 - z), "hinge" (the paper).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat.errors import ConfigError, DataError, did_you_mean
from heliostat_methods.pnag.generator.labels import Ties

Kind = Literal["logistic", "hinge"]
KINDS = ("logistic", "hinge")


@dataclass(frozen=True, eq=False)
class RankLoss:
    """The loss, a scalar that can be differentiated, and how many pairs it is the mean of.

    Without pairs (fewer than two samples, or all level) nothing is to be learnt: `value` is 0 and
    so is its gradient.
    """

    value: Tensor
    pairs: int

    @property
    def defined(self) -> bool:
        """Whether there was a pair to learn from."""
        return self.pairs > 0


def pairwise_rank_loss(
    scores: Tensor, labels: NDArray[Any] | Tensor, kind: Kind = "logistic"
) -> RankLoss:
    """Return the loss of scores (n,) against labels (n, n) of pairs i < j.

    What stands on and below the diagonal is not looked at. The value has the type of the scores.
    Raises DataError for shapes that do not fit and scores that are not finite.
    """
    if kind not in KINDS:
        raise ConfigError("kind", kind, "logistic or hinge", did_you_mean(str(kind), KINDS))
    wins = _fitting(scores, labels)
    pairs = int(torch.count_nonzero(wins))
    value: Tensor = _MeanOverPairs.apply(scores, wins, pairs, kind)  # type: ignore[no-untyped-call]
    return RankLoss(value, pairs)


def kendall_tau(
    scores: Tensor | NDArray[Any], labels: NDArray[Any] | Tensor, ties: Ties = 0
) -> float | None:
    """Return the mean over labelled pairs i < j of d_ij sign(R_i - R_j), None without such a pair.

    Level scores count 0; with ties = "minus_one" they count as R_i < R_j, as in the authors' code.
    """
    values = torch.as_tensor(scores).detach()
    wins = _fitting(values, labels)
    pairs = int(torch.count_nonzero(wins))
    if pairs == 0:
        return None
    first, second = _pairs(len(values), values.device)
    signs = torch.sign(values[first] - values[second])
    if ties == "minus_one":
        signs[signs == 0] = -1
    return float((signs * wins).sum(dtype=torch.float64)) / pairs


class _MeanOverPairs(torch.autograd.Function):
    """The gradient follows from the terms at hand: phi'(z) d_ij, added to i and taken from j."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, wins: Tensor, pairs: int, kind: Kind) -> Tensor:
        gradient = torch.zeros_like(scores)
        ctx.save_for_backward(gradient)
        if pairs == 0:
            return scores.new_zeros(())
        first, second = _pairs(len(scores), scores.device)
        margin = (scores[first] - scores[second]).mul_(wins)
        value, slope = _logistic(margin) if kind == "logistic" else _hinge(margin)
        counted = wins != 0
        slope.mul_(wins)
        gradient.index_add_(0, first, slope).index_add_(0, second, slope, alpha=-1).div_(pairs)
        return value.mul_(counted).sum() / pairs

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream[0], None, None, None


def _logistic(margin: Tensor) -> tuple[Tensor, Tensor]:
    """Return softplus(-z) and its slope; exp(-|z|) cannot overflow."""
    small = margin.abs().neg_().exp_()
    value = small.log1p().sub_(margin.clamp(max=0))
    share = small.reciprocal_().add_(1).reciprocal_()  # sigmoid(-|z|)
    return value, torch.where(margin >= 0, share, 1 - share).neg_()


def _hinge(margin: Tensor) -> tuple[Tensor, Tensor]:
    return (1 - margin).clamp_(min=0), (margin < 1).to(margin.dtype).neg_()


@lru_cache(maxsize=4)
def _pairs(count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the places (i, j) of all pairs i < j."""
    first, second = torch.triu_indices(count, count, 1, device=device)
    return first, second


def _fitting(scores: Tensor, labels: NDArray[Any] | Tensor) -> Tensor:
    """Return the labels of the pairs i < j in the type of the scores."""
    wins = torch.as_tensor(labels)
    if scores.dim() != 1 or wins.shape != (len(scores), len(scores)):
        raise DataError(
            f"scores (n,) and labels (n, n) needed, got {tuple(scores.shape)}, {tuple(wins.shape)}"
        )
    if not bool(torch.isfinite(scores * 4).all()):
        raise DataError("scores: finite numbers needed, whose differences are finite too")
    first, second = _pairs(len(scores), scores.device)
    return wins.to(scores.device)[first, second].to(scores.dtype)
