"""Residual networks that normalise and activate before they convolve: PreResNet and Wide ResNet.

Three stages of equal blocks on 16k, 32k and 64k channels; a Wide ResNet is a PreResNet with k > 1
(and counts one layer at each change of width, hence 6n + 4 instead of 6n + 2 layers).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliostat_methods.parts.models.depth import blocks_per_stage
from heliostat_methods.parts.models.shapes import check_outputs, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn

PRE_RESNET_EXTRA = 2
WIDE_RESNET_EXTRA = 4


@dataclass(frozen=True)
class PreResNet:
    """Pre-activation ResNet (He et al. 2016b) with basic blocks; `depth` = 6n + 2.

    Images need sides of 8 pixels. About 1.73 million parameters at a depth of 110.
    """

    depth: int = 110

    def __post_init__(self) -> None:
        blocks_per_stage(self.depth, PRE_RESNET_EXTRA)

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        shape = image_shape("preresnet", input_shape, 8)
        blocks = blocks_per_stage(self.depth, PRE_RESNET_EXTRA)
        return _network(shape, outputs, blocks, 1, 0.0, generator)

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None


@dataclass(frozen=True)
class WideResNet:
    """Wide ResNet (Zagoruyko and Komodakis 2016); `depth` = 6n + 4, `width` is the paper's k.

    `dropout`: between the convolutions of a block, 0.3 in the paper where it is used. Images need
    sides of 8 pixels. 36,479,194 parameters for 28-10, 10,961,370 for 16-8 (10 classes, colour).
    """

    depth: int = 28
    width: int = 10
    dropout: float = 0.0

    def __post_init__(self) -> None:
        blocks_per_stage(self.depth, WIDE_RESNET_EXTRA)

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        shape = image_shape("wide_resnet", input_shape, 8)
        blocks = blocks_per_stage(self.depth, WIDE_RESNET_EXTRA)
        return _network(shape, outputs, blocks, self.width, self.dropout, generator)

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None


def _network(
    shape: tuple[int, int, int],
    outputs: int,
    blocks: int,
    width: int,
    dropout: float,
    generator: torch.Generator,
) -> nn.Module:
    from torch import nn

    from heliostat_methods.parts.blocks import PreActivated
    from heliostat_methods.parts.layers import (
        convolution,
        dense,
        global_average,
        images,
        normalised,
    )

    def block(channels: int, filters: int, stride: int) -> nn.Module:
        body = nn.Sequential(
            *normalised(channels, filters, 3, generator, stride, padding=1),
            nn.Dropout(dropout) if dropout else nn.Identity(),
            convolution(filters, filters, 3, generator, padding=1, bias=False),
        )
        shortcut = None
        if (channels, stride) != (filters, 1):
            shortcut = convolution(channels, filters, 1, generator, stride, bias=False)
        return PreActivated(nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU()), body, shortcut)

    layers = [*images(shape), convolution(shape[0], 16, 3, generator, padding=1, bias=False)]
    channels = 16
    for filters, first_stride in ((16 * width, 1), (32 * width, 2), (64 * width, 2)):
        for number in range(blocks):
            layers.append(block(channels, filters, 1 if number else first_stride))
            channels = filters
    layers += [nn.BatchNorm2d(channels), nn.ReLU(), *global_average()]
    return nn.Sequential(*layers, dense(channels, outputs, generator))
