"""Networks of elastic inverted residual blocks, as numbers: what is counted, trained and timed.

A layout says the largest network: stem, an optional fixed first block, units of blocks in a row,
head. An architecture takes of each unit the first blocks, and of each block a kernel and a width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.space import SearchSpace

Activation = Literal["relu", "relu6", "h_swish"]
Blocks = tuple[tuple[tuple[int | str, int], ...], ...]
"""An architecture by unit: (kernel, expand) of each block that exists. A kernel may be the name of
a layer part in place of the depthwise convolution."""


@dataclass(frozen=True)
class BlockShape:
    """One elastic block: expand 1x1, depthwise k x k, project 1x1, BatchNorm after each.

    `size`: (height, width) of its input. With stride 1 and equal channels its input is added. SE:
    squeeze-and-excite after the depthwise convolution, `make_divisible(middle // 4, 8)` wide, with
    biases. An expand ratio of 1 in a block that has no other has no expanding convolution.
    """

    channels_in: int
    channels_out: int
    stride: int
    size: tuple[int, int]
    activation: Activation
    squeeze_excite: bool
    kernels: tuple[int | str, ...]
    expands: tuple[int, ...]

    @property
    def adds_input(self) -> bool:
        """Whether the block's input is added to its output."""
        return self.stride == 1 and self.channels_in == self.channels_out

    @property
    def size_out(self) -> tuple[int, int]:
        """(height, width) of its output."""
        height, width = self.size
        return -(-height // self.stride), -(-width // self.stride)


@dataclass(frozen=True)
class NetworkLayout:
    """The largest network of a space for images (channels, height, width) and a number of classes.

    Stem: 3 x 3 convolution with stride `stem_stride` to `stem_channels`, BatchNorm, activation.
    `first`: a block that every architecture has. `units[u][l]`. Head: if `final_channels`, a 1x1
    convolution with BatchNorm and activation to so many; mean over places; if `mix_channels`, a 1x1
    convolution without bias or BatchNorm, then activation; a linear classifier with bias.
    """

    input_shape: tuple[int, int, int]
    classes: int
    stem_channels: int
    stem_stride: int
    stem_activation: Activation
    first: BlockShape | None
    units: tuple[tuple[BlockShape, ...], ...]
    final_channels: int | None
    mix_channels: int | None
    head_activation: Activation


def make_divisible(value: float, divisor: int = 8) -> int:
    """Return the multiple of `divisor` nearest to a width, at least it and at least 90 % of it."""
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * value else nearest


def check_images(input_shape: tuple[int, int, int], classes: int, least: int) -> None:
    """Raise ConfigError for images (channels, height, width) below `least` pixels, or one class."""
    if len(input_shape) != 3 or input_shape[0] < 1 or min(input_shape[1:]) < least:
        raise ConfigError(
            "input_shape",
            input_shape,
            f"(channels, height, width) of {least} pixels or more",
        )
    if classes < 2:
        raise ConfigError("classes", classes, "at least two classes")


@runtime_checkable
class TrainableSpace(SearchSpace, Protocol):
    """A space whose architectures are networks of elastic blocks."""

    def layout(self, input_shape: tuple[int, int, int], classes: int) -> NetworkLayout:
        """Return the largest network; raises ConfigError for images that do not fit."""
        ...

    def blocks(self, arch: NDArray[Any]) -> Blocks:
        """Return kernel and expand ratio of the blocks that an architecture (decisions,) has."""
        ...

    def middle(self, shape: BlockShape, expand: int) -> int:
        """Return the channels inside a block."""
        ...
