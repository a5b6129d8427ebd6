"""Recipes for lookup convolutions of given input shape, whose weights a generator draws."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from heliostat_methods.lutnn.codebooks.tables import TableScale
from heliostat_methods.lutnn.layers.convolution import LutConv2d
from heliostat_methods.lutnn.layers.settings import LutSettings


@dataclass(frozen=True)
class ConvolutionRecipe:
    """A lookup convolution that keeps the size of its input; fields as parts have them."""

    kernel_size: int
    channels: int | None
    clusters: int
    length: int | None
    temperature: float
    table_scale: TableScale
    bias: bool

    def create(self, input_shape: tuple[int, ...], generator: torch.Generator) -> nn.Module:
        """Return a layer for samples (channels, height, width).

        Weights are drawn as torch draws them, from ``generator``. There are no inputs yet, so it is
        dense until it is first trained and clusters what it sees then. Raises ``ValueError`` for
        another shape.
        """
        if len(input_shape) != 3:
            raise ValueError(f"input_shape must be (channels, height, width), got {input_shape}")
        dense = nn.utils.skip_init(  # type: ignore[no-untyped-call]
            nn.Conv2d,
            input_shape[0],
            self.channels or input_shape[0],
            self.kernel_size,
            padding="same",
            bias=self.bias,
        )
        layer = LutConv2d(
            dense, self.length, self.clusters, pad=True,
            settings=LutSettings(self.temperature, table_scale=self.table_scale),
        )  # fmt: skip
        layer.lazy = True
        layer.reset_weight(dense.weight[0].numel(), generator)
        return layer
