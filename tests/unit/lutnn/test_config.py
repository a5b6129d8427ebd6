"""What a configuration of the method refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat import ConfigError
from heliostat.cli.fields import field_texts
from heliostat.contract import validate
from heliostat_methods.lutnn.config import LutNNConfig
from heliostat_methods.lutnn.method import DEMO, METHOD, PAPER, SMOKE, heliostat_methods
from heliostat_methods.lutnn.names import DENSE, UNTRAINED, VARIANTS


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"variants": ["dense", "lutn"]},
            r"variants\[1\] = 'lutn': expected the name of a variant; did you mean 'lutnn'",
        ),
        (
            {"variants": ["madness"]},
            r"variants\[0\] = 'madness': expected the name of a variant; did you mean 'maddness'",
        ),
        ({"variants": []}, r"variants = "),
        ({"variants": ["pq", "pq"]}, r"variants = \['pq', 'pq'\]: expected each once"),
        ({"keep": ["a", "a"]}, r"keep = \['a', 'a'\]: expected each once"),
        ({"timed_batches": [2, 2]}, r"timed_batches = \[2, 2\]: expected each once"),
        ({"timed_batches": [0]}, r"timed_batches.* = 0"),
        ({"timed_batches": [65_537]}, r"timed_batches.* = 65537"),
        ({"rate_factors": [1.0, 1.0]}, r"rate_factors = \[1.0, 1.0\]: expected each once"),
        ({"rate_factors": []}, r"rate_factors = "),
        ({"rate_factors": [-1.0]}, r"rate_factors.* = -1"),
        (
            {"fractions": [0.8, 0.0, 0.2]},
            r"fractions = \(0.8, 0.0, 0.2\): expected three shares above 0 that sum to 1",
        ),
        ({"fractions": [0.8, 0.2, 0.2]}, r"fractions = .*: expected three shares above 0 that"),
        (
            {"calibration_rows": 100, "clusters": 128},
            r"calibration_rows = 100: expected at least clusters, 128",
        ),
        ({"calibration_rows": 15}, r"calibration_rows = 15"),
        ({"linear": 0}, r"linear = 0"),
        ({"convolution": 0}, r"convolution = 0"),
        ({"pointwise": 5_000}, r"pointwise = 5000"),
        ({"clusters": 1}, r"clusters = 1"),
        ({"clusters": 257}, r"clusters = 257"),
        ({"convert": "probe"}, r"convert = 'probe'"),
        ({"temperature": 1.0}, r"temperature = 1"),
        ({"temperature": 0}, r"temperature = 0"),
        ({"temperature": float("nan")}, r"temperature = nan"),
        ({"learning_rate": 0}, r"learning_rate = 0"),
        ({"tuning_rate": float("inf")}, r"tuning_rate = inf"),
        ({"temperature_rate": -1}, r"temperature_rate = -1"),
        ({"steps": 0}, r"steps = 0"),
        ({"tuning_steps": 0}, r"tuning_steps = 0"),
        ({"weight_decay": -1}, r"weight_decay = -1"),
        ({"schedule": "step"}, r"schedule = 'step'"),
        ({"batch_size": 0}, r"batch_size = 0"),
        ({"rate_growths": -1}, r"rate_growths = -1"),
        ({"rate_seeds": 0}, r"rate_seeds = 0"),
        ({"seeds": 0}, r"seeds = 0"),
        ({"metric": "r2"}, r"metric = 'r2'"),
        ({"device": "tpu"}, r"device = 'tpu'"),
        ({"tuning_step": 3}, r"tuning_step.*did you mean .*tuning_steps"),
    ],
)
def test_a_bad_field_is_named_with_its_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(LutNNConfig, values)


def test_one_name_stands_for_a_list_of_one() -> None:
    found = validate(LutNNConfig, {"variants": "lutnn", "keep": "head"})
    assert found.variants == ("lutnn",) and found.keep == ("head",)


def test_nothing_has_to_be_set() -> None:
    assert "required" not in [one.default for one in field_texts(LutNNConfig)]
    assert set(validate(LutNNConfig, {}).variants) <= set(VARIANTS)


@pytest.mark.parametrize("preset", [SMOKE, DEMO, PAPER])
def test_presets_are_configurations(preset: dict[str, Any]) -> None:
    found = validate(LutNNConfig, preset)
    assert found.variants[0] == "dense" and {"pq", "lutnn"} <= set(found.variants)


def test_the_method_is_offered_with_its_presets() -> None:
    assert heliostat_methods() == [METHOD] and METHOD.config is LutNNConfig
    assert set(METHOD.presets) == {"smoke", "demo", "paper"}
    assert {name: one.direction for name, one in METHOD.outputs.items()} == {
        "test_metric": "min", "difference": "min", "size_ratio": "max",
    }  # fmt: skip


def test_names_without_steps_or_without_lookups_are_variants() -> None:
    assert set(UNTRAINED) | set(DENSE) <= set(VARIANTS)
    assert set(UNTRAINED) & set(DENSE) == {"dense", "int8"}
