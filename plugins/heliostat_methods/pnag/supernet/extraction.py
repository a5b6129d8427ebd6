"""One subnet as a plain module: kernel maps applied once, BatchNorm folded into convolutions.

It holds only what it uses, needs nothing of this package's supernet to run, and its parameters can
be trained on by any method. Outputs equal the supernet's but for rounding.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from heliostat.errors import DataError
from heliostat_methods.pnag.spaces.layout import Blocks
from heliostat_methods.pnag.supernet.activations import activation_module
from heliostat_methods.pnag.supernet.elastic_block import Choice, ElasticBlock
from heliostat_methods.pnag.supernet.extracted import (
    Residual,
    SqueezeExcite,
    convolution,
    linear,
)
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.normalisation import EPSILON, Statistics
from heliostat_methods.pnag.supernet.parameters import Affine
from heliostat_methods.pnag.supernet.squeeze_excite import squeezed


@torch.no_grad()
def extract(net: Supernet, blocks: Blocks, statistics: Statistics) -> nn.Sequential:
    """Return a subnet with its recalibrated statistics: images (batch, c, h, w) -> logits.

    Raises ConfigError for an architecture that is not of the network, DataError for statistics of
    another subnet.
    """
    net.check(blocks)
    fold = _Folding(statistics)
    layout = net.layout
    parts: list[nn.Module] = [
        *fold.convolution("stem", net.stem_weight, net.stem_norm, layout.stem_stride),
        activation_module(layout.stem_activation),
    ]
    if net.first is not None:
        parts.append(_block(net.first, net.first.only, fold))
    for unit, row in enumerate(blocks):
        parts += [_block(net.block(unit, layer), choice, fold) for layer, choice in enumerate(row)]
    made = nn.Sequential(*parts, *_head(net, fold))
    return made.to(net.classifier_weight.device).train(net.training)


class _Folding:
    """Puts what a normalisation does into the convolution before it, in double precision."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics

    def affine(self, name: str, affine: Affine, channels: int) -> tuple[Tensor, Tensor]:
        """Return scale and shift of a place's first channels."""
        if name not in self._statistics or len(self._statistics[name][0]) != channels:
            found = len(self._statistics[name][0]) if name in self._statistics else "none"
            raise DataError(
                f"statistics of {name}: {found} channels, the subnet has {channels}; "
                "they are of another subnet"
            )
        mean, variance = (values.double() for values in self._statistics[name])
        gain, bias = (values.double() for values in affine(0, channels))
        scale = gain / torch.sqrt(variance + EPSILON)
        return scale, bias - mean * scale

    def convolution(
        self, name: str, weight: Tensor, affine: Affine, stride: int = 1, groups: int = 1
    ) -> list[nn.Module]:
        """Return a convolution, padded to keep its size at stride 1, with bias."""
        scale, shift = self.affine(name, affine, len(weight))
        folded = weight.double() * scale[:, None, None, None]
        return [convolution(folded, shift, stride, weight.shape[2] // 2, groups)]


def _block(block: ElasticBlock, choice: Choice, fold: _Folding) -> nn.Module:
    width = block.widths[choice[1]]
    parts: list[nn.Module] = []
    if block.expands:
        weight = block.expand_weight[:width]
        parts += fold.convolution(f"{block.name}.expand", weight, block.expand_norm)
        parts.append(activation_module(block.shape.activation))
    parts += _inner(block, choice, width, fold)
    parts.append(activation_module(block.shape.activation))
    if block.shape.squeeze_excite:
        parts.append(_gate(block, width))
    weight = block.project_weight[:, :width]
    parts += fold.convolution(f"{block.name}.project", weight, block.project_norm)
    body = nn.Sequential(*parts)
    return Residual(body) if block.shape.adds_input else body


def _inner(block: ElasticBlock, choice: Choice, width: int, fold: _Folding) -> list[nn.Module]:
    name, kernel = f"{block.name}.inner", choice[0]
    if isinstance(kernel, int):
        weight = block.kernel.filters(kernel, 0, width)
        return fold.convolution(name, weight, block.inner_norm, block.shape.stride, width)
    # What a part's layer does is not known, so its normalisation stays a map of each channel.
    scale, shift = fold.affine(name, block.inner_norm, width)
    layer = copy.deepcopy(block.part(kernel, choice[1]))
    return [layer, convolution(scale[:, None, None, None], shift, groups=width)]


def _gate(block: ElasticBlock, width: int) -> nn.Module:
    gate, inner = block.gate, squeezed(width)
    squeeze = gate.squeeze_weight[:inner, :width, None, None]
    excite = gate.excite_weight[:width, :inner, None, None]
    return SqueezeExcite(
        convolution(squeeze, gate.squeeze_bias[:inner]),
        convolution(excite, gate.excite_bias[:width]),
    )


def _head(net: Supernet, fold: _Folding) -> list[nn.Module]:
    parts: list[nn.Module] = []
    if net.layout.final_channels:
        parts += fold.convolution("final", net.final_weight, net.final_norm)
        parts.append(activation_module(net.layout.head_activation))
    parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if net.layout.mix_channels:
        parts += [linear(net.mix_weight, None), activation_module(net.layout.head_activation)]
    return [*parts, linear(net.classifier_weight, net.classifier_bias)]
