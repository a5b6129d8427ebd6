"""A small convolutional network for quick work on any images."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from heliostat_methods.parts.models.shapes import check_outputs, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Cnn:
    """A 3 x 3 convolution, ReLU and 2 x 2 max pooling for each of `channels`, one dense layer.

    `batch_norm`: between convolution and ReLU. `dropout`: share of the dense layer's inputs.
    Images need sides of 2^len(channels). 1,922 parameters for digits, 9,122 for mnist5k.
    """

    channels: tuple[int, ...] = (8, 16)
    batch_norm: bool = True
    dropout: float = 0.0

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        shape = image_shape("cnn", input_shape, 2 ** len(self.channels))
        from torch import nn

        from heliostat_methods.parts.layers import convolution, dense, images, normalised

        layers: list[nn.Module] = images(shape)
        for before, after in pairwise((shape[0], *self.channels)):
            if self.batch_norm:
                layers += normalised(before, after, 3, generator, padding=1)
            else:
                layers += [convolution(before, after, 3, generator, padding=1), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
        height, width = (side // 2 ** len(self.channels) for side in shape[1:])
        layers += [nn.Flatten(), nn.Dropout(self.dropout)]
        layers.append(dense((shape[0], *self.channels)[-1] * height * width, outputs, generator))
        return nn.Sequential(*layers)

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None
