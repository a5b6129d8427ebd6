"""What is tuned of each estimator, and where its tuning begins."""

from __future__ import annotations

import pytest
from fams_problems import configured

from heliostat import Resources
from heliostat_methods.fams.comparison.contestants import (
    Contestant,
    defaults_of,
    fams_settings,
    fixed_of,
    resources,
    space_of,
)
from heliostat_methods.fams.estimators.names import NAMES

FAIRLEARN = tuple(name for name in NAMES if name.startswith("fairlearn"))


@pytest.mark.parametrize("name", NAMES)
def test_defaults_lie_in_the_space(name: str) -> None:
    config = configured()
    space, first = space_of(config, name), defaults_of(config, name)
    assert list(first) == list(space)
    assert all(dimension.holds(first[field]) for field, dimension in space.items())


def test_a_default_outside_the_space_becomes_the_nearest_value() -> None:
    assert defaults_of(configured(), "erm")["weight_decay"] == 1e-6  # its default is no penalty
    far = configured(fams={"lam": 500.0, "lr_posterior": 1e-4})
    found = defaults_of(far, "fams")
    assert (found["lam"], found["lr_posterior"]) == (10, 0.005)


@pytest.mark.parametrize("rounds", [2, 7, 8, 80])
def test_rounds_are_tuned_up_to_those_that_are_set(rounds: int) -> None:
    config = configured(fams={"rounds": rounds})
    dimension = space_of(config, "fams")["rounds"]
    assert (dimension.low, dimension.high) == (max(1, rounds // 8), rounds)
    assert defaults_of(config, "fams")["rounds"] == rounds


def test_a_single_round_leaves_nothing_to_tune_of_it() -> None:
    config = configured(fams={"rounds": 1})
    assert "rounds" not in space_of(config, "fams")
    assert fams_settings(config, defaults_of(config, "fams")).rounds == 1


def test_all_networks_have_the_widths_that_are_set() -> None:
    assert fixed_of(configured(), "erm") == {"hidden": [4]}
    assert fixed_of(configured(), "logistic") == fixed_of(configured(), FAIRLEARN[0]) == {}


def test_tuned_parameters_stand_in_place_of_those_set() -> None:
    config = configured(fams={"lam": 3.0, "inner": 4})
    made = fams_settings(config, {"lam": 0.5})
    assert (made.lam, made.inner, config.fams.lam) == (0.5, 4, 3.0)


def test_a_label_is_what_tables_call_it() -> None:
    assert Contestant("fams", {}).shown == "fams"
    assert Contestant("fams", {}, "lambda 1").shown == "lambda 1"


def test_a_gpu_is_asked_for_as_the_device_says() -> None:
    assert resources(configured()) is None
    assert resources(configured(device="cuda")) == Resources(gpus=1, or_cpu=False)
    assert resources(configured(device="auto")) == Resources(gpus=1, or_cpu=True)
