"""Layer parts in a search: counted as they say or as torch counts, timed as they are shipped."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from heliostat import PartRef, registry
from heliostat.errors import ConfigError
from heliostat_methods.pnag.cost.latency_table import LatencyTable, Setting
from heliostat_methods.pnag.cost.timed_block import TimedBlock, filled
from heliostat_methods.pnag.spaces.layout import BlockShape
from heliostat_methods.pnag.supernet.part_cost import as_shipped, count_of_parts, shipped_part

SHAPE = BlockShape(8, 8, 1, (6, 5), "relu", False, ("given",), (1,))


class Layer(nn.Conv2d):
    """A convolution that is shipped as another module and says what it computes."""

    def shipped(self) -> nn.Module:
        return nn.Identity()


class Saying(Layer):
    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        return 7 * input_shape[0]


class Recipe:
    def __init__(self, kind: type[nn.Conv2d]) -> None:
        self.kind = kind

    def create(self, input_shape: tuple[int, ...], generator: torch.Generator) -> nn.Module:
        made = self.kind(input_shape[0], input_shape[0], 3, padding=1, bias=False)
        nn.init.normal_(made.weight, generator=generator)
        return made


def test_torch_counts_what_says_nothing_of_itself() -> None:
    count = count_of_parts({"given": Recipe(nn.Conv2d)})
    found = count("given", 8, 1, (6, 5))
    assert (found.madds, found.params) == (8 * 8 * 9 * 30, 8 * 8 * 9)


def test_a_layer_is_counted_as_it_says() -> None:
    assert count_of_parts({"given": Recipe(Saying)})("given", 8, 1, (6, 5)).madds == 56


def test_what_inference_runs_is_timed_and_keeps_its_numbers() -> None:
    def part(name: str, middle: int, shape: BlockShape) -> nn.Module:
        return shipped_part(name, Recipe(Layer), middle, shape, torch.Generator().manual_seed(0))

    block = TimedBlock(SHAPE, "given", 1, 8, part)
    kinds = [type(one) for one in block.modules()]
    assert nn.Identity in kinds and Layer not in kinds
    given = shipped_part(
        "given", Recipe(nn.Conv2d), 8, SHAPE, torch.Generator().manual_seed(0)
    ).layer  # fmt: skip
    block = TimedBlock(
        SHAPE, "given", 1, 8, lambda name, middle, shape: shipped_part(
            name, Recipe(nn.Conv2d), middle, shape, torch.Generator().manual_seed(0)
        ),
    )  # fmt: skip
    made = filled(block, torch.Generator().manual_seed(5), torch.float32)
    kept = [one for one in made.modules() if type(one) is nn.Conv2d and one.groups == 1]
    assert torch.equal(kept[0].weight, given.weight)
    assert made(torch.zeros(2, 8, 6, 5)).shape == (2, 8, 6, 5)


def test_a_network_is_copied_before_it_is_shipped() -> None:
    network = nn.Sequential(Layer(2, 2, 1), nn.ReLU())
    assert isinstance(as_shipped(network)[0], nn.Identity)
    assert isinstance(network[0], Layer)


@pytest.mark.parametrize("name", ["lutnn", "gmconv", "gmconv_dynamic"])
def test_built_in_layers_are_counted_and_timed(name: str) -> None:
    layer = registry().build_part("layer", PartRef(name))
    found = count_of_parts({name: layer})(name, 8, 2, (6, 5))
    assert found.madds > 0 and found.params > 0
    shape = BlockShape(8, 8, 2, (6, 5), "relu", False, (name,), (1,))
    made = shipped_part(name, layer, 8, shape, torch.Generator().manual_seed(0))
    assert made(torch.zeros(1, 8, 6, 5)).shape == (1, 8, 3, 3)
    if name == "lutnn":
        assert type(made.layer).__name__ == "FrozenLutConv2d"
        assert found.madds == 30 * 8 * (16 * 9 + 8)


def test_a_table_of_other_layers_is_refused() -> None:
    from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace

    layout = ElasticConvSpace().layout((1, 8, 8), 10)
    from heliostat_methods.pnag.cost.latency_probe import Timing
    from heliostat_methods.pnag.cost.latency_table import keys_of

    time = Timing(1, 1.0, 0.0, 0.0, 1.0)
    timed = {key: time for key in keys_of(layout, Setting())}
    table = LatencyTable(layout, Setting(), timed, time, layers=("gmconv",))
    assert table.of_layout(layout, ["gmconv"]).layers == ("gmconv",)
    with pytest.raises(ConfigError, match=r"layers = .*lutnn.*that were timed"):
        table.of_layout(layout, [{"name": "lutnn", "clusters": 8}])
