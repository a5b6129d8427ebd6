"""LeNet-5, the convolutional network for handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliostat.errors import ConfigError
from heliostat_methods.parts.models.shapes import check_outputs

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class LeNet5:
    """LeNet-5 (LeCun et al. 1998) with tanh and average pooling, 6-16-120-84-C.

    Takes grey images of 28 x 28, as (1, 28, 28), (28, 28) or flattened (784,); padded by 2 on each
    side, since the original saw 32 x 32. 61,706 parameters for 10 classes.
    """

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        check_outputs(outputs)
        if input_shape not in ((1, 28, 28), (28, 28), (784,)):
            raise ConfigError(
                "model",
                "lenet5",
                "grey images of 28 x 28, such as mnist5k",
                f"the data have samples of shape {tuple(input_shape)}; cnn takes other images, "
                "mlp any shape",
            )
        from torch import nn

        from heliostat_methods.parts.layers import convolution, dense, images

        return nn.Sequential(
            *images((1, 28, 28)),
            convolution(1, 6, 5, generator, padding=2),
            nn.Tanh(),
            nn.AvgPool2d(2),
            convolution(6, 16, 5, generator),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            dense(16 * 5 * 5, 120, generator),
            nn.Tanh(),
            dense(120, 84, generator),
            nn.Tanh(),
            dense(84, outputs, generator),
        )

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None
