"""Which subnets a layout has, for training: the largest, the smallest, and random ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.layout import Blocks, BlockShape, NetworkLayout
from heliostat_methods.pnag.supernet.elastic_block import Choice, order_of


@dataclass(frozen=True)
class SubnetChoices:
    """A layout with the depths that each of its units may have."""

    layout: NetworkLayout
    depths: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        units = self.layout.units
        if len(self.depths) != len(units):
            raise ConfigError("depths", self.depths, f"depths for each of {len(units)} units")
        for unit, (choices, blocks) in enumerate(zip(self.depths, units, strict=True)):
            if not choices or min(choices) < 1 or max(choices) != len(blocks):
                expected = f"depths from 1 to {len(blocks)}, the unit's blocks, that one included"
                raise ConfigError(f"depths[{unit}]", choices, expected)

    @property
    def largest(self) -> Blocks:
        """The subnet of greatest depth, with the largest choice everywhere."""
        return tuple(tuple(_largest(shape) for shape in unit) for unit in self.layout.units)

    @property
    def smallest(self) -> Blocks:
        """The subnet of least depth, with the smallest choice everywhere."""
        return tuple(
            tuple(_smallest(shape) for shape in unit[: min(depths)])
            for unit, depths in zip(self.layout.units, self.depths, strict=True)
        )

    def draw(
        self, rng: np.random.Generator, kernel: bool = True, depth: bool = True, width: bool = True
    ) -> Blocks:
        """Return a subnet of uniformly drawn depths, kernels and widths.

        What is not to vary is the largest.
        """
        units = []
        for shapes, depths in zip(self.layout.units, self.depths, strict=True):
            count = depths[rng.integers(len(depths))] if depth else max(depths)
            units.append(tuple(_drawn(shape, rng, kernel, width) for shape in shapes[:count]))
        return tuple(units)


def _largest(shape: BlockShape) -> Choice:
    # A layer part has no size: the largest network has filters wherever there are any.
    sizes = [k for k in shape.kernels if isinstance(k, int)]
    return max(sizes) if sizes else shape.kernels[0], max(shape.expands)


def _smallest(shape: BlockShape) -> Choice:
    return min(shape.kernels, key=lambda k: order_of((k, 0))), min(shape.expands)


def _drawn(shape: BlockShape, rng: np.random.Generator, kernel: bool, width: bool) -> Choice:
    size, expand = _largest(shape)
    if kernel:
        size = shape.kernels[rng.integers(len(shape.kernels))]
    if width:
        expand = shape.expands[rng.integers(len(shape.expands))]
    return size, expand
