"""A small space of elastic inverted residual blocks that trains on a laptop.

The semantics of OFA-MobileNetV3 without its fixed block, squeeze-and-excite and wide head. By
default "ElasticConv-3": 3 units of one or two blocks, 8,000 networks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.elastic_text import read_units, write_units
from heliostat_methods.pnag.spaces.elastic_units import ElasticUnits
from heliostat_methods.pnag.spaces.layout import (
    Activation,
    Blocks,
    BlockShape,
    NetworkLayout,
    check_images,
)
from heliostat_methods.pnag.spaces.space import Archs, Decision


@dataclass(frozen=True)
class ElasticConvSpace:
    """Units of `widths` channels and `strides`, after a 3x3 stem; follows `ElasticSpace`.

    Kernels may hold names of layer parts beside sizes. A block has channels_in * expand channels
    inside.
    """

    widths: tuple[int, ...] = (16, 24, 40)
    strides: tuple[int, ...] = (1, 2, 2)
    depths: tuple[int, ...] = (1, 2)
    kernels: tuple[int | str, ...] = (3, 5)
    expands: tuple[int, ...] = (2, 4)
    stem_channels: int = 12
    stem_stride: int = 2
    activation: Activation = "relu6"
    squeeze_excite: bool = False

    def __post_init__(self) -> None:
        for field in ("widths", "strides"):
            values = getattr(self, field)
            if not values or min(values) < 1:
                raise ConfigError(field, values, "whole numbers from 1 on, one for each unit")
        if len(self.strides) != len(self.widths):
            expected = f"as many strides as widths, {len(self.widths)}"
            raise ConfigError("strides", self.strides, expected)
        for field in ("stem_channels", "stem_stride"):
            if getattr(self, field) < 1:
                raise ConfigError(field, getattr(self, field), "at least 1")
        _ = self.elastic  # whoever sets the choices hears of a mistake here, not at first use

    @property
    def name(self) -> str:
        """The name that reports show."""
        return f"elastic_conv({len(self.widths)} units)"

    @cached_property
    def elastic(self) -> ElasticUnits:
        """The units' choices."""
        return ElasticUnits(len(self.widths), self.depths, self.kernels, self.expands)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Of each unit depth, then expand ratio and kernel of each layer."""
        return self.elastic.decisions

    @property
    def size(self) -> int:
        """How many architectures there are, exactly."""
        return self.elastic.size

    def canonical(self, choices: NDArray[Any]) -> Archs:
        """Return rows with -1 where no layer is."""
        return self.elastic.canonical(choices)

    def valid(self, choices: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows are architectures, (n,)."""
        return self.elastic.valid(choices)

    def write(self, arch: NDArray[Any]) -> str:
        """Return the text `depths:kernels:expands` of an architecture (decisions,)."""
        return write_units(self.elastic, arch)

    def read(self, text: str) -> Archs:
        """Return the architecture (decisions,) of a text; ConfigError says what is wrong."""
        return read_units(self.elastic, text)

    def encode(self, archs: Archs) -> NDArray[np.float32]:
        """Return one-hot kernels of all slots, then one-hot expand ratios."""
        return self.elastic.encode(archs)

    def blocks(self, arch: NDArray[Any]) -> Blocks:
        """Return kernel and expand ratio of the blocks that an architecture (decisions,) has."""
        return self.elastic.blocks(arch)

    def middle(self, shape: BlockShape, expand: int) -> int:
        """Return the channels inside a block."""
        return shape.channels_in * expand

    def layout(self, input_shape: tuple[int, int, int], classes: int) -> NetworkLayout:
        """Return the largest network; ConfigError for images smaller than all strides together."""
        check_images(input_shape, classes, self.stem_stride * math.prod(self.strides))
        _, height, width = input_shape
        size = (-(-height // self.stem_stride), -(-width // self.stem_stride))
        units = len(self.widths)
        return NetworkLayout(
            input_shape=input_shape,
            classes=classes,
            stem_channels=self.stem_channels,
            stem_stride=self.stem_stride,
            stem_activation=self.activation,
            first=None,
            units=self.elastic.shapes(
                (self.stem_channels, size),
                self.widths,
                self.strides,
                (self.activation,) * units,
                (self.squeeze_excite,) * units,
            ),
            final_channels=None,
            mix_channels=None,
            head_activation=self.activation,
        )
