"""Generators: the authors' sizes, any side from 16 to 128, weights from a given generator."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from heliostat_methods.strokegan.networks.polyphase import PolyphaseConv2d
from heliostat_methods.strokegan.networks.residual_generator import ResnetGenerator
from heliostat_methods.strokegan.networks.unet_generator import UNetGenerator


def numbers(module: nn.Module) -> int:
    return sum(part.numel() for part in module.parameters())


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# counted in the authors' networks
@pytest.mark.parametrize(("blocks", "count"), [(9, 11_378_179), (6, 7_837_699)])
def test_residual_generator_has_the_authors_number_of_parameters(blocks: int, count: int) -> None:
    assert numbers(ResnetGenerator(3, 64, blocks)) == count


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 32), st.sampled_from([1, 3]))
def test_every_multiple_of_four_is_drawn_within_minus_one_and_one(quarter: int, c: int) -> None:
    side = 4 * quarter
    x = torch.rand(2, c, side, side) * 2 - 1
    for network in (ResnetGenerator(c, 2, 1), UNetGenerator(c, 2, side), UNetGenerator(
            c, 2, side, fonts=2)):  # fmt: skip
        made = network(x)
        assert made.shape == x.shape
        assert bool(made.isfinite().all()) and float(made.detach().abs().max()) <= 1


@pytest.mark.parametrize(
    ("side", "near"),
    [(0, "16"), (12, "16"), (17, "16 and 20"), (30, "28 and 32"), (63, "60 and 64")],
)
def test_other_sides_are_refused_with_the_nearest(side: int, near: str) -> None:
    with pytest.raises(ValueError, match=f"got {side}; nearest valid: {near}$"):
        UNetGenerator(1, 2, side)
    if side:
        with pytest.raises(ValueError, match=f"nearest valid: {near}$"):
            ResnetGenerator(1, 2, 1)(torch.ones(1, 1, side, side))


@pytest.mark.parametrize("make", [
    lambda: ResnetGenerator(0), lambda: ResnetGenerator(1, 0), lambda: ResnetGenerator(1, 1, -1),
    lambda: UNetGenerator(1, 2, 16, fonts=-1),
    lambda: ResnetGenerator(1, 2, 1)(torch.ones(1, 3, 16, 16)),
    lambda: UNetGenerator(1, 2, 16)(torch.ones(1, 1, 20, 20)),
    lambda: UNetGenerator(1, 2, 16)(torch.ones(1, 1, 16, 16), torch.zeros(1, dtype=torch.int64)),
])  # fmt: skip
def test_what_cannot_be_is_refused(make) -> None:
    with pytest.raises(ValueError, match=r"must|but"):
        make()


def test_first_weights_are_those_of_a_generator_and_leave_the_global_one() -> None:
    one, same, other = (ResnetGenerator(1, 16, 2, seeded(seed)) for seed in (1, 1, 2))
    for name, weight in one.named_parameters():
        assert torch.equal(weight, same.get_parameter(name))
        if name.endswith("bias"):
            assert not weight.any()
        else:
            assert not torch.equal(weight, other.get_parameter(name))
    wide = one.get_parameter("layers.10.body.1.weight")
    assert float(wide.detach().std()) == pytest.approx(0.02, rel=0.05)
    assert float(wide.detach().mean()) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    "network", [ResnetGenerator(1, 8, 2, seeded()), UNetGenerator(1, 8, 32, 0, 4, seeded())]
)
def test_a_batch_in_one_pass_is_as_its_parts(network: nn.Module) -> None:
    a, b = torch.rand(2, 3, 1, 32, 32) * 2 - 1
    apart = torch.cat([network(a), network(b)])
    assert torch.allclose(network(torch.cat([a, b])), apart, atol=1e-5)


def test_a_font_changes_what_is_drawn_and_the_code_does_not() -> None:
    network = UNetGenerator(1, 4, 16, fonts=2, generator=seeded())
    assert network.fonts is not None
    with torch.no_grad():
        network.fonts.weight.mul_(100)
    x, fonts = torch.rand(2, 1, 16, 16), torch.tensor([0, 1])
    made, code = network.drawn(x, fonts)
    assert torch.equal(network(x)[0], made[0])
    assert not torch.allclose(network(x)[1], made[1])
    assert torch.equal(code, network.encode(x))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 7), st.integers(1, 5), st.booleans())
def test_polyphase_convolution_is_the_plain_one(
    channels: int, out: int, kernel: int, quarter: int, bias: bool
) -> None:
    fast = PolyphaseConv2d(channels, out, kernel, bias=bias).double()
    plain = nn.Conv2d(channels, out, kernel, bias=bias).double()
    plain.load_state_dict(fast.state_dict())
    for side in (4 * quarter, 4 * quarter + 1):
        x = torch.randn(2, channels, side + kernel - 1, side + kernel - 1, dtype=torch.float64)
        found = []
        for network in (fast, plain):
            given = x.clone().requires_grad_()
            made = network(given)
            slopes = torch.autograd.grad(made.square().sum(), (given, *network.parameters()))
            found.append((made, *slopes))
        for left, right in zip(*found, strict=True):
            assert torch.allclose(left, right, atol=1e-9)
