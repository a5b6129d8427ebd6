"""The prior that is nearest to all posteriors on average, in closed form.

With weights of sum 1 the minimiser of sum_a w_a D(Q_a, Q) is, by its gradient,
  KL(Q_a || Q): m = sum w m_a;  s^2 = sum w [s_a^2 + (m_a - m)^2]  (moment matching)
  W2:           m = sum w m_a;  s = sum w s_a                      (Wasserstein barycentre)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.fams.gaussian.divergence import checked_kind
from heliostat_methods.fams.gaussian.moments import Moments, Vector
from heliostat_methods.fams.gaussian.network import GaussianMLP


def barycenter(
    posteriors: GaussianMLP, kind: str = "kl", weights: ArrayLike | None = None
) -> GaussianMLP:
    """Return the one network that minimises sum_a w_a D(Q_a, Q); `weights` (A,), any positive sum.

    It has the posteriors' float type. Raises ArgumentError and ArrayError.
    """
    mean, log_variance = nearest(Moments.of(posteriors, weights), kind)
    kept = posteriors.arrays()[0].dtype
    return GaussianMLP.from_arrays(posteriors.dims, mean.astype(kept), log_variance.astype(kept))


def nearest(moments: Moments, kind: str) -> tuple[Vector, Vector]:
    """Return mean and log-variance, (P,) float64, of the same, from moments alone."""
    if checked_kind(kind) == "kl":
        return moments.mean, np.log(moments.m2 / moments.weight)
    return moments.mean, 2 * np.log(moments.sum_sigma / moments.weight)
