"""What a configuration of the method refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat import ConfigError
from heliostat.contract import validate
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.method import METHOD
from heliostat_methods.pnag.searchers.by_name import recipe
from heliostat_methods.pnag.searchers.names import NAMES


def test_every_searcher_has_a_name_and_settings_of_its_own() -> None:
    for name in NAMES:
        assert validate(PNAGConfig, {"searcher": name, "compare": []}).searcher == name
        recipe(name, {})


@pytest.mark.parametrize("preset", ["smoke", "demo", "paper"])
def test_presets_are_configurations(preset: str) -> None:
    found = validate(PNAGConfig, METHOD.presets[preset])
    for name in (found.searcher, *found.compare):
        recipe(name, found.settings.get(name, {}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"searcher": "nsga_2"},
            r"searcher = 'nsga_2': expected a searcher; did you mean 'nsga2'\?",
        ),
        (
            {"compare": ["random", "optuna_tp"]},
            r"compare\[1\] = 'optuna_tp': expected a searcher; did you mean 'optuna_tpe'\?",
        ),
        (
            {"settings": {"ensembel": {}}},
            r"settings = 'ensembel': expected a searcher; did you mean 'ensemble'\?",
        ),
        (
            {"compare": ["random", "random"]},
            r"compare = \['random', 'random'\]: expected each searcher once",
        ),
        (
            {"compare": ["random", "ensemble"]},
            r"compare = 'ensemble': expected searchers other than `searcher`",
        ),
        (
            {"supernet": {"batch": 8, "shards": 9}},
            r"supernet.shards = 9: expected at most 8, the images of a batch",
        ),
        ({"supernet": {"batch": 1}}, r"supernet.batch = 1"),
        ({"supernet": {"calibration": 1}}, r"supernet.calibration = 1"),
        ({"supernet": {"momentum": 1}}, r"supernet.momentum = 1"),
        ({"supernet": {"learning_rate": float("inf")}}, r"supernet.learning_rate = inf"),
        ({"supernet": {"schedule": "sandwhich"}}, r"supernet.schedule = 'sandwhich'"),
        ({"generator": {"knots": 1}}, r"generator.knots = 1"),
        ({"retrain": {"networks": -1}}, r"retrain.networks = -1"),
        ({"evaluations": 1}, r"evaluations = 1"),
        ({"seeds": 0}, r"seeds = 0"),
        ({"quantity": "time"}, r"quantity = 'time'"),
        ({"device": "gpu"}, r"device = 'gpu'"),
    ],
)
def test_a_bad_field_is_named_with_its_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(PNAGConfig, values)


def test_settings_of_searchers_that_take_part_are_kept() -> None:
    given = {"ensemble": {}, "random": {}}
    assert validate(PNAGConfig, {"settings": given}).settings == given
