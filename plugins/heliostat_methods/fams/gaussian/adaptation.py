"""The lower level of a block of groups under binary cross-entropy, in compiled code.

Group after group: restart, `inner` steps of forward, loss, backward and Adagrad on one batch, then
the posterior goes into the block's moments. What happens in a group depends on nothing beside it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from heliostat_methods.fams.gaussian.compilation import compiled
from heliostat_methods.fams.gaussian.dense import backward, forward
from heliostat_methods.fams.gaussian.descent import exponentials, step_kl, step_w2
from heliostat_methods.fams.gaussian.moments import gather

NO_DIVERGENCE, W2, KL = 0, 1, 2
_ZERO = np.float32(0.0)


class Prior(NamedTuple):
    """Q as kernels read it, (P,) each."""

    mean: Any
    log_variance: Any
    variance: Any
    spread: Any
    """float32: standard deviation for W2, precision for KL."""
    mean64: Any
    log_variance64: Any
    sigma64: Any


class Steps(NamedTuple):
    """How a group adapts; numbers of the types that kernels compute in."""

    kind: int
    inner: int
    draws: int
    eps: np.float32
    lam: np.float32
    rate: np.float32
    seed: np.uint64
    round: int


class Stack(NamedTuple):
    """Posteriors and Adagrad's sums, (G, P) float32 each; or (1, P), room for one after another."""

    mean: Any
    log_variance: Any
    sum_mean: Any
    sum_log_variance: Any


@compiled
def cross_entropy(logits: Any, targets: Any, weights: Any) -> float:
    """Return the mean weighted cross-entropy over draws and rows; logits become its gradient.

    `weights` (batch,), or empty for weights of 1.
    """
    batch = targets.shape[0]
    total, scale = 0.0, 1.0 / logits.shape[0]
    for j in range(logits.shape[0]):
        z, y = float(logits[j]), targets[j % batch]
        weight = scale * weights[j % batch] if weights.shape[0] > 0 else scale
        e = math.exp(-abs(z))
        total += weight * (max(z, 0.0) - z * y + math.log1p(e))
        chance = 1.0 / (1.0 + e) if z >= 0.0 else e / (1.0 + e)
        logits[j] = np.float32(weight * (chance - y))
    return total


@compiled
def restart(stack: Any, row: Any, prior: Any, variance: Any) -> None:
    """Set a posterior to the prior and its sums to 0; slices are not assigned: see `dense`."""
    for j in range(prior.mean.shape[0]):
        stack.mean[row, j] = prior.mean[j]
        stack.log_variance[row, j] = prior.log_variance[j]
        stack.sum_mean[row, j] = _ZERO
        stack.sum_log_variance[row, j] = _ZERO
        variance[j] = prior.variance[j]


@compiled
def square(x: Any, out: Any) -> None:
    """Set out (features + 1, batch) to x^2."""
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] * x[i, j]


@compiled
def descend(stack: Any, row: Any, variance: Any, prior: Any, steps: Any, room: Any) -> int:
    """Take one step of a posterior from the gradients in `room`; `variance` follows."""
    if steps.kind == W2:
        return step_w2(room.by_mean, room.by_variance, prior.mean, prior.spread, steps.lam,
                       steps.rate, stack.mean[row], stack.log_variance[row], variance,
                       stack.sum_mean[row], stack.sum_log_variance[row])  # fmt: skip
    return step_kl(room.by_mean, room.by_variance, prior.mean, prior.variance,
                   prior.spread, steps.lam, steps.rate, stack.mean[row], stack.log_variance[row],
                   variance, stack.sum_mean[row], stack.sum_log_variance[row])  # fmt: skip


@compiled
def adapt(dims: Any, groups: Any, inputs: Any, targets: Any, weights: Any, prior: Any, steps: Any,
          stack: Any, restarted: Any, shares: Any, mean: Any, m2: Any, sum_sigma: Any, room: Any,
          losses: Any, divergences: Any) -> tuple[int, int]:  # fmt: skip
    """Adapt all groups of a block and fill its moments, losses and divergences, (G,).

    Returns the place of the first group whose loss is not finite, or -1, and how many
    log-variances were clamped. `losses` is the cross-entropy of the last step.
    """
    total, clamped = 0.0, 0
    for at in range(groups.shape[0]):
        row = at if stack.mean.shape[0] > 1 else 0
        if restarted:
            restart(stack, row, prior, room.variance)
        else:
            exponentials(stack.log_variance[row], room.variance)
        x = inputs[at]
        square(x, room.inputs_squared)
        for step in range(steps.inner):
            forward(dims, stack.mean[row], room.variance, x, room.inputs_squared, steps.draws,
                    steps.eps, steps.seed, steps.round, groups[at], step, room)  # fmt: skip
            losses[at] = cross_entropy(room.outputs, targets[at], weights[at])
            if not math.isfinite(losses[at]):
                return at, clamped
            backward(dims, stack.mean[row], room.variance, x, room.inputs_squared, steps.draws,
                     steps.eps, room)  # fmt: skip
            clamped += descend(stack, row, room.variance, prior, steps, room)
        divergences[at] = gather(stack.mean[row], stack.log_variance[row], shares[at], total,
                                 mean, m2, sum_sigma, steps.kind, prior.mean64,
                                 prior.log_variance64, prior.sigma64)  # fmt: skip
        if not math.isfinite(divergences[at]):
            return at, clamped
        total += shares[at]
    return -1, clamped
