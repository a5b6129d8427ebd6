"""What a configuration of the method refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat import ConfigError
from heliostat.contract import validate
from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_methods.strokegan.glyph_sets import renderer
from heliostat_methods.strokegan.method import DEMO, PAPER, SMOKE, SUITE
from heliostat_methods.strokegan.names import VARIANTS
from heliostat_methods.strokegan.training import variants
from heliostat_methods.strokegan.training.settings import TrainingSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"variants": "strokegan_pluss"}, r"variants\[0\] = 'strokegan_pluss'.*'strokegan_plus'"),
        ({"variants": ["cyclegan", "cyclegan"]}, r"variants = .*: expected each once"),
        ({"targets": []}, r"targets = "),
        ({"targets": ["a", "a"]}, r"targets = \['a', 'a'\]: expected each once"),
        (
            {"targets": "sample-kai"},
            r"targets = 'sample-kai': expected fonts other than",
        ),
        (
            {"critics": "sample-kuaile"},
            r"critics\[0\] = 'sample-kuaile': expected a font that",
        ),
        ({"characters": 19}, r"characters = 19"),
        ({"characters": 30}, r"train_share = 0.8: expected a share that leaves 10 characters"),
        ({"size": 30}, r"size.* = 30"),
        ({"size": 12}, r"size.* = 12"),
        ({"channels": 2}, r"channels = 2"),
        ({"pairs": 0}, r"pairs = 0"),
        ({"strategy": "best"}, r"strategy = 'best'"),
        ({"seeds": 0}, r"seeds = 0"),
        ({"steps": 0}, r"steps = 0"),
        ({"stroke_weight": -1}, r"stroke_weight.* = -1"),
        ({"stroke_weight": float("nan")}, r"stroke_weight.* = nan"),
        ({"stroke_loss": "l2"}, r"stroke_loss = 'l2'"),
        ({"warm_start": 1.0}, r"warm_start = 1"),
        ({"device": "gpu"}, r"device = 'gpu'"),
        ({"redrawn": "mine"}, r"redrawn = 'mine': expected begin, a run that goes on with it"),
        ({"rate_factors": []}, r"rate_factors = \[\]"),
        ({"rate_factors": [1, 3, 1.0]}, r"rate_factors = \[1.0, 3.0, 1.0\]: expected each once"),
        ({"rate_factors": [0]}, r"rate_factors.* = 0"),
        ({"rate_factors": [1, 2e6]}, r"rate_factors.* = 2000000"),
        ({"rate_growths": -1}, r"rate_growths = -1"),
        ({"rate_targets": 0}, r"rate_targets = 0"),
        ({"rate_seeds": 0}, r"rate_seeds = 0"),
        ({"average": -0.1}, r"average = -0.1"),
        ({"average": 1}, r"average = 1"),
        ({"average": float("nan")}, r"average = nan"),
        ({"unpaired": -1}, r"unpaired = -1"),
        ({"unpaired": 30_001}, r"unpaired = 30001"),
        ({"precision": "float16"}, r"precision = 'float16'"),
        ({"memory_format": "nhwc"}, r"memory_format = 'nhwc'"),
    ],
)
def test_what_is_refused_and_how(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(StrokeGANConfig, values)


@pytest.mark.parametrize(
    "values",
    [
        {"average": 0.0},
        {"average": 0.9999},
        {"unpaired": 0},
        {"unpaired": 30_000},
        {"precision": "bfloat16", "memory_format": "channels_last"},
        {"precision": "auto", "memory_format": "auto"},
        {"rate_factors": (0.3, 1.0, 3.0), "rate_growths": 0},
        {"begin": "run:last", "redrawn": "mine"},
    ],
)
def test_what_lies_within_the_bounds_is_taken(values: dict[str, Any]) -> None:
    made = validate(StrokeGANConfig, values)
    for name in values.keys() - {"begin"}:
        assert getattr(made, name) == values[name]
    training = made.training()
    assert training["average"] == made.average
    assert (training["precision"], training["memory_format"]) == (
        made.precision,
        made.memory_format,
    )


def test_presets_are_configurations_and_settings_of_every_variant() -> None:
    for preset in (SMOKE, DEMO, PAPER):
        config = validate(StrokeGANConfig, preset)
        base = TrainingSettings(**config.training())
        for name in VARIANTS:
            assert variants.variant_settings(name, base).image_size == config.size


def test_the_suite_is_a_configuration_and_settings_of_every_variant() -> None:
    config = validate(StrokeGANConfig, SUITE)
    base = TrainingSettings(**config.training())
    assert base.warm_start == 0.25 * config.steps
    for name in config.contestants():
        assert variants.variant_settings(name, base).average == config.average


def test_the_controls_are_always_there_and_names_are_those_of_training() -> None:
    made = validate(StrokeGANConfig, {"variants": ["strokegan_plus"]})
    assert made.contestants() == ("copy_source", "l1_pairs_only", "strokegan_plus")
    assert set(VARIANTS) == set(variants.VARIANTS)


def test_fonts_that_are_not_here_are_named() -> None:
    with pytest.raises(ConfigError, match=r"source = 'nofont'.*expected a font that is here"):
        renderer("source", "nofont", 32)
