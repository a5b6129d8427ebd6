"""Costs of networks are counted as the formulas say, and bytes are those of what is shipped."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from heliostat.values.canonical import decode, encode
from heliostat_methods.lutnn.baselines.conversion import convert_int8, maddness_of
from heliostat_methods.lutnn.converting.convert import LutConversion, convert_lut
from heliostat_methods.lutnn.converting.files import state_bytes
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.converting.policy import LutPolicy
from heliostat_methods.lutnn.layers.frozen import FrozenLut
from heliostat_methods.lutnn.training.accounts import (
    NetworkCost,
    dense_cost,
    int8_cost,
    layer_accounts,
    lookup_cost,
    plain_numbers,
)

# the last of five codebooks is half zeros that fill it up
pytestmark = pytest.mark.filterwarnings("ignore:.*fewer than .* distinct pieces")
X = torch.from_numpy(np.random.default_rng(3).normal(size=(32, 1, 6, 6)).astype(np.float32))


@pytest.fixture
def network(small: SimpleNamespace) -> nn.Module:
    model: nn.Module = small.Recipe().create((1, 6, 6), 2, torch.Generator().manual_seed(0))
    return model.eval()


def converted(small: SimpleNamespace, network: nn.Module, kind: str, **more: Any) -> LutConversion:
    return convert_lut(network, small.variant(kind, **more).policy(1_000), X)


def test_a_dense_network_by_hand(network: nn.Module) -> None:
    cost, by_layer = dense_cost(network, X[:1])
    assert by_layer == {
        "0": 36 * 4 * 9, "4": 9 * 4 * 4, "5": 9 * 4 * 36, "9": 36 * 6, "11": 6 * 2,
    }  # fmt: skip
    assert cost.macs == sum(by_layer.values())
    numbers = (4 * 9 + 4) + (2 * 4 + 2 * 4) + (16 + 4) + (144 + 4) + (36 * 6 + 6) + (6 * 2 + 2)
    assert cost.bytes == 4 * numbers + 8  # statistics count their batches in 8 bytes


def test_looking_leaves_mode_and_hooks(network: nn.Module) -> None:
    network.train()
    before = [p.clone() for p in network.buffers()]
    first, _ = dense_cost(network, X[:1])
    assert network.training and first == dense_cost(network, X[:1])[0]
    assert all(torch.equal(a, b) for a, b in zip(before, network.buffers(), strict=True))
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("batch", [4, 16, 32])
def test_accounts_are_of_one_sample_whatever_the_batches(
    small: SimpleNamespace, network: nn.Module, batch: int
) -> None:
    done = convert_lut(network, small.variant().policy(1_000), list(torch.split(X, batch)))
    found = {one.name: one for one in layer_accounts(done, batch)}
    _, by_layer = dense_cost(network, X[:1])
    assert {name: one.dense_macs for name, one in found.items()} == {
        name: by_layer[name] for name in ("4", "5", "9")
    }


@pytest.mark.parametrize(
    ("name", "rows", "features", "outputs", "length", "codebooks"),
    [("4", 9, 4, 4, 2, 2), ("5", 9, 36, 4, 9, 4), ("9", 1, 36, 6, 8, 5)],
)
@pytest.mark.parametrize("kind", ["lutnn", "per_output"])
def test_a_layer_by_the_formulas(
    small: SimpleNamespace, network: nn.Module, kind: str, name: str, rows: int, features: int,
    outputs: int, length: int, codebooks: int,
) -> None:  # fmt: skip
    done = converted(small, network, kind)
    (one,) = [row for row in layer_accounts(done, len(X)) if row.name == name]
    assert (one.features, one.outputs, one.length, one.codebooks) == (
        features, outputs, length, codebooks,
    )  # fmt: skip
    assert one.dense_macs == rows * features * outputs
    assert one.lookup_macs == rows * (codebooks * length * 16 + codebooks * outputs)
    assert one.dense_bytes == 4 * features * outputs
    assert one.int8_bytes == features * outputs + 4
    scales = outputs if kind == "per_output" else 1
    assert one.lookup_bytes == 16 * codebooks * (outputs + 4 * length) + 4 * scales
    assert 0 < one.error < 1


@pytest.mark.parametrize("kind", ["lutnn", "per_output", "all_layers"])
def test_bytes_are_those_of_the_frozen_network(
    small: SimpleNamespace, network: nn.Module, kind: str
) -> None:
    done = converted(small, network, kind)
    cost, _ = dense_cost(network, X[:1])
    found = lookup_cost(cost, layer_accounts(done, len(X)))
    frozen = freeze_lut(done.model)
    layers = [module for module in frozen.modules() if isinstance(module, FrozenLut)]
    # each keeps the step of its inputs besides, which a float search has not
    assert found.bytes == state_bytes(frozen) - 4 * len(layers)
    assert len(layers) == (5 if kind == "all_layers" else 3)


def test_int8_weights_take_a_byte_and_a_scale_a_layer(network: nn.Module) -> None:
    cost, _ = dense_cost(network, X[:1])
    found = int8_cost(cost, network)
    assert found.macs == cost.macs
    assert cost.bytes - found.bytes == 3 * (36 * 6 + 6 * 2) - 4 * 2
    assert sum("quantized" in type(m).__module__ for m in convert_int8(network).modules()) >= 2


def test_without_lookups_a_network_costs_what_it_does() -> None:
    assert lookup_cost(NetworkCost(7, 9), ()) == NetworkCost(7, 9)


def test_numbers_are_apart_from_the_module_and_stored(network: nn.Module) -> None:
    found = plain_numbers(network.state_dict())
    with torch.no_grad():
        network.get_parameter("9.weight").zero_()
    assert np.abs(found["9.weight"]).max() > 0 and found["1.num_batches_tracked"].shape == ()
    again = decode(encode(found))
    assert all(np.array_equal(again[name], part) for name, part in found.items())


def test_accounts_are_stored_and_read(small: SimpleNamespace, network: nn.Module) -> None:
    some = layer_accounts(converted(small, network, "lutnn"), len(X))
    assert decode(encode(some)) == some


def test_float_tables_take_four_bytes_a_number() -> None:
    plain = nn.Sequential(nn.Linear(16, 6), nn.Linear(6, 2))
    x = torch.randn(64, 16, generator=torch.Generator().manual_seed(0))
    done = convert_lut(plain, LutPolicy(linear=8, only_faster="no"), x)
    (quantised,), (whole,) = layer_accounts(done, 64), layer_accounts(done, 64, float_tables=True)
    assert quantised.lookup_bytes == 2 * 16 * 6 + 4 * 2 * 8 * 16 + 4
    assert whole.lookup_bytes == 4 * (2 * 16 * 6 + 2 * 8 * 16)


def test_maddness_has_errors_of_its_own() -> None:
    plain = nn.Sequential(nn.Linear(16, 6), nn.Linear(6, 2))
    x = torch.randn(64, 16, generator=torch.Generator().manual_seed(0))
    done = maddness_of(plain, ["0"], {"0": 8}, [x])
    exact = x @ plain[0].weight.T
    ours = done.model[0](x) - plain[0].bias
    assert done.errors["0"] == pytest.approx(float((ours - exact).norm() / exact.norm()), rel=1e-4)
    with pytest.raises(ValueError, match="names: '2', expected linear layers"):
        maddness_of(plain, ["2"], {"2": 8}, [x])
