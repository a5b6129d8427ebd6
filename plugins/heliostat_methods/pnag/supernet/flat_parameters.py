"""All parameters of a module in one buffer, and their gradients in another.

A step of the optimiser is then a few operations whatever the number of parameters, and a gradient
travels as one vector.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FlatParameters:
    """Views a module's parameters, those with weight decay first.

    Decayed are weights of convolutions and linear layers; gains, biases and the maps between
    kernels, which begin as the identity, are not.
    """

    def __init__(self, module: nn.Module) -> None:
        named = list(module.named_parameters())
        decayed = [p for name, p in named if _decays(name, p)]
        others = [p for name, p in named if not _decays(name, p)]
        self.parameters = [*decayed, *others]
        self.decayed = sum(p.numel() for p in decayed)
        self.values = torch.cat([p.detach().reshape(-1) for p in self.parameters])
        self.gradients = torch.zeros_like(self.values)
        start = 0
        for p in self.parameters:
            end = start + p.numel()
            p.data = self.values[start:end].view(p.shape)
            p.grad = self.gradients[start:end].view(p.shape)
            start = end

    def clear(self) -> None:
        """Set all gradients to 0; they stay where they are."""
        self.gradients.zero_()


class NesterovSGD:
    """Stochastic gradient descent with Nesterov momentum and weight decay, as torch's."""

    def __init__(self, flat: FlatParameters, momentum: float, weight_decay: float) -> None:
        self._flat, self._momentum, self._decay = flat, momentum, weight_decay
        self.velocity = torch.zeros_like(flat.values)

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: float) -> None:
        """Move all parameters along a gradient, which is overwritten."""
        flat = self._flat
        gradient[: flat.decayed].add_(flat.values[: flat.decayed], alpha=self._decay)
        self.velocity.mul_(self._momentum).add_(gradient)
        flat.values.sub_(gradient.add_(self.velocity, alpha=self._momentum), alpha=rate)


def _decays(name: str, parameter: Tensor) -> bool:
    return parameter.dim() > 1 and ".maps." not in name
