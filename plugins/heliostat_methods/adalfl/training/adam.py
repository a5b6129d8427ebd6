"""Adam on a stack of vectors, one run a row, as torch's optimiser takes it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8


@dataclass
class Adam:
    """Moments of vectors (R, Q) that are moved against their gradients at ``rate``."""

    rate: float
    first: Tensor
    second: Tensor

    @classmethod
    def start(cls, like: Tensor, rate: float) -> Adam:
        """Return the state before the first step."""
        return cls(rate, torch.zeros_like(like), torch.zeros_like(like))

    def step(self, values: Tensor, gradient: Tensor, number: int) -> Tensor:
        """Return the values after step ``number``, counted from 0."""
        self.first.mul_(_FIRST).add_(gradient, alpha=1 - _FIRST)
        self.second.mul_(_SECOND).addcmul_(gradient, gradient, value=1 - _SECOND)
        size = self.rate / (1.0 - _FIRST ** (number + 1))
        unbias = (1.0 - _SECOND ** (number + 1)) ** -0.5
        root = self.second.sqrt().mul_(unbias).add_(_TINY)
        return values.addcdiv(self.first, root, value=-size)
