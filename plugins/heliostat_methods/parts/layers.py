"""Layers with Xavier-uniform weights and zero biases, drawn from a given generator only."""

from __future__ import annotations

import torch
from torch import nn


def dense(fan_in: int, fan_out: int, generator: torch.Generator) -> nn.Module:
    """Return a dense layer."""
    return _initialised(_empty(nn.Linear, fan_in, fan_out), generator)


def convolution(
    channels: int,
    filters: int,
    size: int,
    generator: torch.Generator,
    stride: int = 1,
    padding: int = 0,
    bias: bool = True,
) -> nn.Module:
    """Return a convolution with filters of `size` x `size`."""
    layer = _empty(nn.Conv2d, channels, filters, size, stride=stride, padding=padding, bias=bias)
    return _initialised(layer, generator)


def normalised(
    channels: int,
    filters: int,
    size: int,
    generator: torch.Generator,
    stride: int = 1,
    padding: int = 0,
    bias: bool = False,
) -> list[nn.Module]:
    """Return a convolution, batch normalisation and ReLU, to be put in sequence."""
    layer = convolution(channels, filters, size, generator, stride, padding, bias)
    return [layer, nn.BatchNorm2d(filters), nn.ReLU()]


def images(shape: tuple[int, int, int]) -> list[nn.Module]:
    """Return what turns samples of any shape with as many numbers into images of `shape`."""
    return [nn.Flatten(), nn.Unflatten(1, shape)]


def global_average() -> list[nn.Module]:
    """Return what turns (batch, channels, height, width) into its means (batch, channels)."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]


def _empty(layer: type[nn.Module], *sizes: int, **options: int) -> nn.Module:
    # Called directly, the constructor would draw from torch's global random state.
    made: nn.Module = nn.utils.skip_init(layer, *sizes, **options)  # type: ignore[no-untyped-call]
    return made


def _initialised(layer: nn.Module, generator: torch.Generator) -> nn.Module:
    nn.init.xavier_uniform_(layer.get_parameter("weight"), generator=generator)
    for name, parameter in layer.named_parameters():
        if name == "bias":
            nn.init.zeros_(parameter)
    return layer
