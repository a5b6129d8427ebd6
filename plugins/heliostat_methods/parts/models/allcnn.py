"""The network without pooling and dense layers, All-CNN-C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliostat_methods.parts.models.shapes import check_outputs, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class AllCnnC:
    """All-CNN-C (Springenberg et al. 2015): strided convolutions instead of pooling.

    `input_dropout` is of the pixels, `dropout` follows the two strided convolutions. Images need
    sides of 9 pixels. 1,369,738 parameters for 10 classes of colour images.
    """

    input_dropout: float = 0.2
    dropout: float = 0.5

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        shape = image_shape("allcnn_c", input_shape, 9)
        from torch import nn

        from heliostat_methods.parts.layers import convolution, global_average, images

        def active(channels: int, filters: int, stride: int = 1) -> list[nn.Module]:
            layer = convolution(channels, filters, 3, generator, stride, padding=1)
            return [layer, nn.ReLU()]

        return nn.Sequential(
            *images(shape),
            nn.Dropout(self.input_dropout),
            *active(shape[0], 96),
            *active(96, 96),
            *active(96, 96, stride=2),
            nn.Dropout(self.dropout),
            *active(96, 192),
            *active(192, 192),
            *active(192, 192, stride=2),
            nn.Dropout(self.dropout),
            convolution(192, 192, 3, generator),
            nn.ReLU(),
            convolution(192, 192, 1, generator),
            nn.ReLU(),
            convolution(192, outputs, 1, generator),
            # The last layer's ReLU of the paper is left out: a model emits logits.
            *global_average(),
        )

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None
