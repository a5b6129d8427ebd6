"""What is timed is what an extracted subnet runs: the same layers of the same shapes in order."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from heliostat_methods.pnag.cost.timed_block import filled, network
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.supernet.extraction import extract
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.recalibration import recalibrate


def layers_as_run(module: nn.Module, images: torch.Tensor) -> list[tuple[Any, ...]]:
    """Return the leaf modules in the order in which they run, with what they are given and hold."""
    found: list[tuple[Any, ...]] = []

    def note(layer: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        weight = getattr(layer, "weight", None)
        shape = None if weight is None else tuple(weight.shape)
        details = [getattr(layer, name, None) for name in ("stride", "padding", "groups")]
        biased = getattr(layer, "bias", None) is not None
        found.append((type(layer), tuple(inputs[0].shape), shape, *details, biased))

    leaves = [one for one in module.modules() if not list(one.children())]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves]
    module(images)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("which", ["smallest", "largest"])
@pytest.mark.parametrize(
    ("space", "images"),
    [
        (ElasticConvSpace(), (1, 16, 16)),
        (ElasticConvSpace(squeeze_excite=True), (3, 16, 16)),
        (OFAMobileNetV3Space(width=0.5), (3, 32, 32)),
    ],
)
def test_timed_networks_are_built_as_extracted_ones(
    space: Any, images: tuple[int, int, int], which: str
) -> None:
    layout = space.layout(images, 10)
    blocks = space.blocks(getattr(space.elastic, which))
    net = Supernet(layout, space.middle, torch.Generator().manual_seed(0)).eval()
    x = torch.rand(4, *images, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        extracted = extract(net, blocks, recalibrate(net, blocks, x)).eval()
        made = filled(
            network(layout, blocks, space.middle), torch.Generator().manual_seed(2), torch.float32
        )
        assert layers_as_run(made, x) == layers_as_run(extracted, x)
