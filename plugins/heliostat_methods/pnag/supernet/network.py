"""The supernet: weights of the largest network, of which every subnet takes the first part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heliostat.errors import ConfigError, DataError, did_you_mean
from heliostat_methods.pnag.spaces.layout import Blocks, BlockShape, NetworkLayout
from heliostat_methods.pnag.supernet.activations import activate
from heliostat_methods.pnag.supernet.elastic_block import ElasticBlock
from heliostat_methods.pnag.supernet.normalisation import Given, Norm, Statistics, by_batch
from heliostat_methods.pnag.supernet.parameters import Affine, he_normal, uniform
from heliostat_methods.pnag.supernet.part_layer import Layer
from heliostat_methods.pnag.supernet.paths import walk

MemoryFormat = Literal["channels_last", "contiguous"]
FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


class Supernet(nn.Module):
    """All subnets of a layout in one set of weights, drawn from `generator` alone.

    `middle(shape, expand)`: channels inside a block, as the space says. `layers`: what kernels that
    are names of layer parts stand for. `memory_format`: how activations lie in memory; results of
    the two differ in their last bits, so it is fixed unless it is set (see `layout_probe`).
    """

    def __init__(
        self, layout: NetworkLayout, middle: Callable[[BlockShape, int], int],
        generator: torch.Generator, layers: Mapping[str, Layer] | None = None,
        memory_format: MemoryFormat = "channels_last",
    ) -> None:  # fmt: skip
        super().__init__()
        if memory_format not in FORMATS:
            hint = did_you_mean(str(memory_format), FORMATS)
            raise ConfigError("memory_format", memory_format, " or ".join(FORMATS), hint)
        self.layout, self.memory_format = layout, memory_format
        channels, stem = layout.input_shape[0], layout.stem_channels
        self.stem_weight = he_normal((stem, channels, 3, 3), channels * 9, generator)
        self.stem_norm = Affine(stem)

        def block(name: str, shape: BlockShape) -> ElasticBlock:
            return ElasticBlock(name, shape, middle, generator, layers or {})

        self.first = block("first", layout.first) if layout.first else None
        self.units = nn.ModuleList(
            nn.ModuleList(block(f"units[{u}][{l}]", shape) for l, shape in enumerate(unit))
            for u, unit in enumerate(layout.units)
        )
        width = layout.units[-1][-1].channels_out
        if layout.final_channels:
            self.final_weight = he_normal((layout.final_channels, width, 1, 1), width, generator)
            self.final_norm = Affine(layout.final_channels)
            width = layout.final_channels
        if layout.mix_channels:
            self.mix_weight = he_normal((layout.mix_channels, width), width, generator)
            width = layout.mix_channels
        self.classifier_weight = uniform((layout.classes, width), width, generator)
        self.classifier_bias = nn.Parameter(torch.zeros(layout.classes))

    def forward(self, x: Tensor, blocks: Blocks, statistics: Statistics | None = None) -> Tensor:
        """Return logits (batch, classes) of one subnet for images (batch, channels, h, w).

        Normalised by the batch, or by the subnet's recalibrated statistics where they are given.
        """
        norm: Norm = by_batch if statistics is None else Given(statistics)
        ((_, logits),) = walk(self, [blocks], x, lambda stage, *values: stage(*values, norm))
        return logits  # type: ignore[no-any-return]

    def block(self, unit: int, layer: int) -> ElasticBlock:
        """Return a block."""
        found: ElasticBlock = self.units[unit][layer]  # type: ignore[index]
        return found

    def blocks(self) -> Iterable[ElasticBlock]:
        """Return all blocks in order, the first one included."""
        yield from [] if self.first is None else [self.first]
        for unit in self.units:
            yield from unit  # type: ignore[misc]

    def check(self, blocks: Blocks) -> None:
        """Raise ConfigError for an architecture that is not of this network."""
        if len(blocks) != len(self.units):
            raise ConfigError("units", len(blocks), f"{len(self.units)} units")
        for unit, row in enumerate(blocks):
            most = len(self.layout.units[unit])
            if not 1 <= len(row) <= most:
                raise ConfigError(f"depth of units[{unit}]", len(row), f"1 to {most} blocks")
            for layer, choice in enumerate(row):
                self.block(unit, layer).check(choice)

    def sort_channels(self) -> None:
        """Order the channels inside every block by their weight in its output (see the block)."""
        for block in self.blocks():
            block.sort_channels()

    def stem(self, x: Tensor, norm: Norm) -> Tensor:
        """Return what the first block sees."""
        if x.shape[1:] != self.layout.input_shape:
            raise DataError(
                f"images of shape {tuple(x.shape[1:])}: the network takes images "
                f"(channels, height, width) of {self.layout.input_shape}"
            )
        x = x.contiguous(memory_format=FORMATS[self.memory_format])
        h = F.conv2d(x, self.stem_weight, stride=self.layout.stem_stride, padding=1)
        # Images of one channel lie both ways, so the convolution may choose another.
        h = h.contiguous(memory_format=FORMATS[self.memory_format])
        h = norm("stem", h, *self.stem_norm(0, None))
        return activate(h, self.layout.stem_activation)

    def head(self, x: Tensor, norm: Norm) -> Tensor:
        """Return logits of what the last block gives."""
        layout = self.layout
        if layout.final_channels:
            h = norm("final", F.conv2d(x, self.final_weight), *self.final_norm(0, None))
            x = activate(h, layout.head_activation)
        features = x.mean((2, 3))
        if layout.mix_channels:
            mixed = F.linear(features, self.mix_weight)
            features = activate(mixed, layout.head_activation)
        return F.linear(features, self.classifier_weight, self.classifier_bias)
