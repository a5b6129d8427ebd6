"""A variant converts a network, draws from its own generator, and trains widths without decay."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from heliostat.values.canonical import decode, encode
from heliostat_methods.gmconv import DynamicGMConv2d, GMConv2d
from heliostat_methods.gmconv.names import VARIANTS


def network(made: SimpleNamespace, size: int = 5) -> nn.Module:
    model: nn.Module = made.Recipe(size).create((1, 6, 6), 2, torch.Generator().manual_seed(0))
    return model


@pytest.mark.parametrize(
    ("kind", "layers"),
    [
        ("conv", [nn.Conv2d, nn.Conv2d]), ("static", [GMConv2d] * 2), ("fixed", [GMConv2d] * 2),
        ("per_channel", [GMConv2d] * 2), ("circle", [GMConv2d] * 2),
        ("dynamic", [DynamicGMConv2d] * 2), ("mixed", [GMConv2d, DynamicGMConv2d]),
    ],
)  # fmt: skip
def test_a_kind_is_made_of_its_layers(made: SimpleNamespace, kind: str, layers: list[type]) -> None:
    one = made.variant(kind)
    module = one.converted(network(made), torch.Generator().manual_seed(1))
    assert [type(module[k]) for k in (0, 5)] == layers
    assert type(module[4]) is nn.Conv2d
    assert one.sentence == VARIANTS[kind]


def test_what_is_drawn_beside_weights_comes_from_the_generator(made: SimpleNamespace) -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(99 + seed)
        module = made.variant("dynamic").converted(
            network(made), torch.Generator().manual_seed(seed)
        )
        found: torch.Tensor = module[0].squeeze.weight
        return found

    assert torch.equal(drawn(1), drawn(1)) and not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize("kind", ["static", "dynamic", "conv"])
def test_widths_are_in_a_group_without_decay(made: SimpleNamespace, kind: str) -> None:
    one = made.variant(kind, rate_factor=30.0)
    module = one.converted(network(made), torch.Generator().manual_seed(1))
    groups = one.optimiser(module, 0.1, 0.9, 0.01).param_groups
    found = [(g["lr"], g["weight_decay"], g["momentum"]) for g in groups]
    assert found == [(0.1, 0.01, 0.9), (3.0, 0.0, 0.9)][: 1 if kind == "conv" else 2]
    assert sum(len(g["params"]) for g in groups) == len(list(module.parameters()))


def test_a_variant_is_stored_and_read(made: SimpleNamespace) -> None:
    one = made.variant("static", label="static, sigma x30", rate_factor=30.0)
    assert decode(encode(one)) == one
