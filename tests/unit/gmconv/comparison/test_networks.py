"""What a variant makes of a network: parameters, layers, and the radius that masks alone give."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from heliostat import ConfigError
from heliostat_methods.gmconv.comparison.networks import Anatomy, anatomy_of
from heliostat_methods.gmconv.receptive_field.effective import effective_receptive_field


class Given:
    """A recipe that gives one module."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def create(self, shape: Any, outputs: int, generator: torch.Generator) -> nn.Module:
        return self.module


def anatomy(made: SimpleNamespace, kind: str, recipe: Any = None, **more: Any) -> Anatomy:
    return anatomy_of(made.problem(), recipe or made.Recipe(), made.variant(kind, **more))


@pytest.mark.parametrize(
    ("kind", "added"),
    # static: a number for each of two layers; per channel 4 + 4; dynamic h = 4: C_in h + h + h + 1
    [("conv", 0), ("static", 2), ("per_channel", 8), ("fixed", 0), ("dynamic", 13 + 25),
     ("mixed", 1 + 25)],
)  # fmt: skip
def test_parameters_added_are_those_of_the_table(
    made: SimpleNamespace, kind: str, added: int
) -> None:
    found = anatomy(made, kind)
    assert found.parameters - found.plain == added
    assert found.converted == (() if kind == "conv" else ("0", "5"))
    assert [name for name, _ in found.skipped] == ([] if kind == "conv" else ["4"])


def test_looking_at_a_network_draws_nothing_from_torch_s_own_generator(
    made: SimpleNamespace,
) -> None:
    before = torch.get_rng_state()
    anatomy(made, "dynamic")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_disc_leaves_kernels_that_lie_in_it(made: SimpleNamespace) -> None:
    found = anatomy(made, "circle")
    assert found.converted == ()
    assert dict(found.skipped)["0"] == "its kernel is 3x3, all of which lies in the circle"
    assert anatomy(made, "circle", made.Recipe(5)).converted == ("0", "5")


def test_the_predicted_radius_is_what_ones_without_non_linearities_have() -> None:
    """Through a stride, a pool that averages and a kernel behind both."""
    module = nn.Sequential(
        nn.Conv2d(1, 1, 3, bias=False), nn.AvgPool2d(2), nn.Conv2d(1, 1, 5, stride=1, bias=False)
    )
    for part in module.parameters():
        nn.init.ones_(part)
    from heliostat_methods.gmconv import convert_gmconv
    from heliostat_methods.gmconv.comparison.networks import _chain

    chain = _chain(module, (1, 40, 40))
    shaped = Anatomy(0, 0, (), (), chain)
    masked = convert_gmconv(module, sigma_init=1.5).model
    for name in ("0", "2"):
        seen = effective_receptive_field(masked, name, torch.ones(1, 1, 40, 40))
        expected = shaped.predicted_radius(name, {"0": 1.5, "2": 1.5})
        assert expected == pytest.approx(seen.radius, rel=1e-6)


def test_a_layer_off_the_chain_and_a_mask_without_width_have_no_prediction(
    made: SimpleNamespace,
) -> None:
    found = anatomy(made, "static")
    assert found.predicted_radius("9", {}) is None
    assert found.predicted_radius("0", {"0": math.nan}) is None
    assert found.predicted_radius("0", {}) == pytest.approx((2 * 2 / 3) ** 0.5)


class Branched(nn.Module):
    """No plain chain."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).mean((2, 3))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "module",
    [
        Branched(),
        nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2)),
        nn.Sequential(nn.Conv2d(1, 2, (3, 5))),
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.Upsample(scale_factor=2)),
    ],
)
def test_what_is_no_plain_chain_of_square_kernels_has_none(
    made: SimpleNamespace, module: nn.Module
) -> None:
    assert anatomy(made, "static", Given(module)).chain == ()


def test_a_network_without_convolutions_is_refused(made: SimpleNamespace) -> None:
    for module in (nn.Sequential(nn.Linear(3, 2)), nn.Sequential(nn.Conv2d(1, 2, 1))):
        with pytest.raises(ConfigError, match=r"model = 'cnn': expected a network with convol"):
            anatomy(made, "conv", Given(module))


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("static", {"sigma": 0.3, "preserve": True}, "preserve needs a mask of at least 0.001"),
        ("static", {"sigma": 0.01, "sigma_param": "softplus"}, "sigma_init must be above 0.01"),
        ("dynamic", {"sigma": 0.01}, "sigma_init must be above 0.01"),
    ],
)
def test_a_kind_that_the_network_cannot_have_is_refused_by_its_label(
    made: SimpleNamespace, kind: str, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"variants = '{kind}': expected a kind .*{message}"):
        anatomy(made, kind, **more)
    with pytest.raises(ConfigError, match="preserve needs a mask that is nowhere 0"):
        anatomy(made, "circle", made.Recipe(5), preserve=True)
