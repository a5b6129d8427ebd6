"""VGG-16 with batch normalisation, at the size of CIFAR's images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliostat_methods.parts.models.shapes import check_outputs, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn

# Configuration D of the paper: filters of the convolutions between two poolings.
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


@dataclass(frozen=True)
class Vgg16:
    """VGG-16 (Simonyan and Zisserman 2015) with batch normalisation and one dense layer.

    Images need sides of 32 pixels. 14,728,266 parameters for 10 classes of colour images.
    """

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        shape = image_shape("vgg16", input_shape, 2 ** len(STAGES))
        from torch import nn

        from heliostat_methods.parts.layers import dense, global_average, images, normalised

        layers: list[nn.Module] = images(shape)
        channels = shape[0]
        for stage in STAGES:
            for filters in stage:
                layers += normalised(channels, filters, 3, generator, padding=1, bias=True)
                channels = filters
            layers.append(nn.MaxPool2d(2))
        return nn.Sequential(*layers, *global_average(), dense(channels, outputs, generator))

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None
