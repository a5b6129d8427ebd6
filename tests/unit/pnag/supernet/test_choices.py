from typing import Any

import numpy as np
import pytest

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.supernet.choices import SubnetChoices


def test_largest_and_smallest(choices: SubnetChoices) -> None:
    assert choices.largest == (((5, 4),) * 2,) * 2
    assert choices.smallest == (((3, 2),),) * 2


def test_the_largest_network_has_filters_where_there_are_layer_parts(space: Any) -> None:
    mixed = ElasticConvSpace(widths=(6,), strides=(1,), kernels=(3, "zz"), stem_channels=5)
    choices = SubnetChoices(mixed.layout((1, 12, 12), 4), ((1, 2),))
    assert choices.largest == (((3, 4), (3, 4)),)
    drawn = [choices.draw(np.random.default_rng(i)) for i in range(20)]
    assert any(kernel == "zz" for blocks in drawn for kernel, _ in blocks[0])


@pytest.mark.parametrize("kernel", [False, True])
@pytest.mark.parametrize("depth", [False, True])
@pytest.mark.parametrize("width", [False, True])
def test_what_is_not_to_vary_is_the_largest(
    choices: SubnetChoices, kernel: bool, depth: bool, width: bool
) -> None:
    rng = np.random.default_rng(0)
    drawn = [choices.draw(rng, kernel, depth, width) for _ in range(60)]
    assert {len(unit) for blocks in drawn for unit in blocks} == ({1, 2} if depth else {2})
    assert {k for blocks in drawn for unit in blocks for k, _ in unit} == (
        {3, 5} if kernel else {5}
    )
    assert {e for blocks in drawn for unit in blocks for _, e in unit} == ({2, 4} if width else {4})


@pytest.mark.parametrize(
    ("depths", "message"),
    [
        (((1, 2),), r"depths = .*: expected depths for each of 2 units"),
        (((1, 2), (1,)), r"depths\[1\] = \(1,\): expected depths from 1 to 2"),
        (((0, 2), (2,)), r"depths\[0\] = \(0, 2\): expected depths from 1 to 2"),
    ],
)
def test_depths_that_the_layout_has_not_are_refused(
    choices: SubnetChoices, depths: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        SubnetChoices(choices.layout, depths)
