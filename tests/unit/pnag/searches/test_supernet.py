"""A supernet as a run sees it: blocks of networks, and what they cost."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pnag_problems import SMALL, Context, problem

from heliostat import PartRef, Resources
from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.cost.latency_probe import Timing
from heliostat_methods.pnag.cost.latency_table import LatencyTable, Setting, keys_of
from heliostat_methods.pnag.searches.supernet import (
    Trained,
    costs_of,
    latency_table_of,
    resources_of,
)
from heliostat_methods.pnag.spaces.counting import count_of
from heliostat_methods.pnag.spaces.moves import all_architectures
from heliostat_methods.pnag.supernet.paths import distinct_prefixes
from heliostat_methods.pnag.training.building import checked_layout

GIVEN = problem()
LAYOUT = checked_layout(GIVEN, SMALL)
ARCHS = all_architectures(SMALL)


def table(layout: Any = LAYOUT) -> LatencyTable:
    timed = Timing(6, 0.5, 0.01, 0.001, 0.4)
    return LatencyTable(layout, Setting(), dict.fromkeys(keys_of(layout, Setting()), timed), timed)


def costs(quantity: str, of: LatencyTable | None = None) -> Any:
    named = {} if of is None else {"latency": "run:mine"}
    config = PNAGConfig.model_validate({"quantity": quantity, **named})
    run = SimpleNamespace(part=lambda kind, ref: of)
    table = latency_table_of(config, checked_layout(GIVEN, SMALL), cast(Any, run))
    return costs_of(GIVEN, SMALL, table, {})


def test_networks_cost_what_is_counted_and_what_a_table_says() -> None:
    archs = ARCHS[::31]
    found = costs("latency", table())(archs)
    madds, params = count_of(SMALL, archs, (1, 8, 8), 3)
    assert_array_equal(found["madds"], madds)
    assert_array_equal(found["params"], params)
    blocks = [sum(map(len, SMALL.blocks(arch))) for arch in archs]
    assert_array_equal(found["latency"], 0.5 + 0.5 * np.array(blocks))
    assert sorted(costs("madds")(archs)) == ["madds", "params"]


def test_a_table_of_other_networks_is_refused_before_anything_is_trained() -> None:
    other = table(SMALL.layout((1, 28, 28), 3))
    with pytest.raises(ConfigError, match=r"input_shape = \(1, 8, 8\): expected \(1, 28, 28\)"):
        costs("madds", other)
    few = replace(table(), entries=dict(list(table().entries.items())[1:]))
    with pytest.raises(DataError, match="the latency table has no block of"):
        costs("latency", few)
    with pytest.raises(ConfigError, match=r"latency = None: .*heliostat latency build makes one"):
        costs("latency")


def test_a_layer_that_kernels_name_has_to_be_given() -> None:
    space = replace(SMALL, kernels=(3, "blurred"))
    message = "layers = .*: expected the layer 'blurred' among them, which the space's kernels name"
    with pytest.raises(ConfigError, match=message):
        checked_layout(GIVEN, space)
    with pytest.raises(ConfigError, match="each name once, 'blurred' stands there twice"):
        checked_layout(problem(layers=(PartRef("blurred"), PartRef("blurred", {"size": 5}))), space)
    assert checked_layout(problem(layers=(PartRef("blurred"),)), space) == space.layout(
        (1, 8, 8), 3
    )


class Recorder:
    """A run that answers an evaluation with the place of each network, and keeps the items."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def map(self, task: Any, items: list[Any], **how: Any) -> list[Any]:
        self.items += items
        rows = {arch.tobytes(): place for place, arch in enumerate(ARCHS)}
        found = [np.array([rows[arch.tobytes()] / 400 for arch in item.archs]) for item in items]
        return [SimpleNamespace(unwrap=lambda value=value: value) for value in found]


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_networks_that_begin_alike_share_a_block_and_come_back_in_order(block: int) -> None:
    ctx, run = Context(), Recorder()
    handle: Any = ctx.share("anything")
    net = Trained(
        GIVEN, handle, handle, cast(Any, None), SMALL, GIVEN.space, costs("madds"), "madds",
        Resources(),
    )  # fmt: skip
    asked = np.random.default_rng(3).permutation(400)[:60]
    found = net.accuracies(ARCHS[asked], cast(Any, run), block)
    assert_array_equal(found, asked / 400)
    assert [len(item.archs) for item in run.items[:-1]] == [block] * (len(run.items) - 1)

    def evaluated(parts: list[Any]) -> int:
        return sum(distinct_prefixes([SMALL.blocks(a) for a in part]) for part in parts)

    as_asked = [ARCHS[asked][at : at + block] for at in range(0, 60, block)]
    assert evaluated([item.archs for item in run.items]) <= evaluated(as_asked)


@pytest.mark.parametrize(
    ("device", "resources"),
    [("cpu", Resources()), ("cuda", Resources(gpus=1)), ("auto", Resources(gpus=1, or_cpu=True))],
)
def test_what_tasks_need_follows_from_the_device(device: str, resources: Resources) -> None:
    assert resources_of(PNAGConfig.model_validate({"device": device})) == resources
