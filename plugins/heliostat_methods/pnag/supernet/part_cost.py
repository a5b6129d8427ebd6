"""What layer parts cost: parameters and multiply-adds, and the form in which they are shipped.

A layer's module may say two things of itself, as `heliostat.contract.Layer` documents them:
`multiply_adds(input_shape)`, else the products that torch counts in a pass are taken, and
`shipped()`, the form that inference runs (folded, frozen), else it runs as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from heliostat_methods.pnag.spaces.counting import Count, LayerCount
from heliostat_methods.pnag.spaces.layout import BlockShape
from heliostat_methods.pnag.supernet.part_layer import Layer, PartLayer

_SETTLING_PLACES = 64
"""Places of images, at least, that a layer is shown before it is shipped."""


def count_of_parts(layers: Mapping[str, Layer]) -> LayerCount:
    """Return what counts the layers that kernels name, each shape once."""
    known: dict[tuple[object, ...], Count] = {}

    def count(name: str, middle: int, stride: int, size: tuple[int, int]) -> Count:
        key = (name, middle, stride, size)
        if key not in known:
            shape = BlockShape(middle, middle, stride, size, "relu", False, (name,), (1,))
            generator = torch.Generator().manual_seed(0)
            made = PartLayer(name, layers[name], middle, shape, generator).layer.eval()
            trained = sum(p.numel() for p in made.parameters() if p.requires_grad)
            known[key] = Count(_multiply_adds(made, (middle, *size)), trained)
        return known[key]

    return count


def shipped_part(
    name: str, layer: Layer, middle: int, shape: BlockShape, generator: torch.Generator
) -> nn.Module:
    """Return a layer part on a block's images as inference runs it, after one drawn batch.

    That batch gives statistics and centroids to layers that take them from what they see.
    """
    made = PartLayer(name, layer, middle, shape, generator).train()
    height, width = shape.size
    images = max(2, -(-_SETTLING_PLACES // (height * width)))
    with torch.no_grad():
        made(torch.randn(images, middle, height, width, generator=generator))
    return as_shipped(made.eval())


def as_shipped(module: nn.Module) -> nn.Module:
    """Return a copy of a network whose layers have the form that inference runs."""
    copied = copy.deepcopy(module)
    made: dict[nn.Module, nn.Module] = {}
    for layer in copied.modules():
        said: Any = getattr(layer, "shipped", None)
        if said is not None:
            made[layer] = said()
    for parent in list(copied.modules()):
        for name, child in parent._modules.items():
            if child is not None and child in made:
                parent._modules[name] = made[child]
    return made.get(copied, copied).eval()


def _multiply_adds(layer: nn.Module, input_shape: tuple[int, ...]) -> int:
    said: Any = getattr(layer, "multiply_adds", None)
    if said is not None:
        return int(said(input_shape))
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        layer(torch.zeros(1, *input_shape))
    return int(counter.get_total_flops() // 2)
