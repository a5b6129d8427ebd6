from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.counting import (
    Count,
    count_network,
    count_of,
    madds,
    madds_of,
    params,
    params_of,
)
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.elastic_units import ElasticSpace
from heliostat_methods.pnag.spaces.layout import NetworkLayout
from heliostat_methods.pnag.spaces.moves import sample
from heliostat_methods.pnag.spaces.space import Archs

SPACE = ElasticConvSpace()
IMAGE = (1, 28, 28)


@st.composite
def spaces(draw: st.DrawFn) -> ElasticConvSpace:
    """Any space that the arguments allow, small enough to count."""
    units = draw(st.integers(1, 3))
    some = {"min_size": 1, "max_size": 3, "unique": True}
    return ElasticConvSpace(
        widths=tuple(draw(st.lists(st.integers(1, 9), min_size=units, max_size=units))),
        strides=tuple(draw(st.lists(st.integers(1, 2), min_size=units, max_size=units))),
        depths=tuple(sorted(draw(st.lists(st.integers(1, 4), **some)))),
        kernels=tuple(sorted(draw(st.lists(st.sampled_from([1, 3, 5, 7]), **some)))),
        expands=tuple(sorted(draw(st.lists(st.integers(1, 6), **some)))),
        stem_channels=draw(st.integers(1, 9)),
        stem_stride=draw(st.integers(1, 3)),
        squeeze_excite=draw(st.booleans()),
    )


def test_the_default_is_elasticconv_3() -> None:
    assert isinstance(SPACE, ElasticSpace)
    assert SPACE.size == 8_000
    layout = SPACE.layout(IMAGE, 10)
    channels = [(unit[0].channels_in, unit[0].channels_out) for unit in layout.units]
    assert channels == [(12, 16), (16, 24), (24, 40)]
    assert [unit[0].size for unit in layout.units] == [(14, 14), (14, 14), (7, 7)]
    assert layout.units[-1][-1].size_out == (4, 4)
    assert (layout.stem_stride, layout.stem_activation, layout.first) == (2, "relu6", None)
    assert (layout.final_channels, layout.mix_channels) == (None, None)


def test_counts_of_the_smallest_by_hand() -> None:
    arch = SPACE.elastic.smallest
    assert SPACE.write(arch) == "1,1,1:3,0,3,0,3,0:2,0,2,0,2,0"
    stem = Count(9 * 12 * 196, 9 * 12 + 24)
    first = Count(
        12 * 24 * 196 + 24 * 9 * 196 + 24 * 16 * 196, 12 * 24 + 48 + 24 * 9 + 48 + 24 * 16 + 32
    )
    second = Count(
        16 * 32 * 196 + 32 * 9 * 49 + 32 * 24 * 49, 16 * 32 + 64 + 32 * 9 + 64 + 32 * 24 + 48
    )
    third = Count(
        24 * 48 * 49 + 48 * 9 * 16 + 48 * 40 * 16, 24 * 48 + 96 + 48 * 9 + 96 + 48 * 40 + 80
    )
    total = stem + first + second + third + Count(40 * 10, 40 * 10 + 10)
    layout = SPACE.layout(IMAGE, 10)
    assert count_network(layout, SPACE.blocks(arch), SPACE.middle) == total
    assert madds(layout, SPACE.blocks(arch), SPACE.middle) == total.madds == 441_792
    assert params(layout, SPACE.blocks(arch), SPACE.middle) == total.params


@given(spaces(), st.integers(0, 2**32), st.integers(24, 40))
@settings(deadline=None, max_examples=60)
def test_many_are_counted_as_each_alone_is_and_texts_read_back(
    space: ElasticConvSpace, seed: int, pixels: int
) -> None:
    archs = sample(space, 5, np.random.default_rng(seed))
    image = (3, pixels, pixels + 1)
    layout = space.layout(image, 7)
    alone = [count_network(layout, space.blocks(arch), space.middle) for arch in archs]
    assert madds_of(space, archs, image, 7).tolist() == [each.madds for each in alone]
    assert params_of(space, archs, image, 7).tolist() == [each.params for each in alone]
    for arch in archs:
        assert np.array_equal(space.read(space.write(arch)), arch)
    assert space.encode(archs).shape == (
        5,
        len(space.widths) * space.depths[-1] * (len(space.kernels) + len(space.expands)),
    )
    assert np.array_equal(
        np.unique(space.encode(archs), axis=0).shape[0], np.unique(archs, axis=0).shape[0]
    )


@given(spaces())
@settings(deadline=None, max_examples=30)
def test_the_extremes_are_valid_and_cost_least_and_most(space: ElasticConvSpace) -> None:
    ends = np.stack([space.elastic.smallest, space.elastic.largest])
    assert np.all(space.valid(ends))
    assert np.array_equal(space.canonical(ends), ends)
    archs = np.concatenate([ends, sample(space, 20, np.random.default_rng(0))])
    cost = madds_of(space, archs, (1, 24, 24), 2)
    assert cost[0] == cost.min()
    assert cost[1] == cost.max()


@dataclass(frozen=True)
class Plain:
    """A space of a plugin that says its blocks and nothing of elastic units."""

    inside: ElasticConvSpace

    def layout(self, input_shape: tuple[int, int, int], classes: int) -> NetworkLayout:
        return self.inside.layout(input_shape, classes)

    def __getattr__(self, name: str) -> object:
        if name in ("blocks", "middle"):
            return getattr(self.inside, name)
        raise AttributeError(name)


def test_a_space_without_elastic_units_is_counted_alike() -> None:
    archs = sample(SPACE, 20, np.random.default_rng(1))
    for ours, plain in zip(
        count_of(SPACE, archs, IMAGE, 10), count_of(Plain(SPACE), archs, IMAGE, 10), strict=True
    ):
        assert np.array_equal(ours, plain)
    nothing: Archs = archs[:0]
    assert count_of(Plain(SPACE), nothing, IMAGE, 10)[0].shape == (0,)


def test_kernels_may_be_layer_parts() -> None:
    def layer(name: str, channels: int, stride: int, size: tuple[int, int]) -> Count:
        assert name == "bridge"
        return Count(channels * size[0] * size[1] // stride**2, channels)

    space = ElasticConvSpace(kernels=(3, "bridge"))
    arch = space.read("1,1,1:bridge,0,3,0,3,0:2,0,2,0,2,0")
    assert space.blocks(arch)[0] == (("bridge", 2),)
    layout = space.layout(IMAGE, 10)
    plain = count_network(layout, space.blocks(space.elastic.smallest), space.middle)
    other = count_network(layout, space.blocks(arch), space.middle, layer)
    assert plain.madds - other.madds == 24 * 8 * 196
    assert plain.params - other.params == 24 * 8
    assert madds_of(space, arch[None], IMAGE, 10, layer).tolist() == [other.madds]
    with pytest.raises(ConfigError, match=r"kernel = 'bridge': expected a size, or a way to count"):
        madds(layout, space.blocks(arch), space.middle)
    with pytest.raises(ConfigError, match=r"layer1\.kernel = 'brige'.*did you mean 'bridge'"):
        space.read("1,1,1:brige,0,3,0,3,0:2,0,2,0,2,0")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": ()}, r"widths = \(\): expected whole numbers from 1 on"),
        ({"strides": (1, 0, 1)}, r"strides = \(1, 0, 1\): expected whole numbers from 1 on"),
        ({"strides": (1, 2)}, r"strides = \(1, 2\): expected as many strides as widths, 3"),
        ({"stem_stride": 0}, r"stem_stride = 0: expected at least 1"),
        ({"depths": (2, 1)}, r"depths = \(2, 1\): expected rising whole numbers"),
        ({"expands": (0,)}, r"expands = \(0,\): expected rising whole numbers"),
        ({"kernels": (3, 4)}, r"kernels = \(3, 4\): expected odd sizes.*not 4"),
        ({"kernels": ()}, r"kernels = \(\): expected"),
        ({"kernels": (3, "a,b")}, r"expected names of layer parts without comma"),
        ({"kernels": ("a", "a")}, r"expected different kernels"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ElasticConvSpace(**settings)


def test_images_smaller_than_all_strides_are_refused() -> None:
    assert SPACE.layout((1, 8, 8), 10).units[-1][0].size_out == (1, 1)
    with pytest.raises(ConfigError, match=r"input_shape = \(1, 8, 7\): .*of 8 pixels or more"):
        SPACE.layout((1, 8, 7), 10)
