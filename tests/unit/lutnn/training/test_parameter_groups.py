"""Groups for an optimiser: every parameter once, no decay of temperatures and centroids."""

from __future__ import annotations

import torch
from torch import nn

from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.training.parameter_groups import lut_param_groups


def model(**settings):
    layers = [
        LutLinear.from_tensors(
            torch.randn(2, 4, 3), torch.randn(2, 3, 6), torch.zeros(6),
            settings=LutSettings(**settings),
        ) for _ in range(2)
    ]  # fmt: skip
    return nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), layers[0], layers[1], layers[0])


def test_every_parameter_is_in_one_group_and_once():
    net = model()
    groups = lut_param_groups(net, 0.01, temperature_lr=0.5, centroid_lr=0.02, weight_decay=0.3)
    found = [p for group in groups for p in group["params"]]
    assert len({id(p) for p in found}) == len(found)
    assert {id(p) for p in found} == {id(p) for p in net.parameters()}
    layers = (net[2], net[3])
    temperatures, centroids, others = groups
    assert [id(p) for p in temperatures["params"]] == [id(layer.theta) for layer in layers]
    assert [id(p) for p in centroids["params"]] == [id(layer.centroids) for layer in layers]
    assert [(g["lr"], g["weight_decay"]) for g in groups] == [(0.5, 0), (0.02, 0), (0.01, 0.3)]
    assert any(p is net[2].weight for p in others["params"])
    torch.optim.SGD(groups)


def test_rates_by_default():
    groups = lut_param_groups(model(), 0.01)
    assert [(g["lr"], g["weight_decay"]) for g in groups] == [(0.1, 0), (0.01, 0), (0.01, 0)]


def test_what_is_not_learned_is_left_out():
    net = model(learn_temperature=False, learn_weight=False)
    net[0].weight.requires_grad_(False)
    groups = lut_param_groups(net)
    assert len(groups) == 2
    found = {id(p) for group in groups for p in group["params"]}
    assert found == {id(p) for p in net.parameters() if p.requires_grad}
    assert id(net[2].weight) not in found
    assert id(net[2].theta) not in found


def test_a_plain_model_has_one_group():
    (group,) = lut_param_groups(nn.Linear(3, 2), 0.5, weight_decay=0.1)
    assert (group["lr"], group["weight_decay"], len(group["params"])) == (0.5, 0.1, 2)


def test_decay_does_not_move_centroids_and_temperatures():
    net = model()
    before = {name: value.clone() for name, value in net.named_parameters()}
    optimiser = torch.optim.SGD(lut_param_groups(net, 0.1, weight_decay=0.5))
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    for name, value in net.named_parameters():
        kept = name.endswith(("theta", "centroids")) or not bool(before[name].any())
        assert torch.equal(value, before[name]) == kept, name
