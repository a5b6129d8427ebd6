"""Layer parts: typed parameters, weights from the generator alone, their place in a supernet."""

import pytest
import torch
from pydantic import ValidationError

from heliostat.contract import Layer
from heliostat_methods.gmconv import DynamicGMConv2d, GMConv1d, GMConv2d
from heliostat_methods.gmconv.parts import PARTS, heliostat_parts
from heliostat_methods.pnag.supernet.part_layer import PartLayer

BY_NAME = {spec.name: spec for spec in PARTS}


def recipe(name, **parameters):
    spec = BY_NAME[name]
    return spec.build(spec.config(**parameters))


def generator():
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize(
    ("name", "kind"), [("gmconv", GMConv2d), ("gmconv_dynamic", DynamicGMConv2d)]
)
@pytest.mark.parametrize(
    ("parameters", "channels", "groups"),
    [({}, 6, 6), ({"depthwise": False, "channels": 4, "kernel_size": 4, "bias": True}, 4, 1)],
)
def test_a_part_makes_a_layer_that_keeps_the_size(name, kind, parameters, channels, groups):
    part = recipe(name, sigma_init=2.0, **parameters)
    assert isinstance(part, Layer)
    before = torch.get_rng_state()
    first, second = (part.create((6, 7, 5), generator()) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert type(first) is kind
    assert first.groups == groups
    x = torch.randn(2, 6, 7, 5)
    assert first(x).shape == (2, channels, 7, 5)
    assert torch.equal(first(x), second(x))
    sigma = first.last_sigma if kind is DynamicGMConv2d else first.sigma.detach()
    torch.testing.assert_close(sigma, torch.full_like(sigma, 2.0))
    bound = first.weight[0].numel() ** -0.5
    assert 0.8 * bound < float(first.weight.detach().abs().max()) <= bound


def test_settings_of_the_mask_arrive():
    layer = recipe("gmconv", learn_sigma=False, per_channel=True, sigma_param="softplus").create(
        (3, 8), generator()
    )
    assert type(layer) is GMConv1d
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    torch.testing.assert_close(layer.effective_sigma(), torch.full((3,), 5.0))
    dynamic = recipe("gmconv_dynamic", reduction=1, per_channel=True).create((8, 4, 4), generator())
    assert dynamic.squeeze.weight.shape == (8, 8)
    assert dynamic.predict.bias.shape == (8,)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_part_takes_the_place_of_a_depthwise_convolution(name):
    from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace

    space = ElasticConvSpace(kernels=(3, name))
    layout = space.layout((1, 8, 8), 3)
    shape = layout.units[0][0]
    layer = PartLayer(name, recipe(name), 6, shape, generator())
    assert layer(torch.randn(2, 6, *shape.size)).shape == (2, 6, *shape.size_out)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("gmconv", {"kernel_size": 1}, "greater than or equal to 2"),
        ("gmconv", {"sigma_init": 0.0}, "greater than 0.01"),
        ("gmconv", {"sigma_param": "log"}, "'raw' or 'softplus'"),
        ("gmconv_dynamic", {"reduction": 0}, "greater than or equal to 1"),
        ("gmconv_dynamic", {"learn_sigma": True}, "Extra inputs are not permitted"),
        ("gmconv", {"channels": 4}, "depthwise = true keeps the channels .*, got channels = 4"),
    ],
)
def test_parameters_that_are_not_so_are_refused(name, parameters, message):
    with pytest.raises(ValidationError, match=message):
        BY_NAME[name].config(**parameters)


def test_shapes_that_no_layer_takes_are_refused():
    with pytest.raises(ValueError, match=r"^input_shape must be channels and .*, got \(3,\)$"):
        recipe("gmconv").create((3,), generator())
    with pytest.raises(ValueError, match=r"^input_shape must be \(channels, .*, got \(3, 4\)$"):
        recipe("gmconv_dynamic").create((3, 4), generator())


def test_the_plugin_offers_both():
    assert [(spec.kind, spec.name) for spec in heliostat_parts()] == [
        ("layer", "gmconv"),
        ("layer", "gmconv_dynamic"),
    ]
