"""The layer part: typed parameters, weights from the generator alone, dense until it is trained."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from heliostat import PartRef, registry
from heliostat.contract import Layer
from heliostat_methods.lutnn.layers.convolution import LutConv2d
from heliostat_methods.lutnn.parts import PARTS, heliostat_parts
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.supernet.extraction import extract
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.part_layer import PartLayer
from heliostat_methods.pnag.supernet.recalibration import recalibrate

(SPEC,) = PARTS
X = torch.randn(4, 6, 7, 5, generator=torch.Generator().manual_seed(2))
pytestmark = pytest.mark.filterwarnings("ignore:.*fewer than .* distinct pieces")


def recipe(**parameters: Any) -> Any:
    return SPEC.build(SPEC.config(**parameters))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize(
    ("parameters", "channels", "codebooks"),
    [({}, 6, 6), ({"channels": 4, "kernel_size": 4, "bias": True, "length": 10}, 4, 10)],
)
def test_a_part_makes_a_layer_that_keeps_the_size(
    parameters: dict[str, Any], channels: int, codebooks: int
) -> None:
    part = recipe(**parameters)
    assert isinstance(part, Layer)
    first, second = (part.create((6, 7, 5), generator()) for _ in range(2))
    assert type(first) is LutConv2d and first(X).shape == (4, channels, 7, 5)
    assert torch.equal(first(X), second(X))
    assert first.centroids.shape[:2] == (codebooks, 16)
    assert (first.bias is not None) == ("bias" in parameters)
    bound = (6 * first.geometry.taps) ** -0.5
    largest = float(first.weight.detach().abs().max())
    assert 0.8 * bound < largest <= bound


def test_nothing_is_drawn_from_torch_s_own_generator() -> None:
    before = torch.get_rng_state()
    recipe().create((6, 7, 5), generator())
    assert torch.equal(before, torch.get_rng_state())


def test_it_is_dense_until_it_is_trained_and_clusters_what_it_sees_then() -> None:
    layer = recipe().create((6, 7, 5), generator())
    weight = layer.weight.detach().reshape(54, 6).T.reshape(6, 6, 3, 3)
    expected = functional.conv2d(X, weight, padding=1)
    for mode in (False, False):
        torch.testing.assert_close(layer.train(mode)(X), expected, rtol=1e-4, atol=1e-5)
    assert not layer.ready and not layer.centroids.detach().any()
    layer.train()(X)
    assert layer.ready and torch.isfinite(layer.centroids).all()
    kept = layer.centroids.detach().clone()
    layer(2 * X)
    assert torch.equal(layer.centroids, kept)
    assert not torch.allclose(layer.eval()(X), expected)


def test_fewer_pieces_than_centroids_leave_it_dense() -> None:
    layer = recipe(clusters=64).create((6, 7, 5), generator()).train()
    layer(X[:1])  # 35 patches
    assert not layer.ready
    layer(X[:2])
    assert layer.ready


def test_settings_arrive() -> None:
    layer = recipe(
        clusters=5, temperature=0.5, table_scale="per_output", length=3, kernel_size=1
    ).create((6, 7, 5), generator())
    assert layer.centroids.shape == (2, 5, 3)
    assert layer.temperature == pytest.approx(0.5)
    layer.train()(X)
    assert layer.freeze().scale.shape == (6,)


@pytest.mark.parametrize("shape", [(3,), (3, 4), (1, 3, 4, 4)])
def test_shapes_that_no_layer_takes_are_refused(shape: Any) -> None:
    with pytest.raises(ValueError, match=r"^input_shape must be \(channels, height, width\), got"):
        recipe().create(shape, generator())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kernel_size": 0}, "greater than or equal to 1"),
        ({"clusters": 1}, "greater than or equal to 2"),
        ({"clusters": 257}, "less than or equal to 256"),
        ({"temperature": 1.0}, "less than 1"),
        ({"length": 0}, "greater than or equal to 1"),
        ({"table_scale": "per_layr"}, "'per_layer' or 'per_output'"),
        ({"stride": 2}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_are_not_so_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SPEC.config(**parameters)


def test_the_plugin_offers_it_by_name() -> None:
    assert [(one.kind, one.name) for one in heliostat_parts()] == [("layer", "lutnn")]
    part = registry().build_part("layer", PartRef("lutnn", {"clusters": 4}))
    assert part.create((2, 5, 5), generator())(torch.ones(2, 2, 5, 5)).shape == (2, 2, 5, 5)


def space() -> ElasticConvSpace:
    return ElasticConvSpace(widths=(6, 8), strides=(1, 2), kernels=(3, "lutnn"), stem_channels=5)


def test_a_part_takes_the_place_of_a_depthwise_convolution() -> None:
    shape = space().layout((1, 8, 8), 3).units[0][0]
    layer = PartLayer("lutnn", recipe(), 6, shape, generator())
    assert layer(torch.randn(2, 6, *shape.size)).shape == (2, 6, *shape.size_out)


@pytest.mark.parametrize("trained", [False, True])
def test_a_supernet_runs_it_and_extracts_what_it_ran(trained: bool) -> None:
    some = space()
    net = Supernet(some.layout((1, 12, 12), 4), some.middle, generator(), {"lutnn": recipe()})
    blocks = ((("lutnn", 2), (3, 4)), (("lutnn", 4),))
    images = torch.randn(30, 1, 12, 12, generator=generator())
    net.train(trained)
    if trained:
        net(images, blocks).square().sum().backward()
    statistics = recalibrate(net, blocks, images)
    found = [one for one in net.modules() if isinstance(one, LutConv2d) and one.ready]
    assert len(found) == (2 if trained else 0)
    assert all(one.centroids.grad is not None for one in found)
    with torch.no_grad():
        expected = net.eval()(images, blocks, statistics)
        alone = extract(net, blocks, statistics).eval()(images)
    assert expected.shape == (30, 4)
    torch.testing.assert_close(alone, expected, rtol=1e-3, atol=1e-4)
