"""PyramidNet: a residual network whose every block has a few channels more than the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliostat_methods.parts.models.depth import blocks_per_stage
from heliostat_methods.parts.models.shapes import check_outputs, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn

EXTRA = 2


@dataclass(frozen=True)
class PyramidNet:
    """Additive PyramidNet (Han et al. 2017) with basic blocks; `depth` = 6n + 2.

    Channels grow from 16 to 16 + `alpha` over the 3n blocks. Images need sides of 8 pixels. About
    1.77 million parameters at 110 layers and alpha 48.
    """

    depth: int = 110
    alpha: int = 48

    def __post_init__(self) -> None:
        blocks_per_stage(self.depth, EXTRA)

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        shape = image_shape("pyramidnet", input_shape, 8)
        blocks = blocks_per_stage(self.depth, EXTRA)
        from torch import nn

        from heliostat_methods.parts.blocks import PaddedShortcut, Residual
        from heliostat_methods.parts.layers import (
            convolution,
            dense,
            global_average,
            images,
            normalised,
        )

        def block(channels: int, filters: int, stride: int) -> nn.Module:
            body = nn.Sequential(
                nn.BatchNorm2d(channels),
                *normalised(channels, filters, 3, generator, stride, padding=1),
                convolution(filters, filters, 3, generator, padding=1, bias=False),
                nn.BatchNorm2d(filters),
            )
            return Residual(body, PaddedShortcut(filters - channels, stride), nn.Identity())

        first = convolution(shape[0], 16, 3, generator, padding=1, bias=False)
        layers = [*images(shape), first, nn.BatchNorm2d(16)]
        channels = 16
        for number in range(3 * blocks):
            # 16 + (number + 1) alpha / 3n, rounded in whole numbers.
            filters = 16 + (2 * (number + 1) * self.alpha + 3 * blocks) // (6 * blocks)
            layers.append(block(channels, filters, 2 if number in (blocks, 2 * blocks) else 1))
            channels = filters
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), *global_average()]
        return nn.Sequential(*layers, dense(channels, outputs, generator))

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None
