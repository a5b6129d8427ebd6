"""Recipes for masked layers of given input shape, whose weights a generator draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from heliostat_methods.gmconv.layers.dynamic import DynamicGMConv2d
from heliostat_methods.gmconv.layers.static import GMConv1d, GMConv2d, GMConv3d
from heliostat_methods.gmconv.masks.parametrisation import SigmaParam

_BY_RANK: dict[int, type[GMConv1d | GMConv2d | GMConv3d]] = {1: GMConv1d, 2: GMConv2d, 3: GMConv3d}


@dataclass(frozen=True)
class StaticRecipe:
    """A masked convolution that keeps the size of its input; fields as parts have them."""

    kernel_size: int
    channels: int | None
    depthwise: bool
    bias: bool
    sigma_init: float
    sigma_param: SigmaParam
    learn_sigma: bool
    per_channel: bool

    def create(self, input_shape: tuple[int, ...], generator: torch.Generator) -> nn.Module:
        """Return a layer for samples (channels, *size), of one, two or three dimensions.

        Weights and biases are drawn as torch draws them, from ``generator``. Raises ``ValueError``
        for another shape.
        """
        if len(input_shape) - 1 not in _BY_RANK:
            raise ValueError(
                f"input_shape must be channels and one to three sizes, got {input_shape}"
            )
        layer = nn.utils.skip_init(  # type: ignore[no-untyped-call]
            _BY_RANK[len(input_shape) - 1],
            *_sizes(self, input_shape),
            **_options(self, input_shape),
            sigma_init=self.sigma_init,
            sigma_param=self.sigma_param,
            learn_sigma=self.learn_sigma,
            per_channel=self.per_channel,
        )
        layer.start_sigma()
        return _drawn(layer, generator)


@dataclass(frozen=True)
class DynamicRecipe:
    """A dynamic masked convolution that keeps the size of its input; fields as parts have them."""

    kernel_size: int
    channels: int | None
    depthwise: bool
    bias: bool
    sigma_init: float
    reduction: int
    per_channel: bool

    def create(self, input_shape: tuple[int, ...], generator: torch.Generator) -> nn.Module:
        """Return a layer for samples (channels, height, width).

        Drawn as torch draws it, from ``generator``. Raises ``ValueError`` for another shape.
        """
        if len(input_shape) != 3:
            raise ValueError(f"input_shape must be (channels, height, width), got {input_shape}")
        layer: DynamicGMConv2d = nn.utils.skip_init(  # type: ignore[no-untyped-call]
            DynamicGMConv2d,
            *_sizes(self, input_shape),
            **_options(self, input_shape),
            sigma_init=self.sigma_init,
            reduction=self.reduction,
            per_channel=self.per_channel,
        )
        made = _drawn(layer, generator)
        layer.start_sigma(generator)
        return made


def _sizes(recipe: StaticRecipe | DynamicRecipe, shape: tuple[int, ...]) -> tuple[int, int, int]:
    return shape[0], recipe.channels or shape[0], recipe.kernel_size


def _options(recipe: StaticRecipe | DynamicRecipe, shape: tuple[int, ...]) -> dict[str, Any]:
    groups = shape[0] if recipe.depthwise else 1
    return {"padding": "same", "groups": groups, "bias": recipe.bias}


def _drawn(layer: nn.Module, generator: torch.Generator) -> nn.Module:
    weight = layer.get_parameter("weight")
    bound = math.sqrt(1.0 / weight[0].numel())  # what kaiming_uniform_ with a = sqrt(5) comes to
    for name in ("weight", "bias"):
        drawn = getattr(layer, name)
        if drawn is not None:
            nn.init.uniform_(drawn, -bound, bound, generator=generator)
    return layer
