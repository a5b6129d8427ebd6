"""The network of a glyph classifier: three layers of convolutions, features, two heads."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from heliostat_methods.strokegan.networks.image_size import check_image_size

_GRID = 4


class Read(NamedTuple):
    """What is read of pictures: features (N, F), logits of characters (N, C), of strokes (N, S)."""

    features: Tensor
    characters: Tensor
    strokes: Tensor


class GlyphNetwork(nn.Module):
    """Reads pictures (N, 1, px, px) in [-1, 1]; px is a multiple of 4 from 16.

    First weights are torch's own; they come from its global generator.
    """

    def __init__(
        self, image_size: int, characters: int, stroke_dim: int, width: int = 16, features: int = 64
    ) -> None:
        super().__init__()
        check_image_size(image_size)
        self.layers = nn.ModuleList(
            [_layer(1, width, 1), _layer(width, 2 * width, 2), _layer(2 * width, 4 * width, 2)]
        )
        grid = min(_GRID, image_size // 4)
        self.to_features = nn.Sequential(
            nn.AdaptiveAvgPool2d(grid), nn.Flatten(), nn.Linear(4 * width * grid**2, features),
            nn.BatchNorm1d(features), nn.ReLU(),
        )  # fmt: skip
        self.characters = nn.Linear(features, characters)
        self.strokes = nn.Linear(features, stroke_dim)

    def maps(self, x: Tensor) -> list[Tensor]:
        """Return the maps (N, c, h, w) of each layer."""
        found = []
        for layer in self.layers:
            x = layer(x)
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Read:
        """Return features and both logits."""
        features = self.to_features(self.maps(x)[-1])
        return Read(features, self.characters(features), self.strokes(features))


class StrokeReader(nn.Module):
    """Logits (N, S) of strokes from pictures (N, C, px, px) in [-1, 1]: a guide for generators."""

    def __init__(self, network: GlyphNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits; several channels are averaged to grey."""
        strokes: Tensor = self.network(x.mean(dim=1, keepdim=True)).strokes
        return strokes


def drawn_network(
    image_size: int, characters: int, stroke_dim: int, width: int, features: int, seed: int
) -> GlyphNetwork:
    """Return a network whose first weights are of a seed; torch's generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GlyphNetwork(image_size, characters, stroke_dim, width, features)


def _layer(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU()
    )
