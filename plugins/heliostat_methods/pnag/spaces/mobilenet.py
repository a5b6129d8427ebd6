"""OFA-MobileNetV3: the 2.18e19 networks that Once-for-All (Cai et al. 2020) and PNAG search.

Five units of two to four inverted residual blocks, each with kernel 3, 5 or 7 and expand ratio 3, 4
or 6, between a stem with one fixed block and a head; widths are the multiplier's (PNAG uses 1.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.counting import count_of
from heliostat_methods.pnag.spaces.elastic_text import read_units, write_units
from heliostat_methods.pnag.spaces.elastic_units import ElasticUnits
from heliostat_methods.pnag.spaces.layout import (
    Activation,
    Blocks,
    BlockShape,
    NetworkLayout,
    check_images,
    make_divisible,
)
from heliostat_methods.pnag.spaces.space import Archs, Decision

UNITS = ElasticUnits(units=5, depths=(2, 3, 4), kernels=(3, 5, 7), expands=(3, 4, 6))
STEM = 16
WIDTHS = (24, 40, 80, 112, 160)
FINAL, MIX = 960, 1280
STRIDES = (2, 2, 2, 1, 2)
ACTIVATIONS: tuple[Activation, ...] = ("relu", "relu", "h_swish", "h_swish", "h_swish")
SQUEEZE_EXCITE = (False, True, False, True, True)
LEAST_SIZE = 32
"""Pixels: what the strides of stem and units divide by in all."""


@dataclass(frozen=True)
class OFAMobileNetV3Space:
    """The space at a width multiplier; `resolution`: pixels of the images that costs are told for.

    Follows `TrainableSpace` and `ElasticSpace`; text `depths:kernels:expands`, encoding (n, 120).
    """

    width: float = 1.2
    resolution: int = 224
    classes: int = 1000

    def __post_init__(self) -> None:
        if not 0.1 <= self.width <= 10:
            raise ConfigError("width", self.width, "a width multiplier from 0.1 to 10")
        if self.resolution < LEAST_SIZE:
            raise ConfigError("resolution", self.resolution, f"at least {LEAST_SIZE} pixels")

    @property
    def name(self) -> str:
        """The name that reports show."""
        return f"ofa_mobilenet_v3(width={self.width:g})"

    @property
    def elastic(self) -> ElasticUnits:
        """The units' choices."""
        return UNITS

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The 45 decisions."""
        return UNITS.decisions

    @property
    def size(self) -> int:
        """21,758,655,492,572,485,851 architectures."""
        return UNITS.size

    def canonical(self, choices: NDArray[Any]) -> Archs:
        """Return rows with -1 where no layer is."""
        return UNITS.canonical(choices)

    def valid(self, choices: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows are architectures, (n,)."""
        return UNITS.valid(choices)

    def write(self, arch: NDArray[Any]) -> str:
        """Return the text of an architecture (45,): 5 depths, 20 kernels, 20 expand ratios."""
        return write_units(UNITS, arch)

    def read(self, text: str) -> Archs:
        """Return the architecture (45,) of a text; ConfigError says what is wrong."""
        return read_units(UNITS, text)

    def encode(self, archs: Archs) -> NDArray[np.float32]:
        """Return one-hot kernels of 20 slots, then one-hot expand ratios, (n, 120)."""
        return UNITS.encode(archs)

    def blocks(self, arch: NDArray[Any]) -> Blocks:
        """Return kernel and expand ratio of the blocks that an architecture (45,) has."""
        return UNITS.blocks(arch)

    def middle(self, shape: BlockShape, expand: int) -> int:
        """Return the channels inside a block."""
        return make_divisible(round(shape.channels_in * expand))

    def layout(self, input_shape: tuple[int, int, int], classes: int) -> NetworkLayout:
        """Return the largest network; ConfigError for images below 32 pixels."""
        check_images(input_shape, classes, LEAST_SIZE)
        stem, *widths = (self._wide(width) for width in (STEM, *WIDTHS))
        size = (-(-input_shape[1] // 2), -(-input_shape[2] // 2))
        return NetworkLayout(
            input_shape=input_shape,
            classes=classes,
            stem_channels=stem,
            stem_stride=2,
            stem_activation="h_swish",
            first=BlockShape(stem, stem, 1, size, "relu", False, (3,), (1,)),
            units=UNITS.shapes((stem, size), widths, STRIDES, ACTIVATIONS, SQUEEZE_EXCITE),
            final_channels=self._wide(FINAL),
            mix_channels=self._wide(MIX),
            head_activation="h_swish",
        )

    def madds(self, arch: NDArray[Any]) -> int:
        """Return the multiply-adds of an architecture (45,) for a colour image of `resolution`."""
        return int(self._counts(arch)[0][0])

    def params(self, arch: NDArray[Any]) -> int:
        """Return the parameters of an architecture (45,)."""
        return int(self._counts(arch)[1][0])

    def _counts(self, arch: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        image = (3, self.resolution, self.resolution)
        return count_of(self, np.asarray(arch)[None], image, self.classes)

    def _wide(self, width: int) -> int:
        return make_divisible(width * self.width)
