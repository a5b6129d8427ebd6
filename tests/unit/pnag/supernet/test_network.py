from typing import Any

import pytest
import torch
from torch import Tensor

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.network import Supernet

# params of the largest network, from the authors' modules (specification 5.1)
PARAMS = {1.0: 7664760, 1.2: 10701632}


@pytest.fixture(scope="module")
def ofa() -> Supernet:
    space = OFAMobileNetV3Space(width=1.0, resolution=32)
    return Supernet(space.layout((3, 32, 32), 1000), space.middle, torch.Generator().manual_seed(0))


def test_the_largest_mobilenet_has_the_parameters_of_the_authors(ofa: Supernet) -> None:
    maps = sum(p.numel() for name, p in ofa.named_parameters() if ".maps." in name)
    assert maps == 20 * (25**2 + 9**2)
    assert sum(p.numel() for p in ofa.parameters()) - maps == PARAMS[1.0]


def test_any_mobilenet_runs_forward_and_backward(ofa: Supernet) -> None:
    choices = SubnetChoices(ofa.layout, ((2, 3, 4),) * 5)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    for blocks in (choices.smallest, choices.largest):
        logits = ofa(images, blocks)
        assert logits.shape == (4, 1000) and bool(torch.isfinite(logits).all())
    logits.square().mean().backward()
    unused = [name for name, p in ofa.named_parameters() if p.grad is None and ".maps." not in name]
    assert unused == []


def test_weights_come_from_the_generator_alone(space: Any) -> None:
    def weights(seed: int) -> list[Tensor]:
        layout = space.layout((1, 12, 12), 4)
        net = Supernet(layout, space.middle, torch.Generator().manual_seed(seed))
        return list(net.parameters())

    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = weights(3)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    assert all(torch.equal(a, b) for a, b in zip(first, weights(3), strict=True))
    assert not torch.equal(first[0], weights(4)[0])


def test_sorting_channels_keeps_the_largest_network(build: Any, gated: Any, images: Tensor) -> None:
    net = build(gated)
    choices = SubnetChoices(net.layout, (gated.depths,) * 2)
    before, small = net(images, choices.largest), net(images, choices.smallest)
    net.sort_channels()
    torch.testing.assert_close(net(images, choices.largest), before, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(net(images, choices.smallest), small, atol=1e-3)


def test_formats_of_memory_agree_up_to_rounding(build: Any, space: Any, images: Tensor) -> None:
    net = build(space)
    blocks = (((5, 4), (3, 2)), ((3, 4),))
    last = net(images, blocks)
    net.memory_format = "contiguous"
    torch.testing.assert_close(net(images, blocks), last, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ((((3, 2),),), r"units = 1: expected 2 units"),
        ((((3, 2),), ()), r"depth of units\[1\] = 0: expected 1 to 2 blocks"),
        ((((3, 2),) * 3, ((3, 2),)), r"depth of units\[0\] = 3: expected 1 to 2 blocks"),
        ((((3, 2),), ((7, 2),)), r"units\[1\]\[0\].kernel = 7: expected 3 or 5"),
        ((((3, 2),), ((3, 6),)), r"units\[1\]\[0\].expand = 6: expected 2 or 4"),
    ],
)
def test_an_architecture_of_another_network_is_refused(
    build: Any, space: Any, images: Tensor, blocks: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        build(space)(images, blocks)


def test_images_of_another_shape_are_refused(build: Any, space: Any) -> None:
    with pytest.raises(DataError, match=r"images of shape \(3, 12, 12\).*\(1, 12, 12\)"):
        build(space)(torch.zeros(2, 3, 12, 12), (((3, 2),), ((3, 2),)))


def test_an_unknown_format_of_memory_is_refused(space: Any) -> None:
    layout = space.layout((1, 12, 12), 4)
    with pytest.raises(ConfigError, match=r"memory_format = 'channel_last'.*'channels_last'"):
        Supernet(layout, space.middle, torch.Generator(), memory_format="channel_last")  # type: ignore[arg-type]
