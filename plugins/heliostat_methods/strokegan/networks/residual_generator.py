"""The generator of CycleGAN: two halvings, residual blocks, two doublings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from heliostat_methods.strokegan.networks.image_size import check_images
from heliostat_methods.strokegan.networks.initialisation import draw_weights
from heliostat_methods.strokegan.networks.polyphase import PolyphaseConv2d


class ResidualBlock(nn.Module):
    """Adds two 3x3 convolutions, reflected at the edges, to what comes in (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels), nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum (N, C, H, W)."""
        made: Tensor = self.body(x)
        return made + x


class ResnetGenerator(nn.Module):
    """Draws pictures (N, channels, H, W) in [-1, 1] from such; sides are multiples of 4 from 16.

    `width`: channels at full size, doubled twice. The authors' `resnet_9blocks` has 3 channels,
    width 64 and 9 blocks: 11,378,179 parameters. Raises ``ValueError`` for a number below 1, or
    blocks below 0.
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 64,
        blocks: int = 9,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        for name, value, least in (("channels", channels, 1), ("width", width, 1),
                                   ("blocks", blocks, 0)):  # fmt: skip
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        self.channels = channels
        last = PolyphaseConv2d if channels == 1 else nn.Conv2d
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7), *_normed(width),
            nn.Conv2d(width, 2 * width, 3, 2, 1), *_normed(2 * width),
            nn.Conv2d(2 * width, 4 * width, 3, 2, 1), *_normed(4 * width),
            *(ResidualBlock(4 * width) for _ in range(blocks)),
            nn.ConvTranspose2d(4 * width, 2 * width, 3, 2, 1, 1), *_normed(2 * width),
            nn.ConvTranspose2d(2 * width, width, 3, 2, 1, 1), *_normed(width),
            nn.ReflectionPad2d(3), last(width, channels, 7), nn.Tanh(),
        )  # fmt: skip
        draw_weights(self, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Return pictures (N, channels, H, W) in [-1, 1], white 1."""
        check_images(tuple(x.shape), self.channels)
        made: Tensor = self.layers(x)
        return made


def _normed(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)
