"""The discriminator of CycleGAN over patches, with a head that reads the stroke code."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from heliostat_methods.strokegan.networks.image_size import check_image_size
from heliostat_methods.strokegan.networks.initialisation import draw_weights
from heliostat_methods.strokegan.networks.stroke_head import StrokeHead

MOST_LAYERS = 3
_SLOPE = 0.2
_WIDEST = 8


class PatchDiscriminator(nn.Module):
    """Judges pictures (N, channels, image_size, image_size): a patch map and logits of strokes.

    `layers`: convolutions that halve, 1..; without a number 3, as the authors have, or fewer
    where the picture is too small (2 below 24 px). `stroke_dim`: logits, 0 for none. `fonts`:
    classes of a further head, 0 for none (zi2zi's category). `generators` draw the trunk's and
    the stroke head's first weights, so that a head changes nothing of the rest. At 128 px with 3
    channels and width 64 it has 6,451,169 parameters.

    Raises ``ValueError`` for sizes that cannot be, with the nearest that can.
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 64,
        layers: int | None = None,
        image_size: int = 128,
        stroke_dim: int = 32,
        fonts: int = 0,
        generator: torch.Generator | None = None,
        head_generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_image_size(image_size)
        for name, value, least in (("channels", channels, 1), ("width", width, 1),
                                   ("stroke_dim", stroke_dim, 0), ("fonts", fonts, 0)):  # fmt: skip
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        halvings = _layers(layers, image_size)
        self.channels, self.image_size = channels, image_size
        self.trunk = _trunk(channels, width, halvings)
        wide = width * min(_WIDEST, 2**halvings)
        self.feature_channels, self.feature_side = wide, feature_side(image_size, halvings)
        self.patch = nn.Conv2d(wide, 1, 4, 1, 1)
        draw_weights(self, generator)
        drawn = generator if head_generator is None else head_generator
        self.strokes = self._head(stroke_dim, drawn)
        self.fonts = self._head(fonts, drawn)

    def _head(self, outputs: int, generator: torch.Generator | None) -> StrokeHead | None:
        if not outputs:
            return None
        return StrokeHead(self.feature_channels, self.feature_side, outputs, generator)

    def features(self, x: Tensor) -> Tensor:
        """Return the trunk's features (N, C, h, w) of pictures."""
        expected = (self.channels, self.image_size, self.image_size)
        if x.dim() != 4 or tuple(x.shape[1:]) != expected:
            raise ValueError(
                f"x must have shape (N, {', '.join(map(str, expected))}), got {tuple(x.shape)}"
            )
        made: Tensor = self.trunk(x)
        return made

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the patch map (N, 1, p, p) and the logits (N, stroke_dim)."""
        patch, strokes, _ = self.judge(x)
        return patch, strokes

    def judge(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the patch map, the stroke logits, and the logits (N, fonts) of fonts."""
        features = self.features(x)
        none = features.new_zeros((len(features), 0))
        strokes = none if self.strokes is None else self.strokes(features)
        fonts = none if self.fonts is None else self.fonts(features)
        return self.patch(features), strokes, fonts


def feature_side(image_size: int, layers: int) -> int:
    """Return the side of the trunk's features, in pixels."""
    return (image_size >> layers) - 1


def _layers(asked: int | None, image_size: int) -> int:
    # Features of 1 x 1 have no deviation to normalise by, and leave the patch head nothing.
    fitting = [n for n in range(1, 11) if feature_side(image_size, n) >= 2]
    if asked is None:
        return min(MOST_LAYERS, fitting[-1])
    if asked not in fitting:
        raise ValueError(
            f"layers must be from 1 to {fitting[-1]} at image_size {image_size}, got {asked}"
        )
    return asked


def _trunk(channels: int, width: int, halvings: int) -> nn.Sequential:
    parts: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(_SLOPE, True)]
    wide = width
    for number in range(1, halvings + 1):
        out = width * min(_WIDEST, 2**number)
        parts += [
            nn.Conv2d(wide, out, 4, 2 if number < halvings else 1, 1),
            nn.InstanceNorm2d(out),
            nn.LeakyReLU(_SLOPE, True),
        ]
        wide = out
    return nn.Sequential(*parts)
