"""Parameters of elastic networks, drawn from a given generator alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def he_normal(shape: tuple[int, ...], fan: int, generator: torch.Generator) -> nn.Parameter:
    """Return normal weights of variance 2 / fan (He et al. 2015, equation 10)."""
    weights = torch.empty(shape).normal_(0.0, math.sqrt(2.0 / fan), generator=generator)
    return nn.Parameter(weights)


def uniform(shape: tuple[int, ...], fan: int, generator: torch.Generator) -> nn.Parameter:
    """Return weights between -1 and 1 over the root of the fan."""
    bound = 1.0 / math.sqrt(fan)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))


class Affine(nn.Module):
    """Gain and bias behind a normalisation, for the first or any range of its channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, start: int, end: int | None) -> tuple[Tensor, Tensor]:
        """Return gain and bias of a range of channels."""
        return self.gain[start:end], self.bias[start:end]

    @torch.no_grad()
    def reorder(self, order: Tensor) -> None:
        """Bring channels into another order."""
        self.gain.copy_(self.gain[order])
        self.bias.copy_(self.bias[order])
