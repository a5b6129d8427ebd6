"""Stochastic gradient descent with Nesterov's momentum, as `torch.optim.SGD(nesterov=True)`.

Written out, since the first use of any optimiser of torch loads its compiler, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

MOMENTUM = 0.9


class Nesterov:
    """Momentum of the gradients of some parameters; the penalty is L2."""

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float = 0.0) -> None:
        self.parameters = list(parameters)
        self.weight_decay = weight_decay
        self._momentum = [torch.zeros_like(one) for one in self.parameters]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every parameter against its gradient, then forget the gradients."""
        for one, momentum in zip(self.parameters, self._momentum, strict=True):
            if one.grad is None:
                continue
            gradient = one.grad.add(one, alpha=self.weight_decay) if self.weight_decay else one.grad
            momentum.mul_(MOMENTUM).add_(gradient)
            one.add_(gradient.add(momentum, alpha=MOMENTUM), alpha=-rate)
            one.grad = None
