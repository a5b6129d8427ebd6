"""The upper level: the prior moves close to all posteriors. It sees their moments alone.

In closed form it takes the barycentre. The authors take a few steps of Adagrad on sum_a D(Q_a, Q)
instead; that gradient needs the same moments (derived from the divergences), with e = W / s^2:
  KL: d/dm = e (m - mean);     d/dr = W / 2 - [M2 + W (mean - m)^2] / (2 s^2)
  W2: d/dm = 2 W (m - mean);   d/dr = (W s - S) s
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.gaussian.barycenter import nearest
from heliostat_methods.fams.gaussian.descent import LEAST, MOST
from heliostat_methods.fams.gaussian.divergence import checked_kind
from heliostat_methods.fams.gaussian.moments import Moments, Vector
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.noise import normals
from heliostat_methods.fams.gaussian.philox import MOST as LAST
from heliostat_methods.fams.groups.arguments import ArgumentError


@dataclass(frozen=True, eq=False)
class PriorState:
    """The prior and Adagrad's sums of squares (2, P) float64: of means, of log-variances."""

    prior: GaussianMLP
    squares: NDArray[np.float64]

    @classmethod
    def fresh(cls, prior: GaussianMLP) -> PriorState:
        """Return the state before the first step."""
        return cls(prior, np.zeros((2, prior.mean.shape[1])))


def closed_form(
    prior: GaussianMLP, moments: Moments, kind: str, damping: float = 1.0
) -> GaussianMLP:
    """Return (1 - damping) prior + damping barycentre, in means and log-variances.

    0 < damping <= 1. Log-variances are held to [-20, 10].
    """
    if not 0 < damping <= 1:
        raise ArgumentError("damping", damping, "a number above 0, at most 1")
    mean, log_variance = nearest(moments, kind)
    if damping < 1:
        old_mean, old_log_variance = (old[0].astype(np.float64) for old in prior.arrays())
        mean = old_mean + damping * (mean - old_mean)
        log_variance = old_log_variance + damping * (log_variance - old_log_variance)
    return _network(prior, mean, log_variance)


def adagrad(
    state: PriorState,
    moments: Moments,
    kind: str,
    *,
    rate: float,
    steps: int = 5,
    kappa: float = 0.0,
    seed: int = 0,
    round: int = 0,
) -> PriorState:
    """Return the prior after steps of Adagrad on sum_a D(Q_a, Q), and the sums of squares.

    `kappa`: standard deviation of normal noise added to means and log-variances of Q wherever D is
    evaluated (the authors: 0.001); one draw a step here, where the authors draw one a group.
    """
    wanted = checked_kind(kind)
    mean, log_variance = (old[0].astype(np.float64) for old in state.prior.arrays())
    squares = state.squares.copy()
    for step in range(steps):
        at_mean, at_log_variance = mean, log_variance
        if kappa > 0:
            noise = normals((2, len(mean)), seed=seed, round=round, group=LAST - 1, step=step)
            at_mean, at_log_variance = mean + kappa * noise[0], log_variance + kappa * noise[1]
        gradient = _gradient(at_mean, at_log_variance, moments, wanted)
        squares += np.square(gradient)
        by_mean, by_log_variance = rate * gradient / (np.sqrt(squares) + 1e-10)
        mean, log_variance = mean - by_mean, log_variance - by_log_variance
    return PriorState(_network(state.prior, mean, log_variance), squares)


def _gradient(mean: Vector, r: Vector, moments: Moments, kind: str) -> NDArray[np.float64]:
    W, apart = moments.weight, mean - moments.mean
    if kind == "kl":
        precision = np.exp(-r)
        spread = moments.m2 + W * apart**2
        return np.stack((W * apart * precision, 0.5 * (W - spread * precision)))
    s = np.exp(0.5 * r)
    return np.stack((2 * W * apart, (W * s - moments.sum_sigma) * s))


def _network(like: GaussianMLP, mean: Vector, log_variance: Vector) -> GaussianMLP:
    kept = like.arrays()[0].dtype
    held = np.clip(log_variance, LEAST, MOST)
    made = GaussianMLP.from_arrays(like.dims, mean.astype(kept), held.astype(kept))
    return made.to(like.mean.device)
