"""Exported models keep the kernel, with the bits of the model that was exported."""

from __future__ import annotations

import pytest
import torch

from heliostat_methods.lutnn.kernels import ops
from heliostat_methods.lutnn.kernels.convolution import lut_conv3x3
from heliostat_methods.lutnn.kernels.linear import lut_linear
from heliostat_methods.lutnn.kernels.packing import PackedLayer, pack


def layer(codebooks, length, outputs, search) -> PackedLayer:
    generator = torch.Generator().manual_seed(codebooks)
    centroids = torch.randn(codebooks, 16, length, generator=generator)
    tables = torch.randint(-127, 128, (codebooks, 16, outputs), generator=generator,
                           dtype=torch.int8)  # fmt: skip
    return pack(centroids, tables, 0.5, torch.arange(outputs).float(), search=search,
                input_scale=0.03)  # fmt: skip


class Network(torch.nn.Module):
    def __init__(self, search):
        super().__init__()
        self.first, self.second = layer(3, 9, 4, search), layer(4, 4, 5, search)

    def forward(self, x):
        features = ops.conv3x3(x, self.first, stride=2).relu()
        return ops.linear(features.mean((2, 3)).repeat(1, 4), self.second)


@pytest.mark.parametrize("search", ["float", "int8"])
def test_an_exported_model_has_the_operators_and_the_same_bits(search):
    network = Network(search)
    x = torch.randn(3, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(network, (x,), dynamic_shapes=({0: batch},), strict=False)
    called = [str(node.target) for node in program.graph.nodes if "lutnn" in str(node.target)]
    assert called == ["heliostat_lutnn.conv3x3.default", "heliostat_lutnn.linear.default"]
    for inputs in (x, torch.randn(5, 3, 9, 8, generator=torch.Generator().manual_seed(1))):
        assert torch.equal(program.module()(inputs), network(inputs))


@pytest.mark.parametrize("search", ["float", "int8"])
def test_the_operators_keep_torchs_rules(search):
    tests = ("test_schema", "test_faketensor")
    first, second = layer(3, 9, 4, search), layer(4, 4, 5, search)
    linear, conv3x3 = (getattr(torch.ops.heliostat_lutnn, n).default for n in ("linear", "conv3x3"))
    arguments = (torch.randn(6, 16), *ops._arguments(second))
    torch.library.opcheck(linear, arguments, test_utils=tests)
    arguments = (torch.randn(2, 3, 6, 5), *ops._arguments(first), 1, 0)
    torch.library.opcheck(conv3x3, arguments, test_utils=tests)


def test_outside_of_tracing_the_kernel_is_called_directly():
    first, second = layer(3, 9, 4, "float"), layer(4, 4, 5, "float")
    images, rows = torch.randn(2, 3, 6, 5), torch.randn(6, 16)
    assert torch.equal(ops.conv3x3(images, first), lut_conv3x3(images, first))
    assert torch.equal(ops.linear(rows, second), lut_linear(rows, second))
