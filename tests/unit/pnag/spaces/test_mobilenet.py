import numpy as np
import pytest

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.elastic_units import ElasticSpace
from heliostat_methods.pnag.spaces.layout import TrainableSpace, make_divisible
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.spaces.moves import sample
from heliostat_methods.pnag.spaces.space import SearchSpace

SPACE = OFAMobileNetV3Space()
# Specification 5.1, counted there by hooks on the authors' module: multiply-adds, parameters.
MOBILE_80 = (
    "2,3,3,3,3:3,3,0,0,3,5,3,0,3,3,5,0,3,3,5,0,5,5,7,0:3,3,0,0,4,3,3,0,4,4,4,0,4,6,6,0,6,6,3,0"
)
CPU_30 = "2,2,3,3,3:5,5,0,0,5,5,0,0,7,5,7,0,3,5,5,0,7,5,5,0:3,3,0,0,4,3,0,0,4,3,3,0,6,4,4,0,6,6,6,0"
GPU_190 = (
    "3,4,4,4,4:3,3,5,0,7,3,5,7,7,7,5,3,7,5,7,5,7,3,7,3:4,4,6,0,6,4,6,6,6,6,6,6,6,6,6,6,6,6,6,6"
)
COUNTS = {MOBILE_80: (350104560, 7336256), CPU_30: (336165936, 7638920)} | {
    GPU_190: (641395568, 10432568)
}
EXTREMES = {
    (1.0, "smallest"): (121278672, 3410792),
    (1.0, "largest"): (566170656, 7664760),
    (1.2, "smallest"): (193078200, 4602456),
    (1.2, "largest"): (843101040, 10701632),
}


def test_it_follows_the_protocols() -> None:
    for protocol in (SearchSpace, TrainableSpace, ElasticSpace):
        assert isinstance(SPACE, protocol)


def test_its_size_and_decisions() -> None:
    assert SPACE.size == 7371**5 == 21758655492572485851
    assert len(SPACE.decisions) == 45
    assert [decision.name for decision in SPACE.decisions[:4]] == [
        "unit1.depth",
        "unit1.layer1.expand",
        "unit1.layer1.kernel",
        "unit1.layer2.expand",
    ]


@pytest.mark.parametrize(("text", "counts"), COUNTS.items())
def test_multiply_adds_and_parameters_of_the_authors_models(
    text: str, counts: tuple[int, int]
) -> None:
    arch = SPACE.read(text)
    assert (SPACE.madds(arch), SPACE.params(arch)) == counts
    assert SPACE.write(arch) == text


@pytest.mark.parametrize(("which", "counts"), EXTREMES.items())
def test_multiply_adds_and_parameters_of_the_extremes(
    which: tuple[float, str], counts: tuple[int, int]
) -> None:
    space = OFAMobileNetV3Space(width=which[0])
    arch = getattr(space.elastic, which[1])
    assert (space.madds(arch), space.params(arch)) == counts


def test_widths_at_the_default_multiplier() -> None:
    layout = SPACE.layout((3, 224, 224), 1000)
    widths = [layout.stem_channels, *(unit[0].channels_out for unit in layout.units)]
    assert [*widths, layout.final_channels, layout.mix_channels] == [
        *(24, 32, 48, 96, 136, 192, 1152, 1536)
    ]
    assert [make_divisible(value) for value in (1, 12, 19.2, 8.9, 110)] == [8, 16, 24, 16, 112]


def test_strides_activations_and_squeeze_excite_of_the_units() -> None:
    layout = SPACE.layout((3, 224, 224), 1000)
    assert [[shape.stride for shape in unit] for unit in layout.units] == [
        [stride, 1, 1, 1] for stride in (2, 2, 2, 1, 2)
    ]
    assert [unit[0].activation for unit in layout.units] == ["relu"] * 2 + ["h_swish"] * 3
    assert [unit[0].squeeze_excite for unit in layout.units] == [False, True, False, True, True]
    assert layout.units[-1][-1].size_out == (7, 7)
    assert layout.first is not None
    assert layout.first.adds_input


def test_the_encoding_holds_all_kernels_then_all_expand_ratios() -> None:
    encoded = SPACE.encode(SPACE.read(MOBILE_80)[None])[0]
    assert encoded.shape == (120,)
    kernels, expands = encoded[:60].reshape(20, 3), encoded[60:].reshape(20, 3)
    text = [[int(value) for value in part.split(",")] for part in MOBILE_80.split(":")]
    assert (kernels @ [3, 5, 7]).tolist() == text[1]
    assert (expands @ [3, 4, 6]).tolist() == text[2]


def test_text_and_blocks_read_back() -> None:
    for arch in sample(SPACE, 40, np.random.default_rng(0)):
        assert np.array_equal(SPACE.read(SPACE.write(arch)), arch)
        assert np.array_equal(SPACE.elastic.of_blocks(SPACE.blocks(arch)), arch)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2,3,3,3,3:", "", r"expected depths:kernels:expands; it has 2 parts"),
        ("2,3,3,3,3:", "2,3,3,3:", r"depths = '2,3,3,3': expected 5 values .*it has 4"),
        (":3,3,0,0,3", ":3,3,0,0", r"kernels = .*expected 20 values .*it has 19"),
        (
            "2,3,3,3,3:",
            "5,3,3,3,3:",
            r"unit1\.depth = 5: .* one of 2, 3, 4; the nearest is 4",
        ),
        (":3,3,0,0,3", ":3,9,0,0,3", r"unit1\.layer2\.kernel = 9: .*3, 5, 7; the nearest is 7"),
        (":3,3,0,0,4", ":3,5,0,0,4", r"unit1\.layer2\.expand = 5: .*3, 4, 6; the nearest is 4"),
        (":3,3,0,0,3", ":3,3,5,0,3", r"unit1\.layer3\.kernel = 5: expected 0; a unit of depth 2"),
        (":3,3,0,0,4", ":3,3,0,4,4", r"unit1\.layer4\.expand = 4: expected 0; a unit of depth 2"),
        (":3,3,0,0,3", ":3,0,0,0,3", r"unit1\.layer2\.kernel = 0: .*the nearest is 3"),
        (":3,3,0,0,3", ":3,x,0,0,3", r"unit1\.layer2\.kernel = 'x': .*valid choices: 3, 5, 7"),
        (":3,3,0,0,4", ":3,x,0,0,4", r"expands = 'x': expected whole numbers"),
    ],
)
def test_bad_text_is_named(old: str, new: str, message: str) -> None:
    text = MOBILE_80.replace(old, new, 1)
    assert text != MOBILE_80
    with pytest.raises(ConfigError, match=message):
        SPACE.read(text)


def test_bad_settings_are_named() -> None:
    with pytest.raises(ConfigError, match=r"width = 0: expected a width multiplier"):
        OFAMobileNetV3Space(width=0)
    with pytest.raises(ConfigError, match=r"resolution = 16: expected at least 32 pixels"):
        OFAMobileNetV3Space(resolution=16)
    with pytest.raises(ConfigError, match=r"input_shape = \(1, 28, 28\): .*32 pixels or more"):
        SPACE.layout((1, 28, 28), 10)
    with pytest.raises(ConfigError, match=r"classes = 1: expected at least two classes"):
        SPACE.layout((3, 32, 32), 1)


def test_blocks_of_another_network_are_named() -> None:
    blocks = SPACE.blocks(SPACE.elastic.smallest)
    with pytest.raises(ConfigError, match=r"blocks = 4: expected 5 units"):
        SPACE.elastic.of_blocks(blocks[:4])
    with pytest.raises(ConfigError, match=r"unit5\.depth = 1: .*the nearest is 2"):
        SPACE.elastic.of_blocks((*blocks[:4], blocks[4][:1]))
