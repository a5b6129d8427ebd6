"""How far posteriors are from the prior: KL(Q_a || Q) or the squared 2-Wasserstein distance.

Sums over all weights and biases, as in the objective of Shui et al. 2022. The direction of KL is
that of PAC-Bayes: posterior first.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError, likely

Kind = Literal["kl", "w2"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_AT_ONCE = 1 << 22  # numbers that are worked on at a time, which bounds memory


def checked_kind(kind: str, argument: str = "kind") -> Kind:
    """Return the kind; raises ArgumentError naming the nearest one."""
    for known in KINDS:
        if isinstance(kind, str) and kind == known:
            return known
    raise ArgumentError(argument, kind, "'kl' or 'w2'", likely(kind, KINDS))


def divergence(posteriors: GaussianMLP, prior: GaussianMLP, kind: str = "kl") -> Tensor:
    """Return D(Q_a, Q) of each posterior, (A,) float64; raises ArgumentError and ArrayError.

    KL: sum [r - r_a + ((m_a - m)^2 + e^{r_a}) e^{-r} - 1] / 2, r the log-variance.
    W2: sum [(m_a - m)^2 + (s_a - s)^2], s the standard deviation.
    """
    wanted = checked_kind(kind)
    _check(posteriors, prior)
    rows = max(1, _AT_ONCE // posteriors.mean.shape[1])
    parts = [
        _sums(posteriors.at(slice(at, at + rows)), prior, wanted)
        for at in range(0, len(posteriors), rows)
    ]
    return torch.cat(parts)


def divergence_gradient(
    posteriors: GaussianMLP, prior: GaussianMLP, kind: str = "kl"
) -> tuple[Tensor, Tensor]:
    """Return the gradients of D(Q_a, Q) by means and by log-variances of Q_a, (A, P) each."""
    wanted = checked_kind(kind)
    _check(posteriors, prior)
    apart, r = posteriors.mean - prior.mean, prior.log_variance
    if wanted == "kl":
        return apart * (-r).exp(), 0.5 * torch.expm1(posteriors.log_variance - r)
    # s (s - s_q), exactly 0 where both are equal: Adagrad makes a step of any rounding error
    r_a = posteriors.log_variance
    return 2 * apart, -r_a.exp() * torch.expm1(0.5 * (r - r_a))


def _sums(posteriors: GaussianMLP, prior: GaussianMLP, kind: Kind) -> Tensor:
    apart = posteriors.mean.double() - prior.mean.double()
    r_a, r = posteriors.log_variance.double(), prior.log_variance.double()
    if kind == "kl":
        # expm1(x) - x is never below 0, however close the two are
        terms = 0.5 * (torch.expm1(r_a - r) - (r_a - r) + apart.square() * (-r).exp())
    else:
        terms = apart.square() + ((0.5 * r_a).exp() - (0.5 * r).exp()).square()
    return terms.sum(1)


def _check(posteriors: GaussianMLP, prior: GaussianMLP) -> None:
    if posteriors.dims != prior.dims:
        raise ArrayError(f"prior has dims {prior.dims}, posteriors have {posteriors.dims}")
    if len(prior) != 1:
        raise ArrayError(f"prior holds {len(prior)} networks, expected 1")
