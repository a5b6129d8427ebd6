from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.extraction import extract
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.recalibration import recalibrate

PLAIN = [(((5, 4), (3, 2)), ((3, 4),)), (((3, 2),), ((3, 2), (5, 2))), (((5, 4),) * 2,) * 2]
GATED = [(((7, 4), (5, 3)), ((3, 2),)), (((3, 3),), ((7, 2), (5, 4)))]


def agree(net: Supernet, blocks: Any, images: Tensor) -> nn.Module:
    """Fold a subnet and compare, within float32 rounding relative to the greatest logit."""
    statistics = recalibrate(net, blocks, images, batch=30)
    module = extract(net, blocks, statistics).eval()
    with torch.no_grad():
        wanted, found = net(images, blocks, statistics), module(images)
    assert (found - wanted).abs().max() <= 2e-5 * wanted.abs().max()
    return module


@pytest.mark.parametrize("blocks", PLAIN)
def test_an_extracted_subnet_says_what_the_supernet_says(
    build: Any, space: Any, images: Tensor, blocks: Any
) -> None:
    module = agree(build(space), blocks, images)
    assert not any("norm" in name.lower() for name, _ in module.named_modules())


@pytest.mark.parametrize("blocks", GATED)
def test_gates_and_h_swish_are_kept(build: Any, gated: Any, images: Tensor, blocks: Any) -> None:
    agree(build(gated), blocks, images)


def test_a_mobilenet_is_extracted() -> None:
    space = OFAMobileNetV3Space(width=0.5, resolution=32)
    net = Supernet(space.layout((3, 32, 32), 10), space.middle, torch.Generator().manual_seed(0))
    images = torch.randn(30, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    agree(net, SubnetChoices(net.layout, ((2, 3, 4),) * 5).smallest, images)


class Turned:
    def create(self, input_shape: tuple[int, ...], generator: torch.Generator) -> nn.Module:
        return nn.Sequential(nn.Flatten(2), nn.Tanh(), nn.Unflatten(2, input_shape[1:]))


def test_a_layer_part_goes_along(build: Any, images: Tensor) -> None:
    space = ElasticConvSpace(widths=(6, 8), strides=(1, 2), kernels=(3, "turn"), stem_channels=5)
    net = build(space, layers={"turn": Turned()})
    agree(net, ((("turn", 2), (3, 4)), (("turn", 4),)), images)


def test_an_extracted_subnet_can_be_trained(
    build: Any, space: Any, images: Tensor, labels: Tensor
) -> None:
    net = build(space)
    module = extract(net, PLAIN[0], recalibrate(net, PLAIN[0], images))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimiser = torch.optim.Adam(module.parameters(), 3e-3)
    losses = []
    for _ in range(25):
        optimiser.zero_grad()
        loss = F.cross_entropy(module(images), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert all(p.requires_grad for p in module.parameters())
    assert losses[-1] < 0.7 * losses[0]
    after = net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_statistics_or_blocks_of_another_network_are_refused(
    build: Any, space: Any, images: Tensor
) -> None:
    net = build(space)
    statistics = recalibrate(net, PLAIN[0], images)
    message = r"statistics of units\[0\]\[0\].expand: 20 channels, the subnet has 10"
    with pytest.raises(DataError, match=message):
        extract(net, (((5, 2),), ((3, 4),)), statistics)
    with pytest.raises(DataError, match=r"units\[1\]\[1\].expand: none channels"):
        extract(net, (((5, 4), (3, 2)), ((3, 4), (3, 2))), statistics)
    with pytest.raises(ConfigError, match=r"kernel = 9"):
        extract(net, (((9, 2),), ((3, 4),)), statistics)
