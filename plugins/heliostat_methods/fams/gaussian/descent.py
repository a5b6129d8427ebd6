"""One step of a group's posterior: gradient of lambda D in closed form, and Adagrad, in one pass.

With m, r = log s^2 those of the group and q of the prior (derived from the divergences):
  KL(Q_a || Q): d/dm = (m - m_q) / s_q^2;  d/dr = (s^2 - s_q^2) / (2 s_q^2)
  W2:           d/dm = 2 (m - m_q);        d/dr = (s - s_q) s
Adagrad (Duchi et al. 2011) as in torch: sum += g^2; p -= rate g / (sqrt(sum) + 1e-10).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heliostat_methods.fams.gaussian.compilation import compiled
from heliostat_methods.fams.gaussian.elementary import exponential

LEAST, MOST = -20.0, 10.0
"""Log-variances are held to this range."""
_LEAST, _MOST = np.float32(LEAST), np.float32(MOST)
_TINY, _HALF, _TWO = map(np.float32, (1e-10, 0.5, 2.0))


@compiled
def exponentials(x: Any, out: Any) -> None:
    """Set out to e^x."""
    for j in range(x.shape[0]):
        out[j] = exponential(x[j])


@compiled
def step_w2(by_mean: Any, by_variance: Any, q_mean: Any, q_deviation: Any, lam: Any, rate: Any,
            mean: Any, log_variance: Any, variance: Any, sum_mean: Any,
            sum_log_variance: Any) -> int:  # fmt: skip
    """Take one step under lambda W2 and return how many log-variances were clamped."""
    clamped = 0
    for j in range(mean.shape[0]):
        g = by_mean[j] + _TWO * lam * (mean[j] - q_mean[j])
        total = sum_mean[j] + g * g
        sum_mean[j] = total
        mean[j] -= rate * g / (math.sqrt(total) + _TINY)
        s = math.sqrt(variance[j])
        g = by_variance[j] * variance[j] + lam * (s - q_deviation[j]) * s
        total = sum_log_variance[j] + g * g
        sum_log_variance[j] = total
        r = log_variance[j] - rate * g / (math.sqrt(total) + _TINY)
        clamped += (r < _LEAST) | (r > _MOST)
        r = _LEAST if r < _LEAST else r
        r = _MOST if r > _MOST else r
        log_variance[j] = r
        variance[j] = exponential(r)
    return clamped


@compiled
def step_kl(by_mean: Any, by_variance: Any, q_mean: Any, q_variance: Any, q_precision: Any,
            lam: Any, rate: Any, mean: Any, log_variance: Any, variance: Any, sum_mean: Any,
            sum_log_variance: Any) -> int:  # fmt: skip
    """Take one step under lambda KL and return how many log-variances were clamped."""
    clamped = 0
    for j in range(mean.shape[0]):
        g = by_mean[j] + lam * (mean[j] - q_mean[j]) * q_precision[j]
        total = sum_mean[j] + g * g
        sum_mean[j] = total
        mean[j] -= rate * g / (math.sqrt(total) + _TINY)
        apart = (variance[j] - q_variance[j]) * q_precision[j]
        g = by_variance[j] * variance[j] + _HALF * lam * apart
        total = sum_log_variance[j] + g * g
        sum_log_variance[j] = total
        r = log_variance[j] - rate * g / (math.sqrt(total) + _TINY)
        clamped += (r < _LEAST) | (r > _MOST)
        r = _LEAST if r < _LEAST else r
        r = _MOST if r > _MOST else r
        log_variance[j] = r
        variance[j] = exponential(r)
    return clamped
