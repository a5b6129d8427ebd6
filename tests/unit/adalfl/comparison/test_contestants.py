"""What is compared, what each begins with, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat.contract import validate
from heliostat_methods.adalfl.comparison.contestants import contestants
from heliostat_methods.adalfl.config import AdaLFLConfig
from heliostat_methods.adalfl.names import METHODS
from heliostat_methods.adalfl.search import _cost_place, _cost_step, _settings


def config(**values: Any) -> AdaLFLConfig:
    return validate(AdaLFLConfig, values)


def by_name(**values: Any) -> dict[str, Any]:
    return {one.name: one for one in contestants(config(**values))}


def test_all_names_are_contestants_in_the_order_that_was_asked() -> None:
    asked = list(METHODS)[::-1]
    found = contestants(config(methods=asked))
    assert [one.name for one in found] == asked
    assert [one.sentence for one in found] == [METHODS[name] for name in asked]


def test_each_is_what_its_name_says() -> None:
    found = by_name(
        methods=list(METHODS), loss_network={"hidden": [7], "add_task_loss": True},
        ml3_hidden=[9, 9], meta_learning_rate=2e-4, log_rate_step=0.01,
    )  # fmt: skip
    adapting = {name: one.adapts for name, one in found.items()}
    assert adapting == {
        "task_loss": "nothing", "adalfl": "loss", "adalfl_offline": "loss",
        "adalfl_random": "loss", "adalfl_softplus": "loss", "offline": "nothing",
        "warm_start": "nothing", "ml3": "nothing", "learning_rate": "rate",
    }  # fmt: skip
    for name, one in found.items():
        usual = {"loss": 2e-4, "rate": 0.01, "nothing": 0.0}[one.adapts]
        assert one.meta_rate == usual, name
    assert found["ml3"].beginning.hidden == (9, 9)
    assert found["ml3"].beginning.output_activation == "softplus"
    assert not found["ml3"].beginning.add_task_loss
    assert found["adalfl"].beginning.hidden == (7,) and found["adalfl"].beginning.add_task_loss
    assert found["adalfl_softplus"].beginning.output_activation == "softplus"
    assert found["task_loss"].beginning is None and found["learning_rate"].beginning is None
    assert found["adalfl"].beginning == found["warm_start"].beginning


def test_sweeps_follow_what_they_vary_and_references_come_last() -> None:
    found = contestants(
        config(
            methods=["adalfl", "adalfl_offline", "task_loss"], meta_rates=[1e-3, 2.0],
            inner_sweep=[4], references=["mse", {"name": "huber", "delta": 2.0}],
        )
    )  # fmt: skip
    assert [one.label for one in found] == [
        "adalfl", "adalfl, rate 0.001", "adalfl, rate 2", "adalfl_offline",
        "adalfl_offline, 4 inner", "task_loss", "mse", "huber delta=2.0",
    ]  # fmt: skip
    assert [one.meta_rate for one in found[:3]] == [1e-5, 1e-3, 2.0]
    assert found[4].beginning is not None and found[4].beginning.inner == 4
    assert found[6].name == "reference0" and found[6].frozen is not None


def test_rates_that_differ_in_their_last_digits_are_told_apart() -> None:
    found = contestants(config(methods=["adalfl"], meta_rates=[1e-3, 1.00000001e-3]))
    assert len({one.label for one in found}) == len({one.name for one in found}) == 3


def cost_steps(**values: Any) -> list[int | None]:
    made = config(**values)
    return [_cost_step(made, one) for one in contestants(made)]


def test_steps_of_equal_cost_are_those_whose_gradient_evaluations_fit() -> None:
    found = cost_steps(
        methods=["task_loss", "adalfl", "learning_rate", "offline"], steps=1000,
        offline={"steps": 10, "inner": 20},
    )  # fmt: skip
    # offline: 10 meta steps of 4 * 20 + 1
    assert found == [1000, 375, 500, 190]


@pytest.mark.parametrize(("steps", "expected"), [(1, [1, None]), (2, [2, None]), (3, [3, 1])])
def test_smallest_budgets_have_a_step_or_none(steps: int, expected: list[int | None]) -> None:
    assert cost_steps(methods=["task_loss", "adalfl"], steps=steps) == expected


def test_a_beginning_that_costs_more_than_everything_leaves_no_step() -> None:
    values = {"methods": ["task_loss", "ml3"], "steps": 100, "offline": {"steps": 2, "inner": 12}}
    assert cost_steps(**values) == [100, 2]
    values["offline"] = {"steps": 2, "inner": 13}
    assert cost_steps(**values) == [100, None]


@pytest.mark.parametrize("steps", [1, 2, 7, 40, 1000])
def test_trainings_are_measured_at_their_equal_cost_and_at_both_ends(steps: int) -> None:
    made = config(steps=steps)
    some = contestants(made)
    settings = _settings(made, some)
    at = settings.measured_at
    assert list(at) == sorted(set(at)) and (at[0], at[-1]) == (0, steps)
    assert (settings.drawn_at[0], settings.drawn_at[-1]) == (0, steps)
    for one in some:
        place, step = _cost_place(made, one, at), _cost_step(made, one)
        assert (place is None) == (step is None)
        assert place is None or at[place] == step
