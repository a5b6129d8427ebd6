from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.layout import BlockShape, make_divisible
from heliostat_methods.pnag.supernet.elastic_block import ElasticBlock, order_of
from heliostat_methods.pnag.supernet.normalisation import by_batch

ACTIVATIONS = {"relu": F.relu, "relu6": F.relu6, "h_swish": F.hardswish}


def middle(shape: BlockShape, expand: int) -> int:
    return shape.channels_in * expand


def made(shape: BlockShape, layers: Any = None) -> ElasticBlock:
    block = ElasticBlock("b", shape, middle, torch.Generator().manual_seed(1), layers or {})
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.1 * torch.sin(torch.arange(parameter.numel()).view(parameter.shape)))
    return block


def run(stage: Any, *values: Any) -> Any:
    return stage(*values, by_batch)


def plain(block: ElasticBlock, x: Tensor, kernel: int, expand: int) -> Tensor:
    """The block as the paper writes it: weights cut to the width, then ordinary layers."""
    shape, n = block.shape, middle(block.shape, expand)
    act = ACTIVATIONS[shape.activation]

    def normalised(h: Tensor, affine: Any) -> Tensor:
        m = h.shape[1]
        return F.batch_norm(h, None, None, affine.gain[:m], affine.bias[:m], True)

    h = x
    if shape.expands != (1,):
        h = act(normalised(F.conv2d(x, block.expand_weight[:n]), block.expand_norm))
    filters = block.kernel.filters(kernel, 0, n)
    h = act(normalised(
        F.conv2d(h, filters, None, shape.stride, kernel // 2, 1, n), block.inner_norm
    ))  # fmt: skip
    if shape.squeeze_excite:
        gate, inner = block.gate, make_divisible(n // 4, 8)
        means = h.mean((2, 3))
        squeezed = F.relu(means @ gate.squeeze_weight[:inner, :n].T + gate.squeeze_bias[:inner])
        excited = squeezed @ gate.excite_weight[:n, :inner].T + gate.excite_bias[:n]
        h = h * F.hardsigmoid(excited)[:, :, None, None]
    y = normalised(F.conv2d(h, block.project_weight[:, :n]), block.project_norm)
    return y + x if shape.adds_input else y


SHAPES = [
    BlockShape(6, 6, 1, (7, 7), "relu6", False, (3, 5, 7), (2, 3, 4)),
    BlockShape(6, 8, 2, (7, 9), "relu", False, (3, 5), (2, 4)),
    BlockShape(6, 6, 1, (7, 7), "h_swish", True, (3, 7), (3, 6)),
    BlockShape(6, 8, 2, (8, 8), "h_swish", True, (5,), (4,)),
    BlockShape(6, 6, 1, (7, 7), "relu", False, (3,), (1,)),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_choice_is_the_block_as_the_paper_writes_it(shape: BlockShape) -> None:
    block = made(shape)
    x = torch.randn(5, 6, *shape.size, generator=torch.Generator().manual_seed(3))
    choices = sorted(((k, e) for k in shape.kernels for e in shape.expands), key=order_of)
    outputs = list(block.outputs(x, choices, run))
    assert len(outputs) == len(choices)
    for (kernel, expand), output in zip(choices, outputs, strict=True):
        assert isinstance(kernel, int)
        assert output.shape[2:] == shape.size_out
        torch.testing.assert_close(output, plain(block, x, kernel, expand), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_sorting_channels_leaves_the_largest_block_as_it_is(shape: BlockShape) -> None:
    block = made(shape)
    x = torch.randn(5, 6, *shape.size, generator=torch.Generator().manual_seed(3))
    choice = block.only
    (before,) = block.outputs(x, [choice], run)
    block.sort_channels()
    (after,) = block.outputs(x, [choice], run)
    torch.testing.assert_close(before, after, atol=2e-5, rtol=1e-4)
    norms = block.project_weight.detach().abs().sum((0, 2, 3))
    if len(shape.expands) > 1:
        assert torch.equal(norms, norms.sort(descending=True).values)


class Mixer:
    """A layer part: a convolution over places with a stride of its own, or a wrong one."""

    def __init__(self, stride: int = 1, outputs: int = 0) -> None:
        self.stride, self.outputs = stride, outputs

    def create(self, input_shape: tuple[int, ...], generator: torch.Generator) -> nn.Module:
        channels = input_shape[0]
        layer = nn.utils.skip_init(
            nn.Conv2d, channels, channels + self.outputs, 3, padding=1, stride=self.stride
        )
        with torch.no_grad():
            layer.weight.normal_(generator=generator)
            layer.bias.zero_()
        return layer


STRIDED = BlockShape(6, 8, 2, (7, 7), "relu", False, (3, 5, "mixer"), (2, 4))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("gate", [False, True])
def test_a_layer_part_stands_in_place_of_the_depthwise_convolution(stride: int, gate: bool) -> None:
    shape = BlockShape(6, 8, 2, (7, 7), "relu", gate, (3, 5, "mixer"), (2, 4))
    block = made(shape, {"mixer": Mixer(stride)})
    assert len(block.layers) == 2  # one for each expand ratio
    x = torch.randn(4, 6, 7, 7, generator=torch.Generator().manual_seed(0))
    choices = [(3, 2), (5, 4), ("mixer", 2), ("mixer", 4)]
    outputs = list(block.outputs(x, choices, run))
    assert [o.shape for o in outputs] == [(4, 8, 4, 4)] * 4
    sum(o.square().sum() for o in outputs[2:]).backward()
    assert all(
        p.grad is not None and p.grad.any() for p in block.layers.parameters() if p.dim() > 1
    )


def test_a_layer_part_of_a_wrong_shape_is_refused() -> None:
    message = (
        r"layer mixer = \(13, 7, 7\): expected outputs of shape \(12, 7, 7\) or \(12, 4, 4\) "
        r"for inputs of \(12, 7, 7\)"
    )
    with pytest.raises(ConfigError, match=message):
        made(STRIDED, {"mixer": Mixer(outputs=1)})


def test_a_layer_part_that_was_not_given_is_named() -> None:
    with pytest.raises(ConfigError, match=r"b.kernel = 'mixer'.*did you mean 'mixers'"):
        made(STRIDED, {"mixers": Mixer()})
    with pytest.raises(ConfigError, match=r"b.kernel = 'mixer'.*no layers were given"):
        made(STRIDED)


@pytest.mark.parametrize(
    ("choice", "message"),
    [((4, 2), r"b.kernel = 4: expected 3 or 5 or mixer"), ((3, 3), r"b.expand = 3: expected 2 or")],
)
def test_an_unknown_choice_is_refused(choice: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        made(STRIDED, {"mixer": Mixer()}).check(choice)


def test_a_space_may_mix_sizes_and_layer_parts(build: Any, images: Tensor) -> None:
    space = ElasticConvSpace(
        widths=(6, 8), strides=(1, 2), kernels=(3, 5, "mixer"), stem_channels=5
    )
    net = build(space, layers={"mixer": Mixer()})
    logits = net(images[:5], ((("mixer", 2), (3, 4)), (("mixer", 4),)))
    assert logits.shape == (5, 4) and bool(torch.isfinite(logits).all())
