"""What a configuration of the method refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat import ConfigError
from heliostat.cli.fields import field_texts
from heliostat.contract import validate
from heliostat_methods.gmconv.config import GMConvConfig
from heliostat_methods.gmconv.method import DEMO, METHOD, PAPER, SMOKE


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"variants": ["conv", "statik"]},
            r"variants\[1\] = 'statik': expected the name of a variant; did you mean 'static'",
        ),
        ({"variants": []}, r"variants = "),
        ({"variants": ["conv", "conv"]}, r"variants = \['conv', 'conv'\]: expected each once"),
        ({"fixed_sigmas": [1.0, 1.0]}, r"fixed_sigmas = \[1.0, 1.0\]: expected each once"),
        ({"fixed_sigmas": []}, r"fixed_sigmas = "),
        ({"fixed_sigmas": [0.0]}, r"fixed_sigmas.* = 0"),
        ({"fixed_sigmas": [2e6]}, r"fixed_sigmas.* = 2000000"),
        (
            {"further_rate_factors": [3.0, 3.0]},
            r"further_rate_factors = \[3.0, 3.0\]: expected each once",
        ),
        (
            {"variants": ["conv", "dynamic"], "further_rate_factors": [30.0]},
            r"further_rate_factors = \[30.0\]: expected nothing without static",
        ),
        ({"rate_factors": [1.0, 1.0]}, r"rate_factors = \[1.0, 1.0\]: expected each once"),
        ({"rate_factors": []}, r"rate_factors = "),
        ({"rate_factors": [-1.0]}, r"rate_factors.* = -1"),
        (
            {"fractions": [0.8, 0.0, 0.2]},
            r"fractions = \(0.8, 0.0, 0.2\): expected three shares above 0 that sum to 1",
        ),
        ({"fractions": [0.8, 0.2, 0.2]}, r"fractions = .*: expected three shares above 0 that"),
        ({"fractions": [0.5, 0.2, 0.2]}, r"fractions = .*: expected three shares above 0 that"),
        ({"sigma_init": 0}, r"sigma_init = 0"),
        ({"sigma_init": float("inf")}, r"sigma_init = inf"),
        ({"sigma_init": 2e4}, r"sigma_init = 20000"),
        ({"sigma_param": "log"}, r"sigma_param = 'log'"),
        ({"sigma_rate_factor": 0}, r"sigma_rate_factor = 0"),
        ({"reduction": 0}, r"reduction = 0"),
        ({"learning_rate": 0}, r"learning_rate = 0"),
        ({"learning_rate": float("nan")}, r"learning_rate = nan"),
        ({"momentum": 1.0}, r"momentum = 1.0"),
        ({"weight_decay": -1}, r"weight_decay = -1"),
        ({"schedule": "step"}, r"schedule = 'step'"),
        ({"batch_size": 0}, r"batch_size = 0"),
        ({"steps": 0}, r"steps = 0"),
        ({"rate_growths": -1}, r"rate_growths = -1"),
        ({"rate_seeds": 0}, r"rate_seeds = 0"),
        ({"seeds": 0}, r"seeds = 0"),
        ({"receptive_inputs": -1}, r"receptive_inputs = -1"),
        ({"device": "tpu"}, r"device = 'tpu'"),
        ({"metric": "r2"}, r"metric = 'r2'"),
        ({"sigma": 2.0}, r"sigma"),
    ],
)
def test_a_bad_field_is_named_with_its_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(GMConvConfig, values)


def test_one_name_stands_for_a_list_of_one() -> None:
    assert validate(GMConvConfig, {"variants": "static"}).variants == ("static",)


def test_nothing_has_to_be_set() -> None:
    assert "required" not in [one.default for one in field_texts(GMConvConfig)]


@pytest.mark.parametrize("preset", [SMOKE, DEMO, PAPER])
def test_presets_are_configurations(preset: dict[str, Any]) -> None:
    made = validate(GMConvConfig, preset)
    assert made.variants[:2] == ("conv", "static") and METHOD.config is GMConvConfig
