"""Layers under compilers, exporters, autocast and data-parallel training."""

import pytest
import torch
from torch import distributed, nn

from heliostat_methods.gmconv import DynamicGMConv2d, GMConv2d

layers = pytest.mark.parametrize(
    "make",
    [
        lambda: GMConv2d(2, 3, 3, padding=1, sigma_init=1.0),
        lambda: GMConv2d(2, 3, 5, padding=2, mask="circle"),
        lambda: DynamicGMConv2d(2, 3, 3, padding=1, sigma_init=1.0),
    ],
    ids=["static", "circle", "dynamic"],
)


@layers
def test_a_compiled_layer_gives_what_the_layer_gives(make):
    layer, x = make(), torch.randn(2, 2, 5, 5)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    compiled(x).square().sum().backward()
    found = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    layer(x).square().sum().backward()
    for one, parameter in zip(found, layer.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-4, atol=1e-5)


@layers
def test_an_exported_layer_gives_what_the_layer_gives(make):
    layer, x = make().eval(), torch.randn(2, 2, 5, 5)
    with torch.no_grad():
        layer(x)  # something is kept already
        program = torch.export.export(layer, (x,))
        torch.testing.assert_close(program.module()(x), layer(x))


def test_a_trace_follows_parameters_that_change():
    layer, x = GMConv2d(2, 3, 3, sigma_init=1.0).eval(), torch.randn(2, 2, 5, 5)
    with torch.no_grad():
        layer(x)
        traced = torch.jit.trace(layer, x)
        layer.sigma.fill_(3.0)
        torch.testing.assert_close(traced(x), layer(x))


@layers
def test_autocast_computes_masks_in_float32_and_convolves_in_a_short_type(make):
    layer, x = make(), torch.randn(2, 2, 5, 5)
    wanted = layer(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
        y.float().square().sum().backward()
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), wanted, rtol=0.1, atol=0.1)
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in layer.parameters())
    if isinstance(layer, DynamicGMConv2d):
        assert layer.last_sigma.dtype == torch.float32


@layers
def test_data_parallel_training_finds_every_parameter_used(make, tmp_path):
    distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1
    )
    try:
        parallel = nn.parallel.DistributedDataParallel(make())
        for _ in range(2):  # the second step fails where a parameter had no gradient in the first
            parallel(torch.randn(2, 2, 5, 5)).square().sum().backward()
        assert all(p.grad is not None for p in parallel.parameters())
    finally:
        distributed.destroy_process_group()
