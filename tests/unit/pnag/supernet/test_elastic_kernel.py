import pytest
import torch

from heliostat.errors import ConfigError
from heliostat_methods.pnag.supernet.elastic_kernel import ElasticKernel


def kernel(sizes: tuple[int, ...] = (3, 5, 7)) -> ElasticKernel:
    return ElasticKernel(4, sizes, torch.Generator().manual_seed(0))


def test_smaller_filters_start_as_the_centre_of_the_largest() -> None:
    made = kernel()
    for size, cut in ((7, 0), (5, 1), (3, 2)):
        centre = made.weight[:, :, cut : 7 - cut, cut : 7 - cut]
        assert torch.equal(made.filters(size, 0, 4), centre)


def test_maps_have_the_sizes_of_the_paper_and_are_the_identity_at_the_start() -> None:
    shapes = {name: tuple(m.shape) for name, m in kernel().maps.items()}
    assert shapes == {"5": (25, 25), "3": (9, 9)}
    assert all(torch.equal(m, torch.eye(len(m))) for m in kernel().maps.values())


def test_filters_of_three_come_from_those_of_five_and_all_channels_share_the_map() -> None:
    made = kernel()
    with torch.no_grad():
        made.maps["5"].copy_(2 * torch.eye(25))
        made.maps["3"].copy_(torch.eye(9).flip(0))  # the last pixel first
    five = made.filters(5, 0, 4)
    assert torch.equal(five, 2 * made.weight[:, :, 1:6, 1:6])
    turned = five[:, :, 1:4, 1:4].flatten(2).flip(2).view(4, 1, 3, 3)
    assert torch.equal(made.filters(3, 0, 4), turned)
    assert torch.equal(made.filters(3, 1, 3), turned[1:3])


def test_a_gradient_reaches_weights_and_the_maps_on_the_way() -> None:
    made = kernel()
    made.filters(3, 0, 2).sum().backward()
    assert made.maps["5"].grad is not None and made.maps["3"].grad is not None
    assert made.weight.grad is not None
    assert bool((made.weight.grad[:2, :, 2:5, 2:5] == 1).all())
    assert not made.weight.grad[2:].any()


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"kernel = 4: expected an odd number of pixels"):
        kernel((3, 4))
