"""Multiply-adds and parameters of networks of elastic blocks, exactly.

Multiply-adds are those of convolutions and linear layers for one image; BatchNorm, biases,
activations and additions are not counted. Parameters are all that training changes, those of
BatchNorm and biases included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.elastic_units import ElasticSpace
from heliostat_methods.pnag.spaces.layout import (
    Blocks,
    BlockShape,
    NetworkLayout,
    TrainableSpace,
    make_divisible,
)
from heliostat_methods.pnag.spaces.space import Archs

Middle = Callable[[BlockShape, int], int]
"""Channels inside a block, of its shape and expand ratio."""


@dataclass(frozen=True)
class Count:
    """Multiply-adds of one image, and parameters."""

    madds: int
    params: int

    def __add__(self, other: Count) -> Count:
        return Count(self.madds + other.madds, self.params + other.params)


LayerCount = Callable[[str, int, int, tuple[int, int]], Count]
"""What a layer part costs: of its name, channels, stride and (height, width) of its input."""


def madds(
    layout: NetworkLayout, blocks: Blocks, middle: Middle, layer: LayerCount | None = None
) -> int:
    """Return the multiply-adds of an architecture for one image."""
    return count_network(layout, blocks, middle, layer).madds


def params(
    layout: NetworkLayout, blocks: Blocks, middle: Middle, layer: LayerCount | None = None
) -> int:
    """Return how many parameters an architecture has."""
    return count_network(layout, blocks, middle, layer).params


def count_network(
    layout: NetworkLayout, blocks: Blocks, middle: Middle, layer: LayerCount | None = None
) -> Count:
    """Return what an architecture costs; `layer` counts kernels that are layer parts.

    Raises ConfigError where a block has a part's name for a kernel and `layer` is missing.
    """
    total = count_fixed(layout, middle)
    for shapes, unit in zip(layout.units, blocks, strict=True):
        for shape, (kernel, expand) in zip(shapes, unit, strict=False):
            total += count_block(shape, kernel, expand, middle(shape, expand), layer)
    return total


def count_fixed(layout: NetworkLayout, middle: Middle) -> Count:
    """Return what every architecture has: stem, first block, head."""
    channels, height, width = layout.input_shape
    stride = layout.stem_stride
    size = (-(-height // stride), -(-width // stride))
    total = _convolution(channels, layout.stem_channels, 3, size)
    if layout.first is not None:
        first, expand = layout.first, layout.first.expands[0]
        total += count_block(first, first.kernels[0], expand, middle(first, expand))
    last = layout.units[-1][-1]
    channels = last.channels_out
    if layout.final_channels is not None:
        total += _convolution(channels, layout.final_channels, 1, last.size_out)
        channels = layout.final_channels
    if layout.mix_channels is not None:
        weights = channels * layout.mix_channels
        total, channels = total + Count(weights, weights), layout.mix_channels
    weights = channels * layout.classes
    return total + Count(weights, weights + layout.classes)


@lru_cache(maxsize=65_536)
def count_block(
    shape: BlockShape,
    kernel: int | str,
    expand: int,
    middle: int,
    layer: LayerCount | None = None,
) -> Count:
    """Return what one block costs."""
    total = Count(0, 0)
    if expand != 1 or shape.expands != (1,):
        total += _convolution(shape.channels_in, middle, 1, shape.size)
    total += _between(shape, kernel, middle, layer)
    if shape.squeeze_excite:
        squeezed = make_divisible(middle // 4, 8)
        weights = 2 * middle * squeezed
        total += Count(weights, weights + squeezed + middle)
    return total + _convolution(middle, shape.channels_out, 1, shape.size_out)


def count_of(
    space: TrainableSpace,
    archs: Archs,
    input_shape: tuple[int, int, int],
    classes: int,
    layer: LayerCount | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return multiply-adds and parameters of architectures, (n,) each."""
    layout = space.layout(input_shape, classes)
    if isinstance(space, ElasticSpace):
        fixed = count_fixed(layout, space.middle)
        table = _table(space, layout, layer)
        return (
            space.elastic.sums(archs, table[..., 0]) + fixed.madds,
            space.elastic.sums(archs, table[..., 1]) + fixed.params,
        )
    counts = [count_network(layout, space.blocks(arch), space.middle, layer) for arch in archs]
    both = np.array([(each.madds, each.params) for each in counts], dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def block_cost(
    space: ElasticSpace,
    input_shape: tuple[int, int, int],
    classes: int,
    quantity: Literal["madds", "params"] = "madds",
) -> tuple[Callable[[int, int, int | str, int], int], int]:
    """Return what a layer costs, of (unit, layer, kernel, expand), and what every network does."""
    layout = space.layout(input_shape, classes)

    def cost(unit: int, slot: int, kernel: int | str, expand: int) -> int:
        shape = layout.units[unit][slot]
        counted = count_block(shape, kernel, expand, space.middle(shape, expand))
        return counted.madds if quantity == "madds" else counted.params

    fixed = count_fixed(layout, space.middle)
    return cost, fixed.madds if quantity == "madds" else fixed.params


def madds_of(
    space: TrainableSpace,
    archs: Archs,
    input_shape: tuple[int, int, int],
    classes: int,
    layer: LayerCount | None = None,
) -> NDArray[np.int64]:
    """Return the multiply-adds of architectures, (n,)."""
    return count_of(space, archs, input_shape, classes, layer)[0]


def params_of(
    space: TrainableSpace,
    archs: Archs,
    input_shape: tuple[int, int, int],
    classes: int,
    layer: LayerCount | None = None,
) -> NDArray[np.int64]:
    """Return the parameters of architectures, (n,)."""
    return count_of(space, archs, input_shape, classes, layer)[1]


def _table(
    space: ElasticSpace, layout: NetworkLayout, layer: LayerCount | None
) -> NDArray[np.int64]:
    """Return what each block costs, (units, slots, kernels, expands, 2)."""
    elastic = space.elastic
    counts = [
        count_block(shape, kernel, expand, space.middle(shape, expand), layer)
        for unit in layout.units
        for shape in unit
        for kernel in elastic.kernels
        for expand in elastic.expands
    ]
    shape = (elastic.units, elastic.slots, len(elastic.kernels), len(elastic.expands), 2)
    return np.array([(each.madds, each.params) for each in counts], dtype=np.int64).reshape(shape)


def _between(shape: BlockShape, kernel: int | str, middle: int, layer: LayerCount | None) -> Count:
    """Return what stands between a block's two 1x1 convolutions costs, BatchNorm included."""
    if isinstance(kernel, int):
        height, width = shape.size_out
        weights = middle * kernel**2
        return Count(weights * height * width, weights + 2 * middle)
    if layer is None:
        raise ConfigError("kernel", kernel, "a size, or a way to count what this layer part costs")
    return layer(kernel, middle, shape.stride, shape.size) + Count(0, 2 * middle)


def _convolution(channels_in: int, channels_out: int, kernel: int, size: tuple[int, int]) -> Count:
    """Return what a convolution without bias costs, with its BatchNorm; `size`: of its output."""
    weights = channels_in * channels_out * kernel**2
    return Count(weights * size[0] * size[1], weights + 2 * channels_out)
