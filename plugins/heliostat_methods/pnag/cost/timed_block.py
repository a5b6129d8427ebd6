"""A network's pieces as they run once it is extracted: plain modules, BatchNorm folded, no maps.

Modules come without weights; `filled` draws them, for how long a convolution takes does not depend
on which they are. What is timed apart is
what the network is made of, so its times add up to the network's but for calls in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.layout import (
    Activation,
    Blocks,
    BlockShape,
    NetworkLayout,
    make_divisible,
)

Middle = Callable[[BlockShape, int], int]
MakePart = Callable[[str, int, BlockShape], nn.Module]
"""Makes the layer of a name, for channels inside a block and its shape."""
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "h_swish": nn.Hardswish,
}
REFERENCE_SIDE = 128


class Given(nn.Module):
    """A layer that comes with its numbers, which `filled` leaves as they are."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer gives."""
        found: Tensor = self.layer(x)
        return found


class TimedBlock(nn.Module):
    """Expand, depthwise or a layer part, squeeze-and-excite if wanted, project, add the input.

    ``part`` makes a layer that a kernel names, for channels inside and a shape.
    """

    def __init__(
        self, shape: BlockShape, kernel: int | str, expand: int, middle: int,
        part: MakePart | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        parts: list[nn.Module] = []
        if expand != 1 or shape.expands != (1,):
            parts += _folded(shape.channels_in, middle, 1, shape.activation)
        if isinstance(kernel, int):
            parts += _folded(
                middle, middle, kernel, shape.activation, stride=shape.stride, groups=middle
            )
        elif part is None:
            raise ConfigError("kernel", kernel, "a size, or the name of a given layer")
        else:  # its normalisation stays a map of each channel, as in what is extracted
            parts.append(Given(part(kernel, middle, shape)))
            parts += _folded(middle, middle, 1, shape.activation, groups=middle)
        if shape.squeeze_excite:
            parts.append(Gate(middle))
        parts.append(_unfilled(nn.Conv2d, middle, shape.channels_out, 1))
        self.body = nn.Sequential(*parts)
        self.adds_input = shape.adds_input

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for (batch, channels, height, width)."""
        y: Tensor = self.body(x)
        return y + x if self.adds_input else y


class Gate(nn.Module):
    """Squeeze-and-excite: channels scaled by what their means over places say."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = make_divisible(channels // 4, 8)
        self.gates = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            _unfilled(nn.Conv2d, channels, inner, 1),
            nn.ReLU(),
            _unfilled(nn.Conv2d, inner, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled channels."""
        scaled: Tensor = x * self.gates(x)
        return scaled


def stem(layout: NetworkLayout, middle: Middle) -> nn.Sequential:
    """Return what stands before the units, with the first block that every network has."""
    parts = _folded(
        layout.input_shape[0],
        layout.stem_channels,
        3,
        layout.stem_activation,
        stride=layout.stem_stride,
    )
    first = layout.first
    if first is not None:
        expand = first.expands[0]
        parts.append(TimedBlock(first, first.kernels[0], expand, middle(first, expand)))
    return nn.Sequential(*parts)


def head(layout: NetworkLayout) -> nn.Sequential:
    """Return what stands behind the units."""
    channels, parts = layout.units[-1][-1].channels_out, list[nn.Module]()
    if layout.final_channels is not None:
        parts += _folded(channels, layout.final_channels, 1, layout.head_activation)
        channels = layout.final_channels
    parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if layout.mix_channels is not None:
        parts += [
            _unfilled(nn.Linear, channels, layout.mix_channels, bias=False),
            _ACTIVATIONS[layout.head_activation](),
        ]
        channels = layout.mix_channels
    return nn.Sequential(*parts, _unfilled(nn.Linear, channels, layout.classes))


def network(
    layout: NetworkLayout, blocks: Blocks, middle: Middle, part: MakePart | None = None
) -> nn.Sequential:
    """Return a whole network."""
    body = [
        TimedBlock(shape, kernel, expand, middle(shape, expand), part)
        for shapes, unit in zip(layout.units, blocks, strict=True)
        for shape, (kernel, expand) in zip(shapes, unit, strict=False)
    ]
    return nn.Sequential(stem(layout, middle), *body, head(layout))


def filled(module: nn.Module, generator: torch.Generator, dtype: torch.dtype) -> nn.Module:
    """Return a module for inference, its weights drawn from `generator`."""
    given = {id(p) for one in module.modules() if isinstance(one, Given) for p in one.parameters()}
    with torch.no_grad():
        for parameter in module.parameters():
            if id(parameter) in given:
                continue
            scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.0
            parameter.normal_(0.0, 1.0, generator=generator).mul_(scale)
    return module.to(dtype).eval().requires_grad_(False)


def timed(module: nn.Module, x: Tensor) -> Callable[[], object]:
    """Return the call that is timed: one forward pass without a graph."""

    def call() -> object:
        with torch.inference_mode():
            return module(x)

    return call


def reference_kernel(generator: torch.Generator) -> Callable[[], object]:
    """Return the fixed work by which a round is judged: a product of two small matrices."""
    a, b = (torch.randn(REFERENCE_SIDE, REFERENCE_SIDE, generator=generator) for _ in range(2))
    out = torch.empty(REFERENCE_SIDE, REFERENCE_SIDE)
    return lambda: torch.mm(a, b, out=out)


def _folded(
    channels_in: int,
    channels_out: int,
    kernel: int,
    activation: Activation,
    stride: int = 1,
    groups: int = 1,
) -> list[nn.Module]:
    """Return a convolution that holds its normalisation, and the activation behind it."""
    made = _unfilled(
        nn.Conv2d, channels_in, channels_out, kernel, stride=stride, padding=kernel // 2,
        groups=groups,
    )  # fmt: skip
    return [made, _ACTIVATIONS[activation]()]


def _unfilled(kind: type[nn.Module], *sizes: int, **more: Any) -> nn.Module:
    """Return a layer without weights: drawing them would move the global random state."""
    made: nn.Module = nn.utils.skip_init(kind, *sizes, **more)  # type: ignore[no-untyped-call]
    return made
