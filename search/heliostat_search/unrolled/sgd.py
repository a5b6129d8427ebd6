"""The step of SGD that is differentiated: heavy-ball or Nesterov's momentum, weight decay.

As torch's optimiser takes it: ``g' = g + wd theta``, ``b' = g'`` in the first step and
``mu b + g'`` later, ``theta' = theta - lr d`` with d = b', or ``g' + mu b'`` for Nesterov's. The
buffer that is carried over is a constant of the next step, so that ``d theta'/dg = k`` is a number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class SGD:
    """The settings of a step; raises ``ValueError`` naming the one that is out of its range."""

    learning_rate: float = 0.01
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"learning_rate: got {self.learning_rate}; expected more than 0")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum: got {self.momentum}; expected 0 <= momentum < 1")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise ValueError(f"weight_decay: got {self.weight_decay}; expected 0 or more")

    @property
    def factor(self) -> float:
        """k, the derivative of new parameters by the gradient: -lr, with Nesterov -lr (1 + mu)."""
        return -self.learning_rate * (1.0 + self.momentum if self.nesterov else 1.0)

    def direction(
        self, theta: Tensor, gradient: Tensor, buffer: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return d and the new buffer; tensors of one shape, which are kept as they are."""
        slope = gradient.add(theta, alpha=self.weight_decay) if self.weight_decay else gradient
        if not self.momentum:
            return slope, slope
        carried = slope.clone() if buffer is None else buffer.mul(self.momentum).add_(slope)
        if not self.nesterov:
            return carried, carried
        return slope.add(carried, alpha=self.momentum), carried

    def step(
        self, theta: Tensor, gradient: Tensor, buffer: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the new parameters and the new buffer (None before the first step)."""
        direction, carried = self.direction(theta, gradient, buffer)
        return theta.sub(direction, alpha=self.learning_rate), carried
