from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from heliostat.errors import DataError
from heliostat_methods.pnag.supernet.recalibration import recalibrate

BLOCKS = (((5, 4), (3, 2)), ((3, 4),))


def test_moments_are_averaged_over_images(build: Any, space: Any, images: Tensor) -> None:
    net = build(space)
    found = recalibrate(net, BLOCKS, images[:50], batch=20)["stem"]
    h = F.conv2d(images[:50], net.stem_weight, stride=2, padding=1).detach().double()
    parts = [h[:20], h[20:40], h[40:]]
    mean = sum(len(p) * p.mean((0, 2, 3)) for p in parts) / 50
    variance = sum(len(p) * p.var((0, 2, 3), correction=0) for p in parts) / 50
    torch.testing.assert_close(found[0].double(), mean, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found[1].double(), variance, atol=1e-6, rtol=1e-5)


def test_every_place_of_the_subnet_has_moments_of_its_width(
    build: Any, space: Any, images: Tensor
) -> None:
    found = recalibrate(build(space), BLOCKS, images, batch=30)
    assert {name: len(mean) for name, (mean, _) in found.items()} == {
        "stem": 5,
        "units[0][0].expand": 20, "units[0][0].inner": 20, "units[0][0].project": 6,
        "units[0][1].expand": 12, "units[0][1].inner": 12, "units[0][1].project": 6,
        "units[1][0].expand": 24, "units[1][0].inner": 24, "units[1][0].project": 8,
    }  # fmt: skip


def test_one_batch_gives_what_training_would_normalise_by(
    build: Any, space: Any, images: Tensor
) -> None:
    net = build(space)
    statistics = recalibrate(net, BLOCKS, images, batch=90)
    torch.testing.assert_close(
        net(images, BLOCKS, statistics), net(images, BLOCKS), atol=1e-4, rtol=1e-4
    )


def test_the_network_keeps_nothing(build: Any, space: Any, images: Tensor) -> None:
    net = build(space)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    recalibrate(net, BLOCKS, images)
    after = net.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_too_few_values_for_a_variance_are_refused(build: Any, space: Any) -> None:
    tiny = space.layout((1, 4, 4), 4)
    from heliostat_methods.pnag.supernet.network import Supernet

    net = Supernet(tiny, space.middle, torch.Generator().manual_seed(0))
    with pytest.raises(DataError, match=r"batch of 1 with 1 x 1 places has 1; take larger"):
        recalibrate(net, BLOCKS, torch.zeros(3, 1, 4, 4), batch=2)


def test_statistics_of_another_subnet_are_refused(build: Any, space: Any, images: Tensor) -> None:
    net = build(space)
    statistics = recalibrate(net, (((3, 2),), ((3, 2),)), images)
    with pytest.raises(DataError, match=r"units\[0\]\[0\].expand: .*another subnet"):
        net(images, (((3, 4),), ((3, 2),)), statistics)
    with pytest.raises(DataError, match=r"units\[0\]\[1\].expand: .*another subnet"):
        net(images, (((3, 2), (3, 2)), ((3, 2),)), statistics)
