from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.cost.latency_probe import Timing
from heliostat_methods.pnag.cost.latency_table import (
    LatencyTable,
    Setting,
    block_key,
    keys_of,
    read_table,
)
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.spaces.moves import sample_distinct

SPACE = ElasticConvSpace()
LAYOUT = SPACE.layout((1, 28, 28), 10)
SETTING = Setting(batch=4)


def time_of(seconds: float) -> Timing:
    return Timing(6, seconds, seconds / 100, seconds / 1000, 0.9 * seconds)


def table(space: Any = SPACE, layout: Any = LAYOUT) -> LatencyTable:
    """A table whose entries are powers of two, so that sums say what is in them."""
    keys = keys_of(layout, SETTING)
    entries = {key: time_of(2.0**-place) for place, key in enumerate(keys)}
    return LatencyTable(layout, SETTING, entries, time_of(8.0))


def test_a_space_of_8000_networks_has_24_blocks() -> None:
    """The specification's table of ElasticConv-3 has 24 block entries."""
    assert len(keys_of(LAYOUT, SETTING)) == 24


def test_blocks_of_one_shape_in_one_unit_share_an_entry() -> None:
    layout = OFAMobileNetV3Space().layout((3, 224, 224), 1000)
    assert sum(map(len, layout.units)) * 9 == 180
    assert len(keys_of(layout, SETTING)) == 5 * 2 * 9  # first blocks, and the three behind them


def test_the_latency_of_a_network_is_the_sum_of_its_blocks_and_the_shared_part() -> None:
    found, places = table(), {key: i for i, key in enumerate(keys_of(LAYOUT, SETTING))}
    for arch in sample_distinct(SPACE, 20, np.random.default_rng(0)):
        blocks = SPACE.blocks(arch)
        keys = [block_key(u, LAYOUT.units[u][l], *choice, SETTING)
                for u, row in enumerate(blocks) for l, choice in enumerate(row)]  # fmt: skip
        assert found.latency(blocks) == 8.0 + sum(2.0 ** -places[key] for key in keys)
    archs = sample_distinct(SPACE, 5, np.random.default_rng(1))
    assert found.latencies(SPACE, archs).tolist() == [found.latency(SPACE.blocks(a)) for a in archs]


def test_a_block_that_was_not_measured_is_named_and_never_0() -> None:
    found = table()
    gone = list(found.entries)[5]
    less = replace(found, entries={k: t for k, t in found.entries.items() if k != gone})
    blocks = SPACE.blocks(SPACE.elastic.largest)
    choice = (gone.kernel, gone.expand)
    blocks = tuple(tuple(choice if (u, l) == (0, 1) else b for l, b in enumerate(row))
                   for u, row in enumerate(blocks))  # fmt: skip
    words = (
        r"no block of unit 0, 16 to 16 channels at 14 x 14, stride 1, kernel 3, expand 4, no "
        r"squeeze-and-excite, relu6, batch 4, 1 thread, float32; measure it"
    )
    with pytest.raises(DataError, match=words):
        less.latency(blocks)
    with pytest.raises(DataError, match="kernel 7, expand 2"):
        found.block(0, 0, 7, 2)


def test_it_is_read_back_as_it_was_written() -> None:
    space = OFAMobileNetV3Space(width=1.0)
    for found in (table(), table(space, space.layout((3, 64, 64), 10))):
        assert read_table(found.plain()) == found
        noisy = replace(found, noisy="loaded")
        assert read_table(noisy.plain()).noisy == "loaded"


def test_a_layout_with_fewer_choices_uses_the_table_of_a_larger_one() -> None:
    found, small = table(), ElasticConvSpace(kernels=(3,), depths=(1,))
    layout = small.layout((1, 28, 28), 10)
    used = found.of_layout(layout)
    arch = small.elastic.smallest
    assert used.latency(small.blocks(arch)) == found.latency(small.blocks(arch))


@pytest.mark.parametrize(
    ("space", "images", "error", "words"),
    [
        (SPACE, (1, 32, 32), ConfigError, r"input_shape = \(1, 32, 32\): expected \(1, 28, 28\)"),
        (replace(SPACE, stem_channels=8), (1, 28, 28), ConfigError, "stem_channels = 8"),
        (replace(SPACE, kernels=(3, 5, 7)), (1, 28, 28), DataError,
         "no block of unit 0, 12 to 16 channels at 14 x 14, stride 1, kernel 7.*11 more are"),
        (replace(SPACE, squeeze_excite=True), (1, 28, 28), DataError, "with squeeze-and-excite"),
    ],
)  # fmt: skip
def test_a_table_of_other_networks_is_refused(
    space: Any, images: Any, error: Any, words: str
) -> None:
    with pytest.raises(error, match=words):
        table().of_layout(space.layout(images, 10))


def test_what_a_table_is_worth_is_told() -> None:
    assert table().remarks == []
    told = replace(table(), error=0.214, noisy="no free core").remarks
    assert told[0].endswith("off by 21.4 % on average")
    assert told[1] == "the latency table is noisy: no free core"
