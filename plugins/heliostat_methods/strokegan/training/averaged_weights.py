"""A copy of a generator whose weights are an average over steps: what it draws swings less.

Adversarial training goes round an answer more than to it; the average lies nearer. Over the first
steps it forgets faster, so that the weights it began with do not stay in it.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

_FORGETS = 9
"""After n steps at most n / (n + 9) of the average is kept."""


class AveragedWeights:
    """``module`` follows another one, of which it keeps ``kept`` < 1 at every step."""

    def __init__(self, module: nn.Module, kept: float) -> None:
        self.module = copy.deepcopy(module).requires_grad_(False)
        self._kept = kept

    def follow(self, module: nn.Module, step: int) -> None:
        """Move towards the weights that ``module`` has after a step, counted from 0."""
        share = 1.0 - min(self._kept, (step + 1) / (step + 1 + _FORGETS))
        with torch.no_grad():
            own, new = _floats(self.module), _floats(module)
            torch._foreach_lerp_(own, new, share)
            for mine, theirs in zip(self.module.buffers(), module.buffers(), strict=True):
                mine.copy_(theirs)


def _floats(module: nn.Module) -> list[Tensor]:
    return [weight.detach() for weight in module.parameters()]
