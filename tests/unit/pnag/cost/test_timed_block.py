from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from heliostat.errors import ConfigError
from heliostat_methods.pnag.cost import timed_block
from heliostat_methods.pnag.cost.timed_block import TimedBlock, filled, network, timed
from heliostat_methods.pnag.spaces.counting import count_block, count_network
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.layout import BlockShape
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space

SHAPE = BlockShape(12, 16, 2, (9, 8), "h_swish", True, (3, 5), (2, 4))


def madds_of(module: torch.nn.Module, images: torch.Tensor) -> int:
    """Count the multiply-adds of convolutions and linear layers as they run, for one image."""
    total = 0

    def count(layer: torch.nn.Module, _: object, out: torch.Tensor) -> None:
        nonlocal total
        weights = layer.weight.numel() // layer.weight.shape[0]
        total += weights * out[0].numel()

    hooks = [
        layer.register_forward_hook(count)
        for layer in module.modules()
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
    ]
    module(images)
    for hook in hooks:
        hook.remove()
    return total


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("expand", [2, 4])
@pytest.mark.parametrize("gate", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_does_the_work_that_is_counted(
    kernel: int, expand: int, gate: bool, stride: int
) -> None:
    shape = replace(SHAPE, squeeze_excite=gate, stride=stride)
    block, x = TimedBlock(shape, kernel, expand, 12 * expand).eval(), torch.ones(2, 12, 9, 8)
    assert tuple(block(x).shape) == (2, 16, *shape.size_out)
    assert madds_of(block, x) == count_block(shape, kernel, expand, 12 * expand).madds


def test_a_whole_network_does_the_work_that_is_counted() -> None:
    """The oracle of the specification, 5.1: 121,278,672 for the smallest network at width 1."""
    space = OFAMobileNetV3Space(width=1.0)
    layout = space.layout((3, 224, 224), 1000)
    blocks = space.blocks(space.elastic.smallest)
    made = network(layout, blocks, space.middle).eval()
    with torch.inference_mode():
        assert madds_of(made, torch.zeros(1, 3, 224, 224)) == 121_278_672


def test_stem_blocks_and_head_make_up_the_network() -> None:
    space = ElasticConvSpace(squeeze_excite=True)
    layout = space.layout((1, 16, 16), 10)
    blocks = space.blocks(space.elastic.largest)
    made, x = network(layout, blocks, space.middle).eval(), torch.ones(3, 1, 16, 16)
    assert tuple(made(x).shape) == (3, 10)
    assert madds_of(made, x) == count_network(layout, blocks, space.middle).madds
    first, *body, last = made
    assert len(body) == 6
    apart = sum(count_block(s, *b, space.middle(s, b[1])).madds
                for row, unit in zip(layout.units, blocks, strict=True)
                for s, b in zip(row, unit, strict=True))  # fmt: skip
    behind = madds_of(last, torch.ones(1, layout.units[-1][-1].channels_out, 2, 2))
    assert madds_of(first, x) + apart + behind == madds_of(made, x)


def test_the_input_is_added_where_the_shape_says_so() -> None:
    shape = replace(SHAPE, channels_in=16, stride=1, squeeze_excite=False)
    block = TimedBlock(shape, 3, 2, 32).eval()
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.rand(1, 16, 9, 8)
    assert torch.equal(block(x), x)


def test_weights_come_from_the_generator_alone_and_outputs_stay_finite() -> None:
    before = torch.random.get_rng_state()
    x = torch.ones(2, 12, 9, 8)
    outs = [
        timed(filled(TimedBlock(SHAPE, 5, 4, 48), torch.Generator().manual_seed(3),
                     torch.float32), x)()
        for _ in range(2)
    ]  # fmt: skip
    assert torch.equal(*outs) and bool(torch.isfinite(outs[0]).all())
    assert not outs[0].requires_grad
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_layer_part_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="kernel = 'lut': expected a size, or the name of a"):
        TimedBlock(SHAPE, "lut", 2, 24)


def test_the_reference_kernel_is_the_same_work_each_time() -> None:
    call = timed_block.reference_kernel(torch.Generator().manual_seed(0))
    first = call()
    assert isinstance(first, torch.Tensor) and first is call()
