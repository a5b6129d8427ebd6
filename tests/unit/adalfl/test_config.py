"""What a configuration of the method refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat import ConfigError
from heliostat.cli.fields import field_texts
from heliostat.contract import validate
from heliostat_methods.adalfl.config import AdaLFLConfig
from heliostat_methods.adalfl.names import ADAPTIVE, METHODS, START


def test_every_contestant_has_a_beginning_and_those_that_adapt_are_contestants() -> None:
    assert list(START) == list(METHODS)
    assert set(ADAPTIVE) <= set(METHODS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"methods": ["task_loss", "adafl"]},
            r"methods\[1\] = 'adafl': expected the name of a contestant; did you mean 'adalfl'",
        ),
        ({"methods": []}, r"methods = "),
        ({"methods": ["ml3", "ml3"]}, r"methods = \['ml3', 'ml3'\]: expected each once"),
        ({"meta_rates": [1e-3, 1e-3]}, r"meta_rates = \[0.001, 0.001\]: expected each once"),
        ({"rate_factors": [1.0, 1.0]}, r"rate_factors = \[1.0, 1.0\]: expected each once"),
        (
            {"methods": ["task_loss"], "meta_rates": [1e-3]},
            r"meta_rates = \[0.001\]: expected nothing without adalfl",
        ),
        (
            {"inner_sweep": [5]},
            r"inner_sweep = \[5\]: expected nothing without adalfl_offline",
        ),
        (
            {"methods": ["adalfl_offline"], "inner_sweep": [5, 5]},
            r"inner_sweep = \[5, 5\]: expected each once",
        ),
        (
            {"rate_drops": [[5000, 0.1]]},
            r"rate_drops = \(\(5000, 0.1\),\): expected increasing steps below steps = 3000",
        ),
        ({"rate_drops": [[9, 0.1], [9, 0.1]]}, r"rate_drops = .*: expected increasing steps"),
        ({"rate_drops": [[0, 0.1]]}, r"rate_drops = .*: expected increasing steps below"),
        ({"rate_drops": [[9, 0.0]]}, r"rate_drops = .*: expected pairs of a step and a factor"),
        (
            {"fractions": [0.8, 0.0, 0.2]},
            r"fractions = \(0.8, 0.0, 0.2\): expected three shares above 0 that sum to 1; "
            r"the loss learns from validation rows",
        ),
        ({"fractions": [0.8, 0.2, 0.2]}, r"fractions = .*: expected three shares above 0 that"),
        ({"fractions": [0.5, 0.2, 0.2]}, r"fractions = .*: expected three shares above 0 that"),
        ({"meta_learning_rate": -1e-5}, r"meta_learning_rate = -1e-05"),
        ({"meta_learning_rate": float("nan")}, r"meta_learning_rate = nan"),
        ({"offline": {"inner": 0}}, r"offline.inner = 0"),
        ({"offline": {"learning_rate": 0}}, r"offline.learning_rate = 0"),
        ({"loss_network": {"gamma": 1.5}}, r"loss_network.gamma = 1.5"),
        ({"loss_network": {"beta": 0}}, r"loss_network.beta = 0"),
        ({"loss_network": {"hidden": []}}, r"loss_network.hidden"),
        ({"loss_network": {"hidden_activation": "tanh"}}, r"loss_network.hidden_activation"),
        ({"phi_init": "zeros"}, r"phi_init = 'zeros'"),
        ({"on_divergence": "ignore"}, r"on_divergence = 'ignore'"),
        ({"on_unusable": "drop"}, r"on_unusable = 'drop'"),
        ({"momentum": 1.0}, r"momentum = 1.0"),
        ({"learning_rate": 0}, r"learning_rate = 0"),
        ({"rate_factors": [1e-300]}, r"rate_factors.* = 1e-300"),
        ({"seeds": 0}, r"seeds = 0"),
        ({"steps": 0}, r"steps = 0"),
        ({"snapshots": 1}, r"snapshots = 1"),
        ({"metric": "r2"}, r"metric = 'r2'"),
    ],
)
def test_a_bad_field_is_named_with_its_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(AdaLFLConfig, values)


def test_one_name_stands_for_a_list_of_one() -> None:
    found = validate(AdaLFLConfig, {"methods": "adalfl", "references": "mse"})
    assert found.methods == ("adalfl",)
    assert [one.name for one in found.references] == ["mse"]


def test_what_is_configured_begins_as_configured() -> None:
    found = validate(AdaLFLConfig, {"phi_init": "offline"})
    starts = {name: found.start_of(name) for name in METHODS}
    assert starts["adalfl"] == starts["adalfl_softplus"] == starts["ml3"] == "offline"
    assert (starts["adalfl_random"], starts["task_loss"]) == ("random", "none")
    assert starts["warm_start"] == "task_loss_regression"


def test_nothing_has_to_be_set() -> None:
    assert "required" not in [one.default for one in field_texts(AdaLFLConfig)]
