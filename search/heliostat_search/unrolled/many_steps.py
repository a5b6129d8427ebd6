"""The gradient of what many steps of SGD lead to, by the parameters of the loss that took them.

The steps are gone through backwards, one at a time. With lambda the derivative of the objective by
the parameters after a step and beta that by its momentum, a step's gradient g has the derivative G
(``_Stepping.pulled``), and before the step

    ``lambda += wd G + H G``,   ``d/dphi += d/dphi <g, G>``,

H the Hessian of the step's loss. Parameters are kept at the beginning of every segment and computed
again inside it, so that memory is that of about two square roots of the steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from heliostat_search.unrolled.sgd import SGD


class Steps(Protocol):
    """A loss on its batches, for one network (P,) or a stack of them (R, P) at a time."""

    def gradient(self, step: int, theta: Tensor) -> Tensor:
        """Return the loss's gradient by ``theta`` on the batch of a step, in its shape."""
        ...

    def second(self, step: int, theta: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``H w`` in the shape of ``theta``, and ``d/dphi <g, w>`` in that of phi."""
        ...

    def objective(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return the objective, (R,) or scalar, and its gradient by ``theta``."""
        ...


@dataclass(frozen=True)
class Unrolled:
    """The objective after all steps, (R,) or scalar, and the parameters there.

    ``gradient`` is the objective's by phi, ``by_log_rate`` that by the logarithm of the learning
    rate: the sum over steps of <lambda, theta' - theta>.
    """

    objective: Tensor
    gradient: Tensor
    by_log_rate: Tensor
    theta: Tensor


@dataclass(frozen=True)
class _Stepping:
    """The step of ``sgd`` at rates of its own, and its transpose."""

    sgd: SGD
    rate: Tensor | float

    def step(self, theta: Tensor, gradient: Tensor, buffer: Tensor | None) -> tuple[Tensor, Tensor]:
        direction, carried = self.sgd.direction(theta, gradient, buffer)
        return theta - self.rate * direction, carried

    def pulled(self, lam: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
        """Return the derivatives by a step's gradient and by the momentum that came into it."""
        direction, momentum = -self.rate * lam, self.sgd.momentum
        if not momentum:
            return direction, beta
        if not self.sgd.nesterov:
            carried = beta + direction
            return carried, momentum * carried
        carried = beta + momentum * direction
        return direction + carried, momentum * carried


def through_steps(
    steps: Steps,
    theta: Tensor,
    count: int,
    sgd: SGD,
    segment: int | None = None,
    rate: Tensor | None = None,
) -> Unrolled:
    """Take ``count`` steps from ``theta`` and differentiate the objective after them.

    ``segment`` is how many steps are computed again together, without one the square root;
    ``rate`` (R, 1) are learning rates of each row, in place of that of ``sgd``. Raises
    ``ValueError`` for no step, and for a segment of none.
    """
    how = _Stepping(sgd, sgd.learning_rate if rate is None else rate)
    if count < 1:
        raise ValueError(f"count: got {count}; expected at least 1 step")
    length = math.isqrt(count - 1) + 1 if segment is None else segment
    if length < 1:
        raise ValueError(f"segment: got {segment}; expected at least 1 step")
    kept: list[tuple[Tensor, Tensor | None]] = []
    buffer: Tensor | None = None
    for i in range(count):
        if i % length == 0:
            kept.append((theta.clone(), None if buffer is None else buffer.clone()))
        theta, buffer = how.step(theta, steps.gradient(i, theta), buffer)
    objective, slope = steps.objective(theta)
    lam, beta = slope.clone(), torch.zeros_like(slope)
    total: Tensor | None = None
    by_rate, after = torch.zeros_like(objective), theta
    for number in range(len(kept) - 1, -1, -1):
        first = number * length
        inside = _computed_again(steps, kept.pop(), first, min(first + length, count), how)
        for i in range(first + len(inside) - 1, first - 1, -1):
            here = inside.pop()
            by_rate = by_rate + (lam * (after - here)).sum(-1)
            after = here
            along, beta = how.pulled(lam, beta)
            bent, by_weights = steps.second(i, here, along)
            total = by_weights.clone() if total is None else total.add_(by_weights)
            lam = lam + bent
            if sgd.weight_decay:
                lam = lam.add(along, alpha=sgd.weight_decay)
    assert total is not None
    return Unrolled(objective, total, by_rate, theta)


def _computed_again(
    steps: Steps, start: tuple[Tensor, Tensor | None], first: int, end: int, how: _Stepping
) -> list[Tensor]:
    theta, buffer = start
    inside = [theta]
    for i in range(first, end - 1):
        theta, buffer = how.step(theta, steps.gradient(i, theta), buffer)
        inside.append(theta)
    return inside
