"""Layers with Xavier-uniform weights and zero biases, drawn from a given generator only."""

from __future__ import annotations

import torch
from torch import nn


def dense(fan_in: int, fan_out: int, generator: torch.Generator) -> nn.Module:
    """Return a dense layer."""
    return _initialised(_empty(nn.Linear, fan_in, fan_out), generator)


def convolution(
    channels: int, filters: int, generator: torch.Generator, padding: int = 0
) -> nn.Module:
    """Return a convolution with filters of 5 x 5."""
    return _initialised(_empty(nn.Conv2d, channels, filters, 5, padding=padding), generator)


def _empty(layer: type[nn.Module], *sizes: int, **options: int) -> nn.Module:
    # Called directly, the constructor would draw from torch's global random state.
    made: nn.Module = nn.utils.skip_init(layer, *sizes, **options)  # type: ignore[no-untyped-call]
    return made


def _initialised(layer: nn.Module, generator: torch.Generator) -> nn.Module:
    nn.init.xavier_uniform_(layer.get_parameter("weight"), generator=generator)
    nn.init.zeros_(layer.get_parameter("bias"))
    return layer
