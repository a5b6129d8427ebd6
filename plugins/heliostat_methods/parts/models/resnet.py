"""ResNet-18 at the size of CIFAR's images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliostat_methods.parts.models.shapes import check_outputs, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class ResNet18:
    """ResNet-18 (He et al. 2016a) with a first layer of 3 x 3 and no pooling before the blocks.

    Images need sides of 8 pixels. 11,173,962 parameters for 10 classes of colour images.
    """

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        shape = image_shape("resnet18", input_shape, 8)
        from torch import nn

        from heliostat_methods.parts.blocks import Residual
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
                convolution(filters, filters, 3, generator, padding=1, bias=False),
                nn.BatchNorm2d(filters),
            )
            shortcut: nn.Module = nn.Identity()
            if (channels, stride) != (filters, 1):
                shortcut = nn.Sequential(
                    convolution(channels, filters, 1, generator, stride, bias=False),
                    nn.BatchNorm2d(filters),
                )
            return Residual(body, shortcut, nn.ReLU())

        layers = [*images(shape), *normalised(shape[0], 64, 3, generator, padding=1)]
        channels = 64
        for filters, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            layers += [block(channels, filters, stride), block(filters, filters, 1)]
            channels = filters
        return nn.Sequential(*layers, *global_average(), dense(channels, outputs, generator))

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None
