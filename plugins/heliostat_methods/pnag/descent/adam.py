"""Adam with an L2 penalty. Kingma, Ba 2015, "Adam: a method for stochastic optimization".

Written out, since the first use of any optimiser of torch loads its compiler, which takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Adam:
    """Moments of the gradients of some parameters; moves them as `torch.optim.Adam` does."""

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float = 0.0) -> None:
        self.parameters = list(parameters)
        self.weight_decay = weight_decay
        self.steps = 0
        self._means = [torch.zeros_like(one) for one in self.parameters]
        self._squares = [torch.zeros_like(one) for one in self.parameters]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every parameter against its gradient, then forget the gradients."""
        self.steps += 1
        scaled = rate / (1 - BETAS[0] ** self.steps)
        root = math.sqrt(1 - BETAS[1] ** self.steps)
        for one, mean, square in zip(self.parameters, self._means, self._squares, strict=True):
            if one.grad is None:
                continue
            gradient = one.grad.add(one, alpha=self.weight_decay) if self.weight_decay else one.grad
            mean.lerp_(gradient, 1 - BETAS[0])
            square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            one.addcdiv_(mean, (square.sqrt() / root).add_(EPSILON), value=-scaled)
            one.grad = None
