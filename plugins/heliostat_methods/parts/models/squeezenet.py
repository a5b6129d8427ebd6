"""SqueezeNet with bypasses and batch normalisation, at the size of CIFAR's images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliostat_methods.parts.models.shapes import check_outputs, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class SqueezeNet:
    """SqueezeNet (Iandola et al. 2016) with simple bypass, a first layer of 3 x 3, and BatchNorm.

    Eight fire modules: 1 x 1 filters squeeze, 1 x 1 and 3 x 3 side by side expand. Images need
    sides of 8 pixels. 734,986 parameters for 10 classes of colour images.
    """

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        shape = image_shape("squeezenet", input_shape, 8)
        from torch import nn

        from heliostat_methods.parts.blocks import Branches, Residual
        from heliostat_methods.parts.layers import convolution, global_average, images, normalised

        def fire(channels: int, squeezed: int, expanded: int) -> nn.Module:
            module: nn.Module = nn.Sequential(
                *normalised(channels, squeezed, 1, generator, bias=True),
                Branches(
                    nn.Sequential(*normalised(squeezed, expanded, 1, generator, bias=True)),
                    nn.Sequential(
                        *normalised(squeezed, expanded, 3, generator, padding=1, bias=True)
                    ),
                ),
            )
            if channels == 2 * expanded:
                return Residual(module, nn.Identity(), nn.Identity())
            return module

        return nn.Sequential(
            *images(shape),
            *normalised(shape[0], 96, 3, generator, padding=1, bias=True),
            nn.MaxPool2d(2),
            fire(96, 16, 64),
            fire(128, 16, 64),
            fire(128, 32, 128),
            nn.MaxPool2d(2),
            fire(256, 32, 128),
            fire(256, 48, 192),
            fire(384, 48, 192),
            fire(384, 64, 256),
            nn.MaxPool2d(2),
            fire(512, 64, 256),
            convolution(512, outputs, 1, generator),
            *global_average(),
        )

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None
