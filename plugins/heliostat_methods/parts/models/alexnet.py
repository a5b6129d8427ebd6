"""AlexNet at the size of CIFAR's images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliostat_methods.parts.models.shapes import check_outputs, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class AlexNet:
    """AlexNet (Krizhevsky et al. 2012) with filters of 3 x 3 and a stride of 2 for small images.

    Five convolutions (64-192-384-256-256), three dense layers (4096-4096-C), `dropout` before the
    first two. Images need sides of 16 pixels. 23,272,266 parameters for 10 classes of 3 x 32 x 32.
    """

    dropout: float = 0.5

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        shape = image_shape("alexnet", input_shape, 16)
        from torch import nn

        from heliostat_methods.parts.layers import convolution, dense, images

        def active(channels: int, filters: int, stride: int = 1) -> list[nn.Module]:
            layer = convolution(channels, filters, 3, generator, stride, padding=1)
            return [layer, nn.ReLU()]

        # The stride rounds up, the three poolings round down.
        height, width = ((side + 1) // 2 // 8 for side in shape[1:])
        return nn.Sequential(
            *images(shape),
            *active(shape[0], 64, stride=2),
            nn.MaxPool2d(2),
            *active(64, 192),
            nn.MaxPool2d(2),
            *active(192, 384),
            *active(384, 256),
            *active(256, 256),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(self.dropout),
            dense(256 * height * width, 4096, generator),
            nn.ReLU(),
            nn.Dropout(self.dropout),
            dense(4096, 4096, generator),
            nn.ReLU(),
            dense(4096, outputs, generator),
        )

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None
