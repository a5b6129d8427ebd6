"""A stroke head round any discriminator, so that the stroke code fits other models."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from heliostat_methods.strokegan.networks.stroke_head import StrokeHead


class WithStrokes(nn.Module):
    """Any discriminator whose submodule `trunk` gives features: its patch map, and stroke logits.

    Nothing else is asked of it: the features (N, C, s, s) are taken while it judges a picture
    (N, channels, image_size, image_size). Raises ``ValueError`` where it has no such submodule,
    or that gives no square maps.

    >>> plain = nn.Sequential()
    >>> plain.add_module("trunk", nn.Conv2d(1, 4, 4, 4))
    >>> plain.add_module("patch", nn.Conv2d(4, 1, 1))
    >>> patch, logits = WithStrokes(plain, image_size=16)(torch.ones(2, 1, 16, 16))
    >>> patch.shape, logits.shape
    (torch.Size([2, 1, 4, 4]), torch.Size([2, 32]))
    """

    def __init__(
        self,
        discriminator: nn.Module,
        trunk: str = "trunk",
        channels: int = 1,
        image_size: int = 128,
        stroke_dim: int = 32,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        names = [name for name, _ in discriminator.named_modules() if name]
        if trunk not in names:
            raise ValueError(
                f"trunk must be a submodule of the discriminator, got {trunk!r}; "
                f"there are: {', '.join(names) or 'none'}"
            )
        self.discriminator, self._name = discriminator, trunk
        with torch.no_grad():
            _, features = self._judged(torch.ones(1, channels, image_size, image_size))
        if features.dim() != 4 or features.shape[2] != features.shape[3]:
            raise ValueError(
                f"trunk {trunk!r} must give features (N, C, s, s), got {tuple(features.shape)}"
            )
        self.strokes = StrokeHead(features.shape[1], features.shape[2], stroke_dim, generator)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the discriminator's own map and the logits (N, stroke_dim)."""
        patch, features = self._judged(x)
        return patch, self.strokes(features)

    def _judged(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen: list[Any] = []
        part = self.discriminator.get_submodule(self._name)
        hook = part.register_forward_hook(lambda module, given, made: seen.append(made))
        try:
            patch: Tensor = self.discriminator(x)
        finally:
            hook.remove()
        if len(seen) != 1 or not isinstance(seen[0], Tensor):
            raise ValueError(
                f"trunk {self._name!r} must give one tensor when the discriminator judges, "
                f"got {len(seen)} results"
            )
        return patch, seen[0]
