"""The head that reads from a discriminator's features which strokes a character has."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from heliostat_methods.strokegan.networks.initialisation import draw_weights


class StrokeHead(nn.Module):
    """One convolution over all of the features (N, channels, side, side): logits (N, stroke_dim).

    Its kernel is exactly as large as the features. The released code has 17 x 17 over 15 x 15
    with padding, where 64 of 289 taps see only zeros, and leaves (N, 32, 1, 1), which a loss
    against (N, 32) broadcasts.
    """

    def __init__(
        self,
        channels: int,
        side: int,
        stroke_dim: int = 32,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("channels", channels), ("side", side), ("stroke_dim", stroke_dim)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.channels, self.side, self.stroke_dim = channels, side, stroke_dim
        self.convolution = nn.Conv2d(channels, stroke_dim, side)
        draw_weights(self, generator)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (N, stroke_dim); raises ``ValueError`` for features of another shape."""
        expected = (self.channels, self.side, self.side)
        if features.dim() != 4 or tuple(features.shape[1:]) != expected:
            raise ValueError(
                f"features must have shape (N, {', '.join(map(str, expected))}), "
                f"got {tuple(features.shape)}"
            )
        made: Tensor = self.convolution(features)
        return made.flatten(1)
