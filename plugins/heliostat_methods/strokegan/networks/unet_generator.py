"""The generator of pix2pix and zi2zi: an encoder and a decoder joined at every size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from heliostat_methods.strokegan.networks.image_size import check_image_size
from heliostat_methods.strokegan.networks.initialisation import draw_weights

_WIDEST = 8
_LEAST_SIDE = 2


class UNetGenerator(nn.Module):
    """Draws pictures (N, channels, image_size, image_size) in [-1, 1] from such.

    Halves down to the least whole side from 2 (128 px: 6 times; pix2pix goes on to 1, where an
    instance has nothing to normalise by [R]); no dropout [R]. `fonts`: how many a code of
    `embedding` numbers at the bottleneck tells apart (zi2zi), 0 for none.

    Raises ``ValueError`` for sizes that cannot be, with the nearest that can.
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 64,
        image_size: int = 128,
        fonts: int = 0,
        embedding: int = 32,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_image_size(image_size)
        for name, value, least in (("channels", channels, 1), ("width", width, 1),
                                   ("fonts", fonts, 0), ("embedding", embedding, 1)):  # fmt: skip
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        self.channels, self.image_size = channels, image_size
        depth = _halvings(image_size)
        widths = [width * min(_WIDEST, 2**number) for number in range(depth)]
        self.down = nn.ModuleList()
        wide = channels
        for number, out in enumerate(widths):
            self.down.append(_down(wide, out, first=number == 0, last=number == depth - 1))
            wide = out
        self.fonts = nn.Embedding(fonts, embedding) if fonts else None
        self.up = nn.ModuleList()
        wide += embedding if fonts else 0
        for out in [*reversed(widths[:-1]), channels]:
            self.up.append(_up(wide, out, last=len(self.up) == depth - 1))
            wide = 2 * out
        draw_weights(self, generator)

    def forward(self, x: Tensor, font: Tensor | None = None) -> Tensor:
        """Return pictures in [-1, 1]; ``font`` (N,) int64, the first font without one."""
        return self.drawn(x, font)[0]

    def drawn(self, x: Tensor, font: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return pictures, and the encoder's code (N, C, s, s) that they were drawn from."""
        codes = self._codes(x)
        made = codes[-1]
        if self.fonts is not None:
            of = torch.zeros(len(x), dtype=torch.int64, device=x.device) if font is None else font
            style = self.fonts(of)[:, :, None, None].to(made.dtype)
            made = torch.cat([made, style.expand(-1, -1, *made.shape[2:])], dim=1)
        elif font is not None:
            raise ValueError("font: got one, but the network was made for no fonts")
        for layer, beside in zip(self.up, [*reversed(codes[:-1]), None], strict=True):
            made = layer(made)
            if beside is not None:
                made = torch.cat([made, beside], dim=1)
        return made, codes[-1]

    def encode(self, x: Tensor) -> Tensor:
        """Return the encoder's code (N, C, s, s)."""
        return self._codes(x)[-1]

    def _codes(self, x: Tensor) -> list[Tensor]:
        expected = (self.channels, self.image_size, self.image_size)
        if x.dim() != 4 or tuple(x.shape[1:]) != expected:
            raise ValueError(
                f"x must have shape (N, {', '.join(map(str, expected))}), got {tuple(x.shape)}"
            )
        codes = []
        for layer in self.down:
            x = layer(x)
            codes.append(x)
        return codes


def _halvings(side: int) -> int:
    count = 0
    while side % 2 == 0 and side // 2 >= _LEAST_SIDE:
        side, count = side // 2, count + 1
    return count


def _down(wide: int, out: int, first: bool, last: bool) -> nn.Sequential:
    # LeakyReLU is not in place: the decoder and the next layer both read what comes in.
    parts: list[nn.Module] = [] if first else [nn.LeakyReLU(0.2)]
    parts.append(nn.Conv2d(wide, out, 4, 2, 1))
    if not (first or last):
        parts.append(nn.InstanceNorm2d(out))
    return nn.Sequential(*parts)


def _up(wide: int, out: int, last: bool) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(wide, out, 4, 2, 1)
    if last:
        return nn.Sequential(nn.ReLU(), convolution, nn.Tanh())
    return nn.Sequential(nn.ReLU(), convolution, nn.InstanceNorm2d(out))
